/**
 * What objects do with lines and zones: crossings, entries, dwell, and their counts. Only objects with a track count. Pure
 * but for what it remembers; bounded by the tracks that are alive.
 */
import type { z } from 'zod';
import type { Segments } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import {
  type Counts,
  type LineConfig,
  type LineInput,
  lineSchema,
  type ZoneConfig,
  type ZoneEvent,
  type ZoneInput,
  zoneSchema,
} from '../domain/zone.js';
import { FastsamError } from '../errors.js';
import { anchorOf, columnsOf, type Place } from './anchor.js';

export interface ZonesConfig {
  readonly lines?: readonly LineInput[];
  readonly zones?: readonly ZoneInput[];
}

/** Sightings that a change takes besides its time. */
const LEAST_SIGHTINGS = 2;
const DEFAULT_MARGIN = 0.01;
/** More tracks than a tracker holds: only a caller that never tells of their end gets here. */
const MAX_REMEMBERED = 4096;

/** Lines and zones of one camera. Errors: PROMPT_INVALID for a line without length or an id that comes twice. */
export function createZones(config: ZonesConfig): Zones {
  return new Zones(config);
}

export class Zones {
  readonly #lines: readonly Line[];
  readonly #zones: readonly Zone[];

  constructor({ lines = [], zones = [] }: ZonesConfig) {
    const ids = new Set<string>();
    for (const { id } of [...lines, ...zones]) {
      if (ids.has(id)) throw new FastsamError('PROMPT_INVALID', `two lines or zones are called "${id}"; give each its own id`);
      ids.add(id);
    }
    this.#lines = lines.map((line) => new Line(checked(lineSchema, line)));
    this.#zones = zones.map((zone) => new Zone(checked(zoneSchema, zone)));
  }

