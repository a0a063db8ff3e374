/** `request/<verb>` and `response/<verb>`: what a node can be asked, and how it answers. */
import { z } from 'zod';
import { idSchema, promptSetSchema } from '../domain/prompt.js';
import { count, timestamp, version } from './common.js';
import { NODE_STATES, promptsMessageSchema } from './node.js';

const id = idSchema
  .optional()
  .meta({ description: 'Comes back in the response; the same id twice is applied once. Optional where correlation data does that job.' });
const camera = idSchema.optional().meta({ description: 'All cameras when absent.' });
const ifRevision = count.optional().meta({ description: 'Apply only when this is still the revision of the camera (of every camera).' });

/** Payload of each verb; an empty payload is read as `{}`. */
export const requestSchemas = {
  'prompt/set': z.strictObject({ id, camera, prompts: promptSetSchema, ifRevision }),
  'prompt/clear': z.strictObject({ id, camera, ifRevision }),
  'prompt/get': z.strictObject({ id, camera }),
  'read/ping': z.strictObject({ id }),
  'read/info': z.strictObject({ id }),
} as const;

export type Verb = keyof typeof requestSchemas;
export type RequestOf<V extends Verb> = z.output<(typeof requestSchemas)[V]>;

export const VERBS = Object.keys(requestSchemas) as Verb[];

export function isVerb(verb: string): verb is Verb {
  return Object.hasOwn(requestSchemas, verb);
}

export const responseMessageSchema = z.object({
  id: idSchema.nullable().meta({ description: 'Of the request; null where it had none that could be read.' }),
  status: z.enum(['ok', 'error']),
  code: z
    .string()
    .optional()
    .meta({ description: 'With status error: REQUEST_INVALID, PROMPT_INVALID, REVISION_CONFLICT, RATE_LIMITED, INTERNAL.' }),
  error: z.string().optional().meta({ description: 'With status error: what was expected, in one line.' }),
  revision: count.optional().meta({ description: 'After prompt/set and prompt/clear: the revision that results will carry.' }),
  data: z.unknown().optional(),
});

export const pingDataSchema = z.object({ v: version, bootId: z.uuid(), ts: timestamp, state: z.enum(NODE_STATES) });

/** `data` of prompt/get. */
export const promptsDataSchema = z.array(promptsMessageSchema);

export type ResponseMessage = z.output<typeof responseMessageSchema>;
export type PingData = z.output<typeof pingDataSchema>;
