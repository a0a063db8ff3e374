/**
 * `cameras/<cam>/event`: what happened, once each. Kept on disk while the broker is away; a consumer that remembers
 * `eventId` sees every event exactly once, in the order in which they happened.
 */
import { z } from 'zod';
import { REACQUIRED_BY } from '../domain/answer.js';
import { idSchema } from '../domain/prompt.js';
import { bootId, count, timestamp, version } from './common.js';
import { recipeIdentitySchema, verdictFields } from './inspection.js';
import { box, lostReasonSchema, trackId as track } from './tracking.js';

const promptFields = {
  prompt: idSchema.meta({ description: 'The prompt.' }),
  revision: count.meta({ description: 'The prompt revision that it was seen with.' }),
};

const cameraLost = { type: z.literal('camera-lost'), reason: z.string().max(1000).optional() };
const cameraBack = { type: z.literal('camera-back'), awayMs: z.number().min(0).meta({ description: 'How long the camera was away.' }) };
const promptMatched = {
  type: z.literal('prompt-matched'),
  ...promptFields,
  score: z.number().meta({ description: 'Best score among the objects that match.' }),
  objects: count.meta({ description: 'Objects that match.' }),
};
const inputCorrupt = {
  type: z.literal('input-corrupt'),
  source: z.string().max(1000).meta({ description: 'The file that could not be read; it was left out, the others follow.' }),
  reason: z.string().max(1000),
};
const governorStep = {
  type: z.literal('governor-step'),
  direction: z.enum(['down', 'up']),
  level: count.meta({ description: 'Degradation levels below full service.' }),
  setting: z.string().max(200).meta({ description: 'What is turned down now; empty: nothing.' }),
  reason: z.string().max(1000),
};
const promptFollows = {
  ...promptFields,
  track: track.optional().meta({ description: 'The object; absent after a restart.' }),
};
const promptLocked = { type: z.literal('prompt-locked'), ...promptFollows };
const promptLost = {
  type: z.literal('prompt-lost'),
  ...promptFollows,
  reason: lostReasonSchema,
  bbox: box.optional().meta({ description: 'Where it was seen last: x1, y1, x2, y2.' }),
};
const promptReacquired = {
  type: z.literal('prompt-reacquired'),
  ...promptFollows,
  awayMs: z.number().min(0),
  by: z
    .enum(REACQUIRED_BY)
    .meta({ description: 'track: where it was expected; appearance: elsewhere, by colour and size; text: by its text.' }),
};
const promptGone = { type: z.literal('prompt-gone'), ...promptFollows };
const edge = z.enum(['left', 'right', 'top', 'bottom']).optional().meta({ description: 'Of the frame; absent inside of it.' });
const objectEntered = { type: z.literal('object-entered'), track, bbox: box, edge };
const objectLeft = {
  type: z.literal('object-left'),
  track,
  bbox: box.meta({ description: 'Where it was seen last.' }),
  edge,
  ageMs: count,
  distancePx: z.number().min(0).meta({ description: 'From where it was first seen to where it was last.' }),
};
const sceneChanged = {
  type: z.literal('scene-changed'),
  reason: z.enum(['time', 'size', 'scene']).meta({
    description:
      'All tracks ended: time went back or stood still for 10 s, the frame has another size, or the camera came back with another picture.',
  }),
};
const countsReset = {
  type: z.literal('counts-reset'),
  ids: z.array(idSchema).max(100).meta({ description: 'Lines and zones that count from 0 again.' }),
};
const lineCrossed = {
  type: z.literal('line-crossed'),
  line: idSchema,
  track,
  direction: z.enum(['in', 'out']),
  at: z.tuple([z.number(), z.number()]).meta({ description: 'Pixels x, y of the object on its new side.' }),
  speed: z
    .object({
      pxPerS: z.number().min(0),
      mPerS: z.number().min(0).optional().meta({ description: 'With scale or plane of the camera.' }),
      errorMPerS: z.number().min(0).optional().meta({ description: 'Standard error of mPerS.' }),
    })
    .optional()
    .meta({ description: 'Over the last half second; absent before four sightings.' }),
  total: z.object({ in: count, out: count }).meta({ description: 'Crossings since the counts began.' }),
};
const zoneEntered = {
  type: z.literal('zone-entered'),
  zone: idSchema,
  track,
  inside: count.meta({ description: 'Objects inside now.' }),
  born: z.literal(true).optional().meta({ description: 'It was seen inside first: no border was crossed.' }),
};
const zoneLeft = {
  type: z.literal('zone-left'),
  zone: idSchema,
  track,
  dwellMs: count,
  reason: z.enum(['moved', 'lost', 'reset']).meta({ description: 'lost: it was not seen any more; reset: the scene changed.' }),
  inside: count,
};
const zoneDwell = { type: z.literal('zone-dwell'), zone: idSchema, track, dwellMs: count };
const verdict = { type: z.literal('verdict'), ...verdictFields };
const recipeChanged = {
  type: z.literal('recipe-changed'),
  change: z.enum(['set', 'activated']),
  recipe: recipeIdentitySchema,
  by: z.string().max(200).meta({ description: 'The transport and role of the request, or the configuration file.' }),
};
const promptUnmatched = { type: z.literal('prompt-unmatched'), ...promptFields };

