/**
 * What objects do with lines and zones: crossings, entries, dwell, and their counts. Only objects with a track count. Pure
 * but for what it remembers; bounded by the tracks that are alive.
 */
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { PromptAnswer } from '../domain/answer.js';
import type { Segments } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import {
  type Counts,
  type LineConfig,
  type LineInput,
  lineSchema,
  planeSchema,
  type Speed,
  scaleSchema,
  type ZoneConfig,
  type ZoneEvent,
  type ZoneInput,
  zoneSchema,
} from '../domain/zone.js';
import { FastsamError } from '../errors.js';
import type { PointAnchor } from './anchor.js';
import { countableOf } from './countable.js';
import { Line } from './line.js';
import { type Measure, Speedometer } from './speed.js';
import { Zone } from './visits.js';

export interface ZonesConfig extends Measure {
  readonly lines?: readonly LineInput[];
  readonly zones?: readonly ZoneInput[];
}

/** Lines and zones of one camera. Errors: PROMPT_INVALID for a line without length, an id that comes twice or a plane that is none. */
export function createZones(config: ZonesConfig): Zones {
  return new Zones(config);
}

export class Zones {
  #lines: readonly Line[] = [];
  #zones: readonly Zone[] = [];
  #measure: Measure = {};
  /** One for each kind of anchor that a line has. */
  #speeds = new Map<PointAnchor, Speedometer>();
  #restarted = false;

  constructor(config: ZonesConfig) {
    this.replace(config);
    this.measure(config);
  }

  /**
   * Events of one frame. `timeMs` is the frame's, on the clock of the tracker; `answers` are those of the prompts, for lines and
   * zones that count what some of them match.
   */
  observe(segments: Segments, given: Tracks, timeMs: number, answers: readonly PromptAnswer[] = []): ZoneEvent[] {
    const tracks: Tracks = this.#restarted ? { ...given, reset: given.reset ?? 'scene' } : given;
    this.#restarted = false;
    const events: ZoneEvent[] = [];
    const isCountable = countableOf(segments, tracks, answers);
    for (const speedometer of this.#speeds.values()) speedometer.observe(segments, tracks, timeMs);
    const speedOf =
      (anchor: PointAnchor) =>
      (track: number): Speed | undefined =>
        this.#speeds.get(anchor)?.of(track, this.#measure);
    for (const line of this.#lines) line.observe(segments, tracks, isCountable, speedOf(line.config.anchor), events);
    for (const zone of this.#zones) zone.observe(segments, tracks, isCountable, timeMs, events);
    return events;
  }

  /** Makes these the lines and zones; what keeps its id keeps its counts, and what is as before knows what it has seen. Errors: PROMPT_INVALID. */
  replace({ lines = [], zones = [] }: Pick<ZonesConfig, 'lines' | 'zones'>): void {
    const ids = new Set<string>();
    for (const { id } of [...lines, ...zones]) {
      if (ids.has(id)) throw new FastsamError('PROMPT_INVALID', `two lines or zones are called "${id}"; give each its own id`);
      ids.add(id);
    }
    const nextLines = lines
      .map((line) => checked(lineSchema, `line "${line.id}"`, line))
      .map((config) => same(this.#lines, config) ?? new Line(config));
    const nextZones = zones
      .map((zone) => checked(zoneSchema, `zone "${zone.id}"`, zone))
      .map((config) => same(this.#zones, config) ?? new Zone(config));
    const { counts } = this;
    this.#lines = nextLines;
    this.#zones = nextZones;
    this.restore(counts);
    const anchors = new Set(nextLines.map(({ config }) => config.anchor));
    this.#speeds = new Map([...anchors].map((anchor) => [anchor, this.#speeds.get(anchor) ?? new Speedometer(anchor)]));
  }

  /** How large things are, for speeds in metres. Errors: PROMPT_INVALID. */
  measure({ scale, plane }: Measure): void {
    this.#measure = {
      ...(scale && { scale: checked(scaleSchema, 'scale', scale) }),
      ...(plane && { plane: checked(planeSchema, 'plane', plane) }),
    };
  }

  /** The tracks of the next frame are those of another tracker: no track goes on. */
  restartTracks(): void {
    this.#restarted = true;
  }

  get counts(): Counts {
    return {
      lines: Object.fromEntries(this.#lines.map(({ id, total }) => [id, { ...total }])),
      zones: Object.fromEntries(this.#zones.map(({ id, entered, inside }) => [id, { entered, inside }])),
    };
  }

  /** Goes on from counts of an earlier run; ids that are no more are left out. */
  restore(counts: Counts): void {
    for (const line of this.#lines) Object.assign(line.total, counts.lines[line.id] ?? {});
    for (const zone of this.#zones) zone.entered = counts.zones[zone.id]?.entered ?? zone.entered;
  }

  /** Counts from 0 again, all of them or those of `ids`. Who is inside a zone stays inside. */
  reset(ids?: readonly string[]): void {
    for (const line of this.#lines) if (ids?.includes(line.id) ?? true) Object.assign(line.total, { in: 0, out: 0 });
    for (const zone of this.#zones) if (ids?.includes(zone.id) ?? true) zone.entered = 0;
  }

  /** Ids of the zones that a track is in. */
  zonesOf(track: number): string[] {
    return this.#zones.filter((zone) => zone.holds(track)).map(({ id }) => id);
  }

  /** Whether any line or zone would count object `index`. */
  isCounted(segments: Segments, tracks: Tracks, answers: readonly PromptAnswer[], index: number): boolean {
    const isCountable = countableOf(segments, tracks, answers);
    return [...this.#lines, ...this.#zones].some(({ config }) => isCountable(index, config));
  }

  get lines(): readonly LineConfig[] {
    return this.#lines.map(({ config }) => config);
  }
  get zones(): readonly ZoneConfig[] {
    return this.#zones.map(({ config }) => config);
  }
}

function same<T extends { readonly config: object }>(known: readonly T[], config: object): T | undefined {
  return known.find((each) => isDeepStrictEqual(each.config, config));
}

function checked<S extends z.ZodType>(schema: S, what: string, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw new FastsamError('PROMPT_INVALID', `${what}: ${place}${issue?.message}`);
}
