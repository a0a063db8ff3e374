/** `cameras/<cam>/result`: what was found in one frame. Also the line that `fastsamd segment --json` prints. */

import { z } from 'zod';
import { BACKENDS } from '../domain/backend.js';
import { idSchema } from '../domain/prompt.js';
import { bootId, count, milliseconds, timestamp, version } from './common.js';
import { box, followReasonSchema, followStateSchema, lastSeenSchema, trackId } from './tracking.js';

const score = z.number().min(0).max(1);
const size = z.tuple([count, count]).meta({ description: 'Height, width of the frame in pixels (COCO order).' });

const rleMaskSchema = z.object({
  size,
  counts: z.string().meta({ description: 'COCO compressed RLE, column-major.' }),
});

const polygonMaskSchema = z.object({
  size,
  polygons: z.array(z.array(z.array(z.tuple([z.number(), z.number()])).min(4))).meta({
    description:
      'Polygons of rings of [x, y] pixel corners, as the coordinates of a GeoJSON MultiPolygon: the first ring is the outline, later ones are holes, and the last position of a ring is its first again.',
  }),
});

const pngMaskSchema = z.object({
  size,
  png: z.base64().meta({ description: 'Greyscale PNG of the whole frame, 255 inside the mask.' }),
});

export const maskSchema = z.union([rleMaskSchema, polygonMaskSchema, pngMaskSchema]);

export const objectSchema = z.object({
  id: count.meta({ description: 'Number of the object within this message, by descending score.' }),
  score,
  label: z.string().nullable().meta({ description: 'Class name; null for class-agnostic models.' }),
  bbox: z
    .tuple([z.number(), z.number(), z.number(), z.number()])
    .meta({ description: 'x1, y1, x2, y2 in source pixels, fractions included.' }),
  area: count.meta({ description: 'Pixels of the mask.' }),
  mask: maskSchema.optional().meta({ description: 'Absent with maskEncoding bbox, and where the message stepped down to it.' }),
  prompts: z.array(idSchema).meta({ description: 'The prompts this object answers.' }),
  track: trackId
    .optional()
    .meta({ description: 'The same for this object in every frame; absent until it was seen twice, and without tracking.' }),
  parent: trackId.optional().meta({ description: 'Track of the object that holds this one and moves along with it.' }),
  ageMs: milliseconds.optional().meta({ description: 'Since the track began.' }),
  motion: z
    .object({ vx: z.number(), vy: z.number() })
    .optional()
    .meta({ description: "Pixels a second, without the camera's motion; with publishMotion." }),
  zones: z.array(idSchema).optional().meta({ description: 'Zones that it is in; absent where it is in none.' }),
});

const followSchema = z
  .object({
    state: followStateSchema,
    track: trackId.optional(),
    sinceMs: milliseconds.optional().meta({ description: 'In this state for so long.' }),
    fit: z
      .enum(['exact', 'part', 'merged'])
      .optional()
      .meta({ description: 'The whole object, a part of it, or it and another in one mask.' }),
    unseenMs: milliseconds.optional(),
    predicted: box.optional().meta({ description: 'Coasting: where the object is expected; x1, y1, x2, y2.' }),
    lastSeen: lastSeenSchema.optional().meta({ description: 'Lost and gone.' }),
    reason: followReasonSchema.optional(),
  })
  .meta({ description: 'Of a prompt that follows an object.' });

const answer = {
  id: idSchema,
  type: z.enum(['everything', 'box', 'points', 'text', 'label', 'track', 'salient']),
  follow: followSchema.optional(),
};
const bestScore = z.number().optional().meta({ description: 'The best score seen, below what the prompt asked for.' });
const unscored = count.optional().meta({ description: 'Text prompts: objects that were not looked at yet.' });
const reason = z.string().optional().meta({ description: 'Text prompts: why objects are not looked at.' });

export const promptAnswerSchema = z.discriminatedUnion('status', [
  z.object({
    ...answer,
    status: z.literal('matched'),
    objects: z
      .array(
        z.object({
          id: count,
          score: z.number(),
          ageMs: milliseconds.optional().meta({ description: 'Text prompts: time since the object was looked at; 0 in this frame.' }),
        }),
      )
      .meta({ description: 'Objects of this message with the score of the match.' }),
    mask: maskSchema.optional().meta({ description: 'The merged mask of a points prompt with select "merge".' }),
    unscored,
    reason,
  }),
  z.object({
    ...answer,
    status: z.literal('unmatched'),
    bestScore,
  }),
  z.object({
    ...answer,
    status: z.literal('pending').meta({
      description:
        'A text prompt without a match among the objects that were looked at, and others are still to come: too early for "unmatched".',
    }),
    bestScore,
    unscored,
    reason,
  }),
]);

export const latencySchema = z.object({
  wait: milliseconds.meta({ description: 'In no stage: captured but not yet, or between stages.' }),
  preprocess: milliseconds,
  infer: milliseconds,
  decode: milliseconds,
  track: milliseconds.optional().meta({ description: 'Finding the objects of the frames before again; absent without tracking.' }),
  prompt: milliseconds,
  encode: milliseconds,
  total: milliseconds.meta({ description: 'From capture to encoded message.' }),
});

export const resultMessageSchema = z.object({
  v: version,
  node: idSchema,
  camera: idSchema,
  bootId,
  seq: count.meta({
    description:
      'Counts the frames of this camera that were segmented. Where all results are published, a gap is a message that did not arrive.',
  }),
  frame: z.object({
    source: z.string().optional().meta({
      description:
        'The name of the file that the frame came from; absent for cameras. The whole path or URI in the output of "fastsamd segment".',
    }),
    modifiedAt: timestamp.optional().meta({ description: 'Pictures from files: when the file was written.' }),
    mediaTimeMs: milliseconds.optional().meta({ description: 'Videos from files: time within the video.' }),
    width: count,
    height: count,
    capturedAt: timestamp,
    monotonicNs: z
      .string()
      .regex(/^\d+$/)
      .meta({ description: 'CLOCK_MONOTONIC of the node at capture, nanoseconds; a string because it exceeds a double.' }),
  }),
  model: z.object({
    name: z.string(),
    backend: z.enum(BACKENDS),
    input: z.tuple([count, count]).meta({ description: 'Height, width of the network input in pixels.' }),
  }),
  promptRevision: count,
  latencyMs: latencySchema,
  dropped: z.record(z.string(), count).meta({ description: 'Frames dropped since the previous result, by reason.' }),
  objects: z.array(objectSchema),
  prompts: z.array(promptAnswerSchema),
  tracking: z
    .object({
      live: count.meta({ description: 'Tracks in this frame.' }),
      lost: count.meta({ description: 'Tracks that are not in this frame and may come back.' }),
      cameraMotion: z
        .object({ dx: z.number(), dy: z.number(), scale: z.number(), rotation: z.number(), sure: z.boolean() })
        .optional()
        .meta({ description: 'Of a moving camera since the frame before: pixels at the centre of the frame, a factor, degrees.' }),
    })
    .optional()
    .meta({ description: 'Absent without tracking.' }),
  degraded: z.boolean().meta({
    description:
      'True when masks were simplified or left out to keep the message within maxPayloadBytes, and while the governor has turned something down.',
  }),
});

export type MaskMessage = z.output<typeof maskSchema>;
export type ObjectMessage = z.output<typeof objectSchema>;
export type PromptAnswerMessage = z.output<typeof promptAnswerSchema>;
export type ResultMessage = z.output<typeof resultMessageSchema>;
