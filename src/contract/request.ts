/** `request/<verb>`: what a node can be asked, and the data of its answers. */
import { z } from 'zod';
import { idSchema, PROMPT_LIMITS, promptSetSchema } from '../domain/prompt.js';
import { recipeSchema } from '../domain/recipe.js';
import { lineSetSchema, ZONE_LIMITS, zoneSetSchema } from '../domain/zone.js';
import { count, timestamp, version } from './common.js';
import { alertMessageSchema, healthMessageSchema } from './health.js';
import { EVIDENCE_KINDS, TEACH_SIGMA, triggerFields, triggerName, VERDICTS } from './inspection.js';
import { NODE_STATES } from './node.js';
import { promptAnswerSchema } from './result.js';
import type { Verb } from './verbs.js';

const MAX_TTL_S = 7 * 86_400;

const id = idSchema
  .optional()
  .meta({ description: 'Comes back in the response; the same id twice is applied once. Optional where correlation data does that job.' });
const camera = idSchema.optional().meta({ description: 'All cameras when absent.' });
const oneCamera = idSchema.meta({ description: 'Which camera.' });
const ifRevision = count.optional().meta({ description: 'Apply only when this is still the revision of the camera (of every camera).' });
const ttlS = z
  .number()
  .min(0.1)
  .max(MAX_TTL_S)
  .optional()
  .meta({ description: 'Seconds after which the prompts are again what they permanently are; for good when absent.' });
const change = { id, camera, ifRevision, ttlS };
const zoneChange = { id, camera, ifRevision };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Payload of each verb; an empty payload is read as `{}`. */
export const requestSchemas = {
  'prompt/set': z.strictObject({ ...change, prompts: promptSetSchema }),
  'prompt/add': z.strictObject({
    ...change,
    prompts: promptSetSchema.meta({ description: 'Put beside those in force; one with the id of another takes its place.' }),
  }),
  'prompt/remove': z.strictObject({ ...change, ids: z.array(idSchema).min(1).max(PROMPT_LIMITS.prompts) }),
  'prompt/clear': z.strictObject(change),
  'prompt/get': z.strictObject({ id, camera }),
  'prompt/try': z.strictObject({
    id,
    camera: oneCamera,
    seq: count.optional().meta({ description: 'The frame asked about; the latest when absent. Frames are kept while somebody watches.' }),
    prompts: promptSetSchema,
  }),
  'zone/set': z.strictObject({ ...zoneChange, lines: lineSetSchema.default([]), zones: zoneSetSchema.default([]) }),
  'zone/add': z.strictObject({
    ...zoneChange,
    lines: lineSetSchema.default([]).meta({ description: 'Put beside those in force; one with the id of another takes its place.' }),
    zones: zoneSetSchema.default([]).meta({ description: 'As lines.' }),
  }),
  'zone/remove': z.strictObject({
    ...zoneChange,
    ids: z
      .array(idSchema)
      .min(1)
      .max(2 * ZONE_LIMITS.each)
      .meta({ description: 'Of lines and zones.' }),
  }),
  'zone/get': z.strictObject({ id, camera }),
  'count/reset': z.strictObject({
    id,
    camera,
    ids: z
      .array(idSchema)
      .min(1)
      .max(2 * ZONE_LIMITS.each)
      .optional()
      .meta({ description: 'Of lines and zones; all when absent.' }),
  }),
  'read/ping': z.strictObject({ id }),
  'read/info': z.strictObject({ id }),
  'read/health': z.strictObject({ id }),
  'read/snapshot': z.strictObject({ id, camera: oneCamera }),
  'read/tracks': z.strictObject({ id, camera }),
  'read/schema': z.strictObject({
    id,
    name: z
      .string()
      .max(100)
      .optional()
      .meta({ description: 'Name of a schema, as in the user property "schema"; all names when absent.' }),
  }),
  'inspect/trigger': z.strictObject({ id, camera: oneCamera, ...triggerFields }),
  'inspect/cancel': z.strictObject({ id, camera: oneCamera, trigger: triggerName.meta({ description: 'The name of the trigger.' }) }),
  'recipe/set': z.strictObject({
    id,
    camera: oneCamera,
    recipe: recipeSchema.meta({ description: 'The whole recipe; it is refused as a whole.' }),
    ifRevision: count.optional().meta({ description: 'Only when this is the newest revision of the recipe; 0: only when there is none.' }),
    activate: z.boolean().default(false).meta({ description: 'Judge by it from the next frame on.' }),
  }),
  'recipe/activate': z.strictObject({
    id,
    camera: oneCamera,
    recipe: idSchema,
    revision: count.optional().meta({ description: 'The newest when absent.' }),
  }),
  'recipe/get': z.strictObject({
    id,
    camera: oneCamera,
    recipe: idSchema.optional().meta({ description: 'The active one when absent.' }),
    revision: count.optional().meta({ description: 'The newest when absent.' }),
  }),
  'recipe/list': z.strictObject({ id, camera: oneCamera }),
  'teach/start': z.strictObject({
    id,
    camera: oneCamera,
    recipe: idSchema.optional().meta({ description: 'Its newest revision is taught; the active one when absent.' }),
    sigma: z
      .number()
      .min(TEACH_SIGMA.min)
      .max(TEACH_SIGMA.max)
      .default(TEACH_SIGMA.usual)
      .meta({ description: 'Limits so many robust standard deviations from the median.' }),
  }),
  'teach/add': z.strictObject({
    id,
    camera: oneCamera,
    verdict: z.literal('OK').default('OK').meta({ description: 'What the part in view is: only good parts teach.' }),
  }),
  'teach/commit': z.strictObject({
    id,
    camera: oneCamera,
    ifRevision: count
      .optional()
      .meta({ description: 'Only when this is the newest revision of the recipe; that of teach/start when absent.' }),
    activate: z.boolean().default(false).meta({ description: 'Judge by the new revision from the next frame on.' }),
  }),
  'teach/abort': z.strictObject({ id, camera: oneCamera }),
  'read/verdicts': z.strictObject({
    id,
    camera,
    part: z.string().max(100).optional(),
    verdict: z.enum(VERDICTS).optional(),
    before: count.optional().meta({ description: 'Only inspections with a smaller number, for the next page.' }),
    limit: z.number().int().min(1).max(200).default(50).meta({ description: 'The newest come first.' }),
  }),
  'read/statistics': z.strictObject({ id, camera: oneCamera }),
  'read/evidence': z.strictObject({
    id,
    camera: oneCamera,
    inspection: count.meta({ description: 'Number of the verdict.' }),
    kind: z
      .enum(EVIDENCE_KINDS)
      .default('annotated')
      .meta({ description: 'With what was measured drawn on it, or as the camera gave it.' }),
  }),
  'admin/camera-pause': z.strictObject({ id, camera: oneCamera }),
  'admin/camera-resume': z.strictObject({ id, camera: oneCamera }),
  'admin/camera-paused': z.strictObject({
    id,
    camera: oneCamera,
    paused: z.boolean().meta({ description: 'Both of the above in one verb, for switches.' }),
  }),
  'admin/camera-restart': z.strictObject({ id, camera: oneCamera }),
  'admin/config-reload': z.strictObject({ id }),
  'admin/log-level': z.strictObject({ id, level: z.enum(LOG_LEVELS).meta({ description: 'Until the next start or reload.' }) }),
} as const satisfies Readonly<Record<Verb, z.ZodType>>;

