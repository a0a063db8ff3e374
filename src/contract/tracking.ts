/**
 * What a tracking camera keeps current: `cameras/<cam>/follow`, `…/zones` and `…/counts`, all retained and only there while the
 * camera's tracking is on; and the answers of the requests about them.
 */
import { z } from 'zod';
import { FOLLOW_REASONS, FOLLOW_STATES, LOST_REASONS } from '../domain/answer.js';
import { idSchema } from '../domain/prompt.js';
import { lineSchema, zoneSchema } from '../domain/zone.js';
import { bootId, count, milliseconds, timestamp, version } from './common.js';

export const trackId = z.number().int().min(1).meta({ description: 'The same for an object in every frame of one run.' });
export const box = z.tuple([z.number(), z.number(), z.number(), z.number()]).meta({ description: 'x1, y1, x2, y2 in source pixels.' });

export const followStateSchema = z.enum(FOLLOW_STATES).meta({
  description:
    'arming: nothing matched yet; binding: watches which object matches; locked: sees its object; coasting: unseen for a moment; lost: unseen for lostAfterMs; gone: given up, only a new prompt goes on.',
});
const LOST_MEANING =
  'occluded: not seen any more; left: out of the frame; scene-changed: the camera shows another picture; restart: the prompt is of an earlier run, or was replaced for a while, and its place may show another object now.';
export const lostReasonSchema = z.enum(LOST_REASONS).meta({ description: LOST_MEANING });
export const followReasonSchema = z.enum(FOLLOW_REASONS).meta({
  description: `${LOST_MEANING.slice(0, -1)}; taken: arming, as another box or points prompt follows the object at this place.`,
});
export const lastSeenSchema = z.object({ at: timestamp, bbox: box }).meta({ description: 'When and where the object was seen last.' });

export const followMessageSchema = z.object({
  v: version,
  camera: idSchema,
  bootId,
  ts: timestamp,
  prompts: z
    .array(
      z.object({
        id: idSchema,
        type: z.enum(['box', 'points', 'text', 'track']),
        state: followStateSchema,
        since: timestamp.meta({ description: 'When the state began.' }),
        track: trackId.optional(),
        reason: followReasonSchema.optional(),
        lastSeen: lastSeenSchema.optional(),
      }),
    )
    .meta({ description: 'Every prompt in force that follows an object. Sent when a state changes, not with every frame.' }),
});

export const zonesMessageSchema = z.object({
  v: version,
  camera: idSchema,
  revision: count.meta({ description: 'Grows with every change of lines and zones on this node.' }),
  since: timestamp,
  lines: z.array(lineSchema).meta({ description: 'In force, defaults filled in.' }),
  zones: z.array(zoneSchema).meta({ description: 'In force, defaults filled in.' }),
});

export const countsMessageSchema = z.object({
  v: version,
  camera: idSchema,
  since: timestamp.meta({ description: 'When the counts began: at the first start, or with count/reset.' }),
  lines: z.record(idSchema, z.object({ in: count, out: count })).meta({ description: 'Crossings by line.' }),
  zones: z
    .record(idSchema, z.object({ entered: count, inside: count.meta({ description: 'Objects inside now.' }) }))
    .meta({ description: 'Visits by zone.' }),
});

/** `data` of prompt/set and prompt/add with prompts that follow. */
export const boundDataSchema = z.object({
  bound: z
    .array(z.object({ prompt: idSchema, camera: idSchema, track: trackId }))
    .meta({ description: 'Prompts whose object is known already: by `at`, or by its track. The others watch first.' }),
});

/** `data` of read/tracks, an entry for each camera that tracks. */
export const tracksDataSchema = z.array(
  z.object({
    camera: idSchema,
    bootId,
    seq: count.nullable().meta({ description: 'Of the frame; null before the first.' }),
    capturedAt: timestamp.nullable(),
    tracks: z.array(
      z.object({
        track: trackId,
        bbox: box,
        score: z.number(),
        ageMs: milliseconds,
        parent: trackId.optional(),
        motion: z.object({ vx: z.number(), vy: z.number() }).meta({ description: 'Pixels a second.' }),
        zones: z.array(idSchema).optional().meta({ description: 'Zones that it is in.' }),
      }),
    ),
    lost: z
      .array(z.object({ track: trackId, bbox: box.meta({ description: 'Where it is expected.' }), unseenMs: milliseconds }))
      .meta({ description: 'Not in this frame; they may come back.' }),
  }),
);

export type FollowMessage = z.output<typeof followMessageSchema>;
export type ZonesMessage = z.output<typeof zonesMessageSchema>;
export type CountsMessage = z.output<typeof countsMessageSchema>;
export type BoundData = z.output<typeof boundDataSchema>;
export type TracksData = z.output<typeof tracksDataSchema>;
