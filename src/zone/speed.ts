/** How fast objects move, from where they were in the last half second. Bounded by the tracks that are alive. */
import { homographyOf, onPlane } from '../domain/plane.js';
import { boxOf, type Segments } from '../domain/segments.js';
import type { Tracks } from '../domain/track.js';
import type { PlaneConfig, ScaleConfig, Speed } from '../domain/zone.js';
import { anchorOf, type Place, type PointAnchor } from './anchor.js';

const WINDOW_MS = 500;
/** Fewer sightings say too little. */
const LEAST_SIGHTINGS = 4;
/** At high frame rates the oldest are left out: pairs grow with the square. */
const MOST_SIGHTINGS = 32;
/** Objects this near to the border of the frame are cut off by it: their anchor says little. Pixels. */
const BORDER = 1;

/** What turns pixels into metres. */
export interface Measure {
  readonly scale?: ScaleConfig | undefined;
  readonly plane?: PlaneConfig | undefined;
}

interface Sighting {
  readonly timeMs: number;
  /** Moved along with the camera since. */
  at: Place;
}

export class Speedometer {
  readonly #anchor: PointAnchor;
  readonly #seen = new Map<number, Sighting[]>();

  constructor(anchor: PointAnchor) {
    this.#anchor = anchor;
  }

  observe(segments: Segments, tracks: Tracks, timeMs: number): void {
    if (tracks.reset) this.#seen.clear();
    for (const { id } of tracks.ended) this.#seen.delete(id);
    const affine = tracks.cameraMotion?.affine;
    if (affine) for (const sightings of this.#seen.values()) for (const sighting of sightings) sighting.at = moved(affine, sighting.at);
    for (const [index, id] of tracks.ids.entries()) {
      if (id === 0 || isCutOff(segments, index)) continue;
      const sightings = this.#seen.get(id) ?? [];
      if (sightings.at(-1)?.timeMs === timeMs) continue;
      sightings.push({ timeMs, at: anchorOf(segments, index, this.#anchor) });
      while (sightings.length > MOST_SIGHTINGS || timeMs - sightings[0]!.timeMs > WINDOW_MS) sightings.shift();
      this.#seen.set(id, sightings);
    }
  }

  /** Of a track over the last half second; undefined where it was not seen often enough. */
  of(track: number, { scale, plane }: Measure): Speed | undefined {
    const sightings = this.#seen.get(track);
    if (!sightings || sightings.length < LEAST_SIGHTINGS) return undefined;
    const times = sightings.map(({ timeMs }) => timeMs / 1000);
    const pxPerS = slope(
      times,
      sightings.map(({ at }) => at),
    ).speed;
    const ground = plane && homographyOf(plane);
    if (!ground && !scale) return { pxPerS: rounded(pxPerS, 1) };
    const metres = sightings.map(({ at }) => (ground ? onPlane(ground, at) : ([at[0] / scale!.pxPerM, at[1] / scale!.pxPerM] as const)));
    const { speed, error } = slope(times, metres);
    if (!Number.isFinite(speed)) return { pxPerS: rounded(pxPerS, 1) };
    return { pxPerS: rounded(pxPerS, 1), mPerS: rounded(speed, 3), errorMPerS: rounded(error, 3) };
  }
}

/** Length of the median of all slopes between two sightings (Theil 1950, Sen 1968) and its standard error by the residuals. */
function slope(times: readonly number[], places: readonly Place[]): { readonly speed: number; readonly error: number } {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const spread = times.reduce((sum, time) => sum + (time - mean) ** 2, 0);
  const axes = ([0, 1] as const).map((axis) => {
    const slopes = times.flatMap((t, i) => times.slice(i + 1).map((u, k) => (places[i + 1 + k]![axis] - places[i]![axis]) / (u - t)));
    const velocity = median(slopes);
    const offset = median(times.map((t, i) => places[i]![axis] - velocity * t));
    const residual = times.reduce((sum, t, i) => sum + (places[i]![axis] - velocity * t - offset) ** 2, 0);
    return { velocity, variance: residual / Math.max(times.length - 2, 1) / spread };
  });
  const [x, y] = axes as [(typeof axes)[0], (typeof axes)[0]];
  const speed = Math.hypot(x.velocity, y.velocity);
  // Along the direction of motion; of something that stands, in any.
  const error =
    speed > 0
      ? Math.sqrt(x.velocity ** 2 * x.variance + y.velocity ** 2 * y.variance) / speed
      : Math.sqrt(Math.max(x.variance, y.variance));
  return { speed, error };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function moved([xx, xy, dx, yx, yy, dy]: readonly number[], [x, y]: Place): Place {
  return [xx! * x + xy! * y + dx!, yx! * x + yy! * y + dy!];
}

function isCutOff(segments: Segments, index: number): boolean {
  const [x1, y1, x2, y2] = boxOf(segments, index);
  return x1 <= BORDER || y1 <= BORDER || x2 >= segments.width - BORDER || y2 >= segments.height - BORDER;
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
