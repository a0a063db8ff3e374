/** A zone, who is in it, and for how long. Pure but for what it remembers. */
import type { Segments } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import type { ZoneConfig, ZoneEvent } from '../domain/zone.js';
import { anchorOf, type Place } from './anchor.js';
import { type Countable, MAX_REMEMBERED } from './countable.js';
import { marginOf, shareInside, signedDistance, toPixels } from './geometry.js';

/** Sightings that a change takes besides its time. */
const LEAST_SIGHTINGS = 2;

interface Visitor {
  inside: boolean;
  /** Since when it has been where it is not counted yet, and how often it was seen there. */
  changing: { readonly sinceMs: number; sightings: number } | undefined;
  enteredMs: number;
  dwellTold: boolean;
}

export class Zone {
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

  /** Whether a track is inside. */
  holds(track: number): boolean {
    return this.#visitors.get(track)?.inside ?? false;
  }

  observe(segments: Segments, tracks: Tracks, isCountable: Countable, timeMs: number, events: ZoneEvent[]): void {
    const { config } = this;
    if (tracks.reset) for (const track of [...this.#visitors.keys()]) this.#leave(track, timeMs, 'reset', events);
    for (const { id, left } of tracks.ended) this.#leave(id, timeMs, left ? 'moved' : 'lost', events);
    const polygon = config.polygon.map((corner) => toPixels(corner, config.space, segments));
    for (let index = 0; index < segments.count; index += 1) {
      const track = tracks.ids[index]!;
      if (!isCountable(index, config)) continue;
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
