/** Lines and zones in a camera's picture: the schemas are the single source of the types. */
import { z } from 'zod';
import { idSchema } from './prompt.js';

/** Most lines, and most zones, of one camera. */
export const ZONE_LIMITS = { each: 32, corners: 64 } as const;

const coordinate = z.number().min(-1_000_000).max(1_000_000);
const point = z.tuple([coordinate, coordinate]);
const space = z.enum(['pixel', 'normalized']).default('pixel').meta({ description: 'Coordinates in source pixels, or 0…1 of the frame.' });
const objects = z
  .enum(['whole', 'all'])
  .default('whole')
  .meta({ description: 'whole: no parts of other objects (the car, not its door), and at most maxArea; all: everything with a track.' });
const maxArea = z.number().min(0).max(1).default(0.3).meta({ description: 'Share of the frame; larger objects are background.' });
const margin = z
  .number()
  .min(0)
  .max(10_000)
  .optional()
  .meta({ description: 'Pixels on both sides in which an object has not decided yet; 1 % of the shorter side when absent.' });

export const lineSchema = z.strictObject({
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