export type RequestOf<V extends Verb> = z.output<(typeof requestSchemas)[V]>;

export function isVerb(verb: string): verb is Verb {
  return Object.hasOwn(requestSchemas, verb);
}

export const pingDataSchema = z.object({ v: version, bootId: z.uuid(), ts: timestamp, state: z.enum(NODE_STATES) });

/** `data` of read/health. `health` is null before the first report. */
export const healthDataSchema = z.object({
  health: healthMessageSchema.nullable(),
  alerts: z.record(idSchema, alertMessageSchema).meta({ description: 'In force, by id.' }),
});

/** `data` of read/snapshot and read/evidence: the picture itself is on `topic`. */
export const snapshotDataSchema = z.object({
  topic: z.string(),
  contentType: z.literal('image/jpeg'),
  bytes: count,
  width: count,
  height: count,
  capturedAt: timestamp,
});

/** `data` of prompt/try: what these prompts would have answered on one frame. Nothing changes. */
export const tryDataSchema = z.object({
  seq: count,
  capturedAt: timestamp,
  answers: z.array(promptAnswerSchema),
  objects: z
    .array(z.object({ id: count, score: z.number(), bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]), area: count }))
    .meta({ description: 'The objects that match, by id.' }),
});

export type TryData = z.output<typeof tryDataSchema>;
export type PingData = z.output<typeof pingDataSchema>;
export type HealthData = z.output<typeof healthDataSchema>;
export type SnapshotData = z.output<typeof snapshotDataSchema>;
