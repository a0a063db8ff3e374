/** The published JSON Schema of the configuration file, and reading it: what a key expects, in words. */
import { z } from 'zod';
import { recipeSchema } from '../domain/recipe.js';
import { configSchema } from './schema.js';

/** The part of JSON Schema (2020-12) that our schemas use. */
export interface JsonSchema {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string | number;
  readonly enum?: readonly (string | number)[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** Of a mapping with free keys. */
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema | false;
  readonly prefixItems?: readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

export type KeyPath = readonly (string | number)[];

/** What a configuration file may hold: the same on every machine, so a default taken from the host is left out. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === configSchema.shape.node) delete jsonSchema.default;
    },
  });
  return { title: 'Configuration of fastsamd', ...schema } as JsonSchema;
}

/** What a recipe may hold. */
export function recipeJsonSchema(): JsonSchema {
  return { title: 'Recipe of fastsamd', ...z.toJSONSchema(recipeSchema, { io: 'input' }) } as JsonSchema;
}

/** The alternatives of a schema: of a union of objects told apart by a constant (`type: box`), those that fit `value`. */
function alternatives(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const options = schema.anyOf ?? schema.oneOf;
  if (!options) return [schema];
  const fits = options.filter((option) =>
    Object.entries(option.properties ?? {}).every(
      ([key, property]) => property.const === undefined || property.const === (value as Record<string, unknown> | null)?.[key],
    ),
  );
  return fits.length > 0 ? fits : options;
}

function child(schema: JsonSchema, key: string | number): JsonSchema | undefined {
  if (typeof key === 'string') {
    const { additionalProperties: free } = schema;
    return schema.properties?.[key] ?? (typeof free === 'object' ? free : undefined);
  }
  return schema.prefixItems?.[key] ?? (schema.items || undefined);
}

/** The schema of the key at `path` of the document `value`; several candidates come as one `anyOf`. */
export function schemaAt(schema: JsonSchema, path: KeyPath, value: unknown): JsonSchema | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const children = alternatives(schema, value).flatMap((option) => child(option, key) ?? []);
  const next = children.length > 1 ? { anyOf: children } : children[0];
  return next && schemaAt(next, rest, (value as Record<string | number, unknown> | undefined)?.[key]);
}

/** The keys a mapping at this place may have. */
export function keysOf(schema: JsonSchema, value: unknown): string[] {
  return [...new Set(alternatives(schema, value).flatMap((option) => Object.keys(option.properties ?? {})))];
}

/** The values a key is restricted to; empty when it is not. */
export function choicesOf(schema: JsonSchema): readonly (string | number)[] {
  if (schema.const !== undefined) return [schema.const];
  return schema.enum ?? (schema.anyOf ?? schema.oneOf)?.flatMap(choicesOf) ?? [];
}

function range(from: number | undefined, to: number | undefined): string {
  if (from !== undefined && to !== undefined) return from === to ? `${from}` : `${from} to ${to}`;
  if (from !== undefined) return `at least ${from}`;
  return to === undefined ? '' : `at most ${to}`;
}

function either(words: readonly string[]): string {
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words.at(-1)}` : (words[0] ?? 'anything');
}

/** What a key expects, in words: `an integer from 1 to 1000`, `"cpu" or "cuda"`. */
export function describeSchema(schema: JsonSchema): string {
  const options = schema.anyOf ?? schema.oneOf ?? [schema];
  if (options.every((option) => choicesOf(option).length > 0)) return either(choicesOf(schema).map((choice) => JSON.stringify(choice)));
  if (options.length > 1) return either([...new Set(options.map(describeSchema))]);
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number': {
      const bounds = range(schema.minimum, schema.maximum);
      const noun = schema.type === 'integer' ? 'an integer' : 'a number';
      return bounds.includes(' to ') ? `${noun} from ${bounds}` : `${noun} ${bounds}`.trim();
    }
    case 'string': {
      if (schema.pattern !== undefined) return `text matching ${schema.pattern}`;
      const bounds = range(schema.minLength, schema.maxLength);
      return bounds ? `text of ${bounds} characters` : 'text';
    }
    case 'array': {
      if (schema.prefixItems) return `a list of ${schema.prefixItems.length} numbers`;
      return `a list of ${range(schema.minItems ?? 0, schema.maxItems ?? Number.POSITIVE_INFINITY)} entries`.replace(
        ' to Infinity',
        ' or more',
      );
    }
    case 'object':
      return 'a mapping of keys to values';
    default:
      return 'anything';
  }
}
