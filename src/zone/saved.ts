/** What is kept of lines, zones and counts over a restart. */
import { z } from 'zod';
import { idSchema } from '../domain/prompt.js';
import { type Counts, type LineConfig, lineSetSchema, type ZoneConfig, zoneSetSchema } from '../domain/zone.js';

export interface ZoneSet {
  readonly lines: readonly LineConfig[];
  readonly zones: readonly ZoneConfig[];
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const time = z.number().int().min(0).max(253_402_300_799_999);
const zoneSet = z.object({ lines: lineSetSchema, zones: zoneSetSchema });

export const savedZonesSchema = z.object({
  v: z.literal(1),
  revision: z.number().int().min(1).max(1e12),
  cameras: z.record(
    idSchema,
    z.object({
      configured: zoneSet,
      held: zoneSet,
      revision: z.number().int().min(1).max(1e12),
      sinceMs: time,
      counts: z.object({
        sinceMs: time,
        lines: z.record(idSchema, z.object({ in: count, out: count })),
        zones: z.record(idSchema, z.object({ entered: count, inside: count })),
      }),
    }),
  ),
});

/** What is kept of the lines and zones of all cameras, and of their counts. */
export interface SavedZones {
  readonly v: 1;
  readonly revision: number;
  readonly cameras: Readonly<
    Record<
      string,
      {
        readonly configured: ZoneSet;
        readonly held: ZoneSet;
        readonly revision: number;
        readonly sinceMs: number;
        readonly counts: Counts & { readonly sinceMs: number };
      }
    >
  >;
}
