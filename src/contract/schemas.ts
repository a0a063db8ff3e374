/** JSON Schemas of everything on the wire, by name: for documentation and for `read/schema`. */
import { z } from 'zod';
import { jobSchema, messageSchemas, requestSchemas, type Verb } from './messages.js';

/** `fastsam.v1.request.prompt.set` for `prompt/set`. */
function requestName(verb: Verb): string {
  return `fastsam.v1.request.${verb.replaceAll('/', '.')}`;
}

const schemas: Readonly<Record<string, { readonly schema: z.ZodType; readonly io: 'input' | 'output' }>> = {
  ...Object.fromEntries(Object.entries(messageSchemas).map(([name, schema]) => [name, { schema, io: 'output' }])),
  ...Object.fromEntries(Object.entries(requestSchemas).map(([verb, schema]) => [requestName(verb as Verb), { schema, io: 'input' }])),
  'fastsam.v1.job': { schema: jobSchema, io: 'input' },
};

export const SCHEMA_NAMES: readonly string[] = Object.keys(schemas).sort();

/** The JSON Schema (2020-12) of a message or request; undefined for a name that is none. */
export function jsonSchemaOf(name: string): object | undefined {
  const entry = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  if (!entry) return undefined;
  const schema = z.toJSONSchema(entry.schema, {
    io: entry.io,
    override: ({ zodSchema, jsonSchema }) => {
      // A message of a later version may have more keys; only what is asked of a node is strict.
      const { def } = zodSchema._zod;
      if (def.type === 'object' && !def.catchall) delete jsonSchema.additionalProperties;
    },
  });
  return { title: name, ...schema };
}