  /** Events of one frame. `timeMs` is the frame's, on the clock of the tracker. */
  observe(segments: Segments, tracks: Tracks, timeMs: number): ZoneEvent[] {
    const events: ZoneEvent[] = [];
    for (const part of [...this.#lines, ...this.#zones]) part.observe(segments, tracks, timeMs, events);
    return events;
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
    for (const zone of this.#zones) zone.entered = counts.zones[zone.id]?.entered ?? 0;
  }

  /** Counts from 0 again. Who is inside a zone stays inside. */
  reset(): void {
    this.restore({ lines: Object.fromEntries(this.#lines.map(({ id }) => [id, { in: 0, out: 0 }])), zones: {} });
  }

  get lines(): readonly LineConfig[] {
    return this.#lines.map(({ config }) => config);
  }
  get zones(): readonly ZoneConfig[] {
    return this.#zones.map(({ config }) => config);
  }
}

function checked<S extends z.ZodType>(schema: S, value: { readonly id: string }): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FastsamError('PROMPT_INVALID', `line or zone "${value.id}": ${issue?.path.join('.')}: ${issue?.message}`);
}

function counts(segments: Segments, tracks: Tracks, index: number, { objects, maxArea }: Pick<LineConfig, 'objects' | 'maxArea'>): boolean {
  if (tracks.ids[index] === 0) return false;
  if (objects === 'all') return true;
  return tracks.parents[index] === 0 && segments.areas[index]! <= maxArea * segments.width * segments.height;
}

/** Coordinates in pixels of this frame. */
function toPixels([x, y]: readonly [number, number], space: 'pixel' | 'normalized', { width, height }: Segments): Place {
  return space === 'pixel' ? [x, y] : [x * width, y * height];
}

function marginOf(margin: number | undefined, { width, height }: Segments): number {
  return margin ?? DEFAULT_MARGIN * Math.min(width, height);
}

/** Twice the area of the triangle a, b, c: its sign says on which side of a–b the point c is. */
function cross([ax, ay]: Place, [bx, by]: Place, [cx, cy]: Place): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

const DIRECTIONS = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] } as const;

class Line {
  readonly total = { in: 0, out: 0 };
  /** Of each track the side that it last was clearly on, and where it was then. */
  readonly #settled = new Map<number, { side: 1 | -1; at: Place; counted: boolean }>();
  /** The sign of the side that objects come to when they go in. */
  readonly #inside: 1 | -1;

  constructor(readonly config: LineConfig) {
    const { from, to, id } = config;
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    if (dx === 0 && dy === 0) throw new FastsamError('PROMPT_INVALID', `line "${id}" has no length; its ends must differ`);
    const side = config.in ?? (Math.abs(dy) >= Math.abs(dx) ? 'right' : 'down');
    const [nx, ny] = DIRECTIONS[side];
    const sign = dx * ny - dy * nx;
    if (sign === 0) throw new FastsamError('PROMPT_INVALID', `line "${id}" runs ${side}: nothing crosses it in that direction`);
    this.#inside = sign > 0 ? 1 : -1;
  }

  get id(): string {
    return this.config.id;
  }

  observe(segments: Segments, tracks: Tracks, _timeMs: number, events: ZoneEvent[]): void {
    const { config } = this;
    if (tracks.reset) this.#settled.clear();
    for (const { id } of tracks.ended) this.#settled.delete(id);
    const from = toPixels(config.from, config.space, segments);
    const to = toPixels(config.to, config.space, segments);
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const margin = marginOf(config.margin, segments);
    for (let index = 0; index < segments.count; index += 1) {
      if (!counts(segments, tracks, index, config)) continue;
      const track = tracks.ids[index]!;
      const at = anchorOf(segments, index, config.anchor);
      const distance = cross(from, to, at) / length;
      if (Math.abs(distance) <= margin) continue;
      const side = distance > 0 ? 1 : -1;
      const before = this.#settled.get(track);
      let counted = before?.counted ?? false;
      // Who passes beside an end of the line has not crossed it.
      if (before && before.side !== side && cross(before.at, at, from) * cross(before.at, at, to) <= 0 && !(config.once && counted)) {
        counted = true;
        const direction = side === this.#inside ? 'in' : 'out';
        this.total[direction] += 1;
        events.push({
          type: 'line-crossed',
          line: config.id,
          track,
          direction,
          at: [round(at[0]), round(at[1])],
          total: { ...this.total },
        });
      }
      if (before || this.#settled.size < MAX_REMEMBERED) this.#settled.set(track, { side, at, counted });
    }
  }
}

interface Visitor {
  inside: boolean;
  /** Since when it has been where it is not counted yet, and how often it was seen there. */
  changing: { readonly sinceMs: number; sightings: number } | undefined;
  enteredMs: number;
  dwellTold: boolean;
}

class Zone {
  entered = 0;
  readonly #visitors = new Map<number, Visitor>();

  constructor(readonly config: ZoneConfig) {}

  get id(): string {
    return this.config.id;
  }

  get inside(): number {
    let total = 0;
    for (const { inside } of this.#visitors.values()) total += inside ? 1 : 0;
    return total;
  }

  observe(segments: Segments, tracks: Tracks, timeMs: number, events: ZoneEvent[]): void {
    const { config } = this;
    if (tracks.reset) for (const track of [...this.#visitors.keys()]) this.#leave(track, timeMs, 'reset', events);
    for (const { id, left } of tracks.ended) this.#leave(id, timeMs, left ? 'moved' : 'lost', events);
    const polygon = config.polygon.map((corner) => toPixels(corner, config.space, segments));
    for (let index = 0; index < segments.count; index += 1) {
      const track = tracks.ids[index]!;
      if (!counts(segments, tracks, index, config)) continue;
      const known = this.#visitors.get(track);
      const decided = this.#isInside(segments, index, polygon, known?.inside ?? false);
      if (!known) {
        if (this.#visitors.size >= MAX_REMEMBERED) continue;
        // Seen first inside: nothing crossed a border.
        this.#visitors.set(track, { inside: false, changing: undefined, enteredMs: 0, dwellTold: false });
        if (!decided) continue;
        this.#enter(track, this.#visitors.get(track)!, timeMs, events, true);
        continue;
      }
      this.#follow(track, known, decided, timeMs, events);
    }
    this.#tellDwell(timeMs, events);
  }

  #follow(track: number, visitor: Visitor, decided: boolean, timeMs: number, events: ZoneEvent[]): void {
    if (decided === visitor.inside) {
      visitor.changing = undefined;
      return;
    }
    visitor.changing ??= { sinceMs: timeMs, sightings: 0 };
    visitor.changing.sightings += 1;
    const needed = decided ? this.config.enterMs : this.config.leaveMs;
    if (visitor.changing.sightings < LEAST_SIGHTINGS || timeMs - visitor.changing.sinceMs < needed) return;
    if (decided) this.#enter(track, visitor, visitor.changing.sinceMs, events, false);
    else this.#leave(track, visitor.changing.sinceMs, 'moved', events, visitor);
  }

  #enter(track: number, visitor: Visitor, sinceMs: number, events: ZoneEvent[], born: boolean): void {
    Object.assign(visitor, { inside: true, changing: undefined, enteredMs: sinceMs, dwellTold: false });
    this.entered += 1;
    events.push({ type: 'zone-entered', zone: this.config.id, track, inside: this.inside, ...(born ? { born: true as const } : {}) });
  }

  /** `stays`: the visitor is outside, and still there to see. */
  #leave(track: number, timeMs: number, reason: 'moved' | 'lost' | 'reset', events: ZoneEvent[], stays?: Visitor): void {
    const visitor = this.#visitors.get(track);
    if (!visitor) return;
    const wasInside = visitor.inside;
    Object.assign(visitor, { inside: false, changing: undefined });
    if (!stays) this.#visitors.delete(track);
    if (!wasInside) return;
    const dwellMs = Math.round(Math.max(timeMs - visitor.enteredMs, 0));
    events.push({ type: 'zone-left', zone: this.config.id, track, dwellMs, reason, inside: this.inside });
  }

  #tellDwell(timeMs: number, events: ZoneEvent[]): void {
    const { dwellMs, id } = this.config;
    if (dwellMs === undefined) return;
    for (const [track, visitor] of this.#visitors) {
      if (!visitor.inside || visitor.dwellTold || timeMs - visitor.enteredMs < dwellMs) continue;
      visitor.dwellTold = true;
      events.push({ type: 'zone-dwell', zone: id, track, dwellMs: Math.round(timeMs - visitor.enteredMs) });
    }
  }

  /** Between the two limits an object stays what it was. */
  #isInside(segments: Segments, index: number, polygon: readonly Place[], was: boolean): boolean {
    const { anchor, enter, leave, margin } = this.config;
    if (anchor === 'overlap' && segments.areas[index]! > 0) {
      const share = shareInside(segments, index, polygon);
      return was ? share >= leave : share >= enter;
    }
    const distance = signedDistance(anchorOf(segments, index, anchor === 'overlap' ? 'centroid' : anchor), polygon);
    const limit = marginOf(margin, segments);
    return was ? distance > -limit : distance > limit;
  }
}

/** The share of an object's mask inside a polygon (even-odd), by the centres of its pixels. */
function shareInside(segments: Segments, index: number, polygon: readonly Place[]): number {
  let inside = 0;
  let column = -1;
  let borders: number[] = [];
  for (const [x, top, bottom] of columnsOf(segments, index)) {
    if (x !== column) {
      column = x;
      borders = crossings(polygon, x + 0.5);
    }
    for (let k = 0; k + 1 < borders.length; k += 2) {
      // Rows whose centre y + 1/2 lies between the borders.
      const first = Math.max(Math.ceil(borders[k]! - 0.5), top);
      const behind = Math.min(Math.ceil(borders[k + 1]! - 0.5), bottom);
      inside += Math.max(behind - first, 0);
    }
  }
  return inside / segments.areas[index]!;
}

/** Where the vertical through x meets the polygon, ascending. */
function crossings(polygon: readonly Place[], x: number): number[] {
  const found: number[] = [];
  for (const [k, [ax, ay]] of polygon.entries()) {
    const [bx, by] = polygon[(k + 1) % polygon.length]!;
    if (ax < x !== bx < x) found.push(ay + ((x - ax) / (bx - ax)) * (by - ay));
  }
  return found.sort((a, b) => a - b);
}

/** Distance of a point from the polygon's border, positive inside. */
function signedDistance([x, y]: Place, polygon: readonly Place[]): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const [k, [ax, ay]] of polygon.entries()) {
    const [bx, by] = polygon[(k + 1) % polygon.length]!;
    const square = (bx - ax) ** 2 + (by - ay) ** 2;
    const t = square === 0 ? 0 : Math.min(Math.max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / square, 0), 1);
    nearest = Math.min(nearest, Math.hypot(ax + t * (bx - ax) - x, ay + t * (by - ay) - y));
  }
  const above = crossings(polygon, x).filter((border) => border <= y).length;
  return above % 2 === 1 ? nearest : -nearest;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
