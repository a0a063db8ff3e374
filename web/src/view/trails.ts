/** Where tracked objects came from: the middles of their boxes in the frames before. Bounded. */
import type { ViewObjects } from '../../../src/contract/view-message.js';

const MAX_POINTS = 24;
/** Frames without the object, after which its trail is over. */
const MAX_UNSEEN = 15;

export interface Trail {
  readonly track: number;
  /** In pixels of the frame, the oldest first. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export class Trails {
  readonly #byTrack = new Map<number, { readonly points: [number, number][]; unseen: number }>();

  /** Takes the next frame. */
  add({ count, tracks, boxes }: Pick<ViewObjects, 'count' | 'tracks' | 'boxes'>): void {
    for (const trail of this.#byTrack.values()) trail.unseen += 1;
    for (let i = 0; i < count; i += 1) {
      const track = tracks[i]!;
      if (track === 0) continue;
      const trail = this.#byTrack.get(track) ?? { points: [], unseen: 0 };
      trail.unseen = 0;
      trail.points.push([(boxes[4 * i]! + boxes[4 * i + 2]!) / 2, (boxes[4 * i + 1]! + boxes[4 * i + 3]!) / 2]);
      if (trail.points.length > MAX_POINTS) trail.points.shift();
      this.#byTrack.set(track, trail);
    }
    for (const [track, { unseen }] of this.#byTrack) if (unseen > MAX_UNSEEN) this.#byTrack.delete(track);
  }

  /** Of the objects in the last frame. */
  list(): Trail[] {
    return [...this.#byTrack].filter(([, { unseen }]) => unseen === 0).map(([track, { points }]) => ({ track, points: [...points] }));
  }
}
