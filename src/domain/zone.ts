/** Lines and zones in a camera's picture: the schemas are the single source of the types. */
import { z } from 'zod';
import { homographyOf } from './plane.js';
import { idSchema, PROMPT_LIMITS } from './prompt.js';

/** Most lines, and most zones, of one camera. */
export const ZONE_LIMITS = { each: 32, corners: 64 } as const;

const coordinate = z.number().min(-1_000_000).max(1_000_000);
const point = z.tuple([coordinate, coordinate]);
const space = z.enum(['pixel', 'normalized']).default('pixel').meta({ description: 'Coordinates in source pixels, or 0…1 of the frame.' });
const objects = z
  .union([z.enum(['whole', 'all']), z.array(idSchema).min(1).max(PROMPT_LIMITS.prompts)])
  .default('whole')
  .meta({
    description:
      'whole: no parts of other objects (the car, not its door), and at most maxArea; all: everything with a track; or a list of prompts: what they match.',
  });
/** The normal of each side of the picture. */
export const DIRECTIONS = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] } as const;
const maxArea = z.number().min(0).max(1).default(0.3).meta({ description: 'Share of the frame; larger objects are background.' });
const margin = z
  .number()
  .min(0)
  .max(10_000)
  .optional()
  .meta({ description: 'Pixels on both sides in which an object has not decided yet; 1 % of the shorter side when absent.' });

export const lineSchema = z
  .strictObject({
    id: idSchema,
    from: point.meta({ description: 'x, y of one end.' }),
    to: point.meta({ description: 'x, y of the other.' }),
    space,
    in: z
      .enum(['left', 'right', 'up', 'down'])
      .optional()
      .meta({ description: 'Who crosses towards this side of the picture goes in; right, or down for a level line, when absent.' }),
    anchor: z.enum(['centroid', 'bottom', 'box-center']).default('centroid').meta({
      description: 'The point of an object that crosses: of its mask the centroid or the lowest pixel under it, or the middle of its box.',
    }),
    margin,
    objects,
    maxArea,
    once: z.boolean().default(false).meta({ description: 'Count only the first crossing of each object.' }),
  })
  .superRefine(({ id, from, to, in: side }, ctx) => {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const problem = (key: string, message: string) => ctx.addIssue({ code: 'custom', path: [key], message });
    if (dx === 0 && dy === 0) problem('to', `line "${id}" has no length; its ends must differ`);
    else if (side && dx * DIRECTIONS[side][1] - dy * DIRECTIONS[side][0] === 0) {
      problem('in', `line "${id}" runs ${side}: nothing crosses it in that direction`);
    }
  });

export const zoneSchema = z.strictObject({
  id: idSchema,
  polygon: z.array(point).min(3).max(ZONE_LIMITS.corners).meta({ description: 'x, y of each corner.' }),
  space,
  anchor: z
    .enum(['overlap', 'centroid', 'bottom', 'box-center'])
    .default('overlap')
    .meta({ description: 'overlap: the share of the mask inside counts; else the place of one point.' }),
  enter: z.number().min(0).max(1).default(0.6).meta({ description: 'overlap: inside from this share on.' }),
  leave: z.number().min(0).max(1).default(0.4).meta({ description: 'overlap: outside below this share.' }),
  margin,
  enterMs: z.number().min(0).max(3_600_000).default(200).meta({ description: 'It must be inside for this long.' }),
  leaveMs: z.number().min(0).max(3_600_000).default(500).meta({ description: 'It must be outside for this long.' }),
  dwellMs: z.number().min(0).max(86_400_000).optional().meta({ description: 'Tell when an object stays this long; never when absent.' }),
  objects,
  maxArea,
});

export const lineSetSchema = z.array(lineSchema).max(ZONE_LIMITS.each);
export const zoneSetSchema = z.array(zoneSchema).max(ZONE_LIMITS.each);

const planePoint = z.strictObject({
  px: point.meta({ description: 'x, y in source pixels.' }),
  m: point.meta({ description: 'x, y of the same place on the plane, in metres.' }),
});
/** How large things are: for speeds in metres. */
export const scaleSchema = z.strictObject({
  pxPerM: z.number().min(1e-3).max(1e6).meta({ description: 'Pixels a metre: a camera that looks straight down.' }),
});
export const planeSchema = z
  .array(planePoint)
  .min(4)
  .max(16)
  .refine((places) => homographyOf(places) !== undefined, 'expected four places or more, no three of them on one straight line')
  .meta({
    description: 'Places on the ground, four or more, no three of which lie on one straight line: a camera that looks at an angle.',
  });
export type ScaleConfig = z.output<typeof scaleSchema>;
export type PlaneConfig = z.output<typeof planeSchema>;

/** How fast an object crossed a line. */
export interface Speed {
  readonly pxPerS: number;
  readonly mPerS?: number;
  readonly errorMPerS?: number;
}

export type LineConfig = z.output<typeof lineSchema>;
export type LineInput = z.input<typeof lineSchema>;
export type ZoneConfig = z.output<typeof zoneSchema>;
export type ZoneInput = z.input<typeof zoneSchema>;

export type ZoneEvent =
  | {
      readonly type: 'line-crossed';
      readonly line: string;
      readonly track: number;
      readonly direction: 'in' | 'out';
      readonly at: readonly [number, number];
      readonly speed?: Speed;
      readonly total: { readonly in: number; readonly out: number };
    }
  | { readonly type: 'zone-entered'; readonly zone: string; readonly track: number; readonly inside: number; readonly born?: true }
  | {
      readonly type: 'zone-left';
      readonly zone: string;
      readonly track: number;
      readonly dwellMs: number;
      readonly reason: 'moved' | 'lost' | 'reset';
      readonly inside: number;
    }
  | { readonly type: 'zone-dwell'; readonly zone: string; readonly track: number; readonly dwellMs: number };

/** What was counted so far. */
export interface Counts {
  readonly lines: Readonly<Record<string, { readonly in: number; readonly out: number }>>;
  readonly zones: Readonly<Record<string, { readonly entered: number; readonly inside: number }>>;
}
