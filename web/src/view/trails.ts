/** Where tracked objects came from: the middles of their boxes in the frames before. Bounded. */
import type { ViewObjects } from '../../../src/contract/view-message.js';

const MAX_POINTS = 30;
/** How far back a trail goes, and how long it is kept without its object. */
const TRAIL_MS = 1500;

export interface Trail {
  readonly track: number;
  /** In pixels of the frame, the oldest first. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

interface Kept {
  readonly points: { readonly atMs: number; readonly place: readonly [x: number, y: number] }[];
}

export class Trails {
  readonly #byTrack = new Map<number, Kept>();
  #nowMs = 0;

  /** Takes the next frame, which was captured at `atMs`. */
  add({ count, tracks, boxes }: Pick<ViewObjects, 'count' | 'tracks' | 'boxes'>, atMs: number): void {
    this.#nowMs = atMs;
    for (let i = 0; i < count; i += 1) {
      const track = tracks[i]!;
      if (track === 0) continue;
      const trail = this.#byTrack.get(track) ?? { points: [] };
      trail.points.push({ atMs, place: [(boxes[4 * i]! + boxes[4 * i + 2]!) / 2, (boxes[4 * i + 1]! + boxes[4 * i + 3]!) / 2] });
      this.#byTrack.set(track, trail);
    }
    for (const [track, { points }] of this.#byTrack) {
      while (points.length > MAX_POINTS || (points[0] && points[0].atMs < atMs - TRAIL_MS)) points.shift();
      if (points.length === 0) this.#byTrack.delete(track);
    }
  }

  /** Of the objects in the last frame. */
  list(): Trail[] {
    return [...this.#byTrack]
      .filter(([, { points }]) => points.at(-1)?.atMs === this.#nowMs)
      .map(([track, { points }]) => ({ track, points: points.map(({ place }) => place) }));
  }
}
