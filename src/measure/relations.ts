/** Measures between objects, and of an object in a zone or a datum frame. Lengths in pixels, areas in px². */

import { native } from '../addon/addon.js';
import type { Point } from '../domain/box.js';
import { type MaskRuns, maskArea, maskIntersection } from '../domain/mask.js';
import type { ObjectMeasures } from './measures.js';

export interface GapMeasure {
  /** Least distance of the outlines; 0 where they touch, cross, or one object lies in the other. */
  readonly distance: number;
  /** Where it is, on either outline. */
  readonly from: Point;
  readonly to: Point;
}

/** The gap between two objects that were measured with `outlines`. `overlap`: pixels that their masks share. NaN where one has no outline. */
export async function gapBetween(
  a: Pick<ObjectMeasures, 'outlines'>,
  b: Pick<ObjectMeasures, 'outlines'>,
  overlap: number,
): Promise<GapMeasure> {
  const pairs = (a.outlines ?? []).flatMap((from) => (b.outlines ?? []).map((to) => [from, to] as const));
  const gaps = await Promise.all(pairs.map(([from, to]) => native().contourGap(from, to)));
  const least = gaps.reduce<Float64Array | undefined>((best, gap) => (best && best[0]! <= gap[0]! ? best : gap), undefined);
  if (!least) return { distance: overlap > 0 ? 0 : Number.NaN, from: [Number.NaN, Number.NaN], to: [Number.NaN, Number.NaN] };
  return { distance: overlap > 0 ? 0 : least[0]!, from: [least[1]!, least[2]!], to: [least[3]!, least[4]!] };
}

/** Distance of the centroids. */
export function distanceBetween(a: ObjectMeasures, b: ObjectMeasures): number {
  return Math.hypot(a.values.x - b.values.x, a.values.y - b.values.y);
}

/** Share of a zone that the mask covers, 0 … 1; NaN for a zone without pixels. Both are runs of one frame, see `polygonMask`. */
export function coverageOf(mask: MaskRuns, zone: MaskRuns): number {
  return maskArea(maskIntersection(mask, zone)) / maskArea(zone);
}

/** A coordinate frame on a part: its x axis points along `degrees` (clockwise on screen), y is a quarter turn clockwise of that. */
export interface Datum {
  readonly origin: Point;
  readonly degrees: number;
}

/** A place of the picture in a datum's frame, pixels. */
export function placeInDatum([x, y]: Point, { origin, degrees }: Datum): Point {
  const c = Math.cos((degrees * Math.PI) / 180);
  const s = Math.sin((degrees * Math.PI) / 180);
  const [dx, dy] = [x - origin[0], y - origin[1]];
  return [c * dx + s * dy, c * dy - s * dx];
}

/** How far a place is from where it should be in a datum's frame: half of the true position of ISO 1101. */
export function positionError(place: Point, target: Point, datum: Datum): number {
  const [x, y] = placeInDatum(place, datum);
  return Math.hypot(x - target[0], y - target[1]);
}