const envelope = {
  v: version,
  node: idSchema,
  camera: idSchema,
  bootId: bootId.meta({ description: 'Of the run that saw the event, which may be an earlier one than that which sends it.' }),
  eventId: z.uuid().meta({ description: 'The same in every copy of an event: QoS 1 may deliver it twice.' }),
  ts: timestamp.meta({ description: 'When it happened.' }),
  replayed: z.boolean().meta({ description: 'True when it could not be sent as it happened: the broker was away.' }),
};

/** Data of an event as its observer reports it, by `type`. */
export const eventSchema = z.discriminatedUnion('type', [
  z.object(cameraLost),
  z.object(cameraBack),
  z.object(promptMatched),
  z.object(promptUnmatched),
  z.object(promptLocked),
  z.object(promptLost),
  z.object(promptReacquired),
  z.object(promptGone),
  z.object(lineCrossed),
  z.object(zoneEntered),
  z.object(zoneLeft),
  z.object(zoneDwell),
  z.object(objectEntered),
  z.object(objectLeft),
  z.object(sceneChanged),
  z.object(countsReset),
  z.object(inputCorrupt),
  z.object(governorStep),
  z.object(verdict),
  z.object(recipeChanged),
]);

export const eventMessageSchema = z
  .discriminatedUnion('type', [
    z.object({ ...envelope, ...cameraLost }),
    z.object({ ...envelope, ...cameraBack }),
    z.object({ ...envelope, ...promptMatched }),
    z.object({ ...envelope, ...promptUnmatched }),
    z.object({ ...envelope, ...promptLocked }),
    z.object({ ...envelope, ...promptLost }),
    z.object({ ...envelope, ...promptReacquired }),
    z.object({ ...envelope, ...promptGone }),
    z.object({ ...envelope, ...lineCrossed }),
    z.object({ ...envelope, ...zoneEntered }),
    z.object({ ...envelope, ...zoneLeft }),
    z.object({ ...envelope, ...zoneDwell }),
    z.object({ ...envelope, ...objectEntered }),
    z.object({ ...envelope, ...objectLeft }),
    z.object({ ...envelope, ...sceneChanged }),
    z.object({ ...envelope, ...countsReset }),
    z.object({ ...envelope, ...inputCorrupt }),
    z.object({ ...envelope, ...governorStep }),
    z.object({ ...envelope, ...verdict }),
    z.object({ ...envelope, ...recipeChanged }),
  ])
  .meta({ type: 'object' });

export type CameraEvent = z.output<typeof eventSchema>;
export type EventMessage = z.output<typeof eventMessageSchema>;
