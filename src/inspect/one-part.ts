/** Whether objects that the network shows apart are pieces of one part. Pure: areas of masks and boxes alone. */
import { type Box, boxIou } from '../domain/box.js';
import { maskArea, maskIntersection, maskOf } from '../domain/mask.js';
import { boxOf, type Segments } from '../domain/segments.js';

/** Parts that lie on each other hide each other, so their masks share little; pieces of one part often overlap. */
const SHARED = 0.2;
/** Share of an object that has to lie in another for it to be within that. */
const LEAST_INSIDE = 0.5;
/** What holds two pieces is one part as long as it is nearer to the size of one than to that of two. */
const MOST_OF_USUAL = 1.5;

/**
 * Whether two objects of a frame show one part: their masks share a fifth of the smaller one, or a third object of the frame, as large as a
 * part, has at least half of both. `usualArea`: pixels of a part as parts are; undefined where none is known, and then no third object
 * speaks: it might be two parts in one mask.
 */
export function showOnePart(segments: Segments, one: number, other: number, usualArea: number | undefined): boolean {
  if (areApart(segments.boxes, one, other)) return false;
  const boxes = [boxOf(segments, one), boxOf(segments, other)] as const;
  if (boxIou(...boxes) > 0) {
    const smaller = Math.min(segments.areas[one]!, segments.areas[other]!);
    if (sharedBy(segments, one, other) >= SHARED * smaller) return true;
  }
  if (usualArea === undefined) return false;
  for (let whole = 0; whole < segments.count; whole += 1) {
    if (whole === one || whole === other || segments.areas[whole]! > MOST_OF_USUAL * usualArea) continue;
    const box = boxOf(segments, whole);
    const holds = (piece: number) => sharedBy(segments, whole, piece) >= LEAST_INSIDE * segments.areas[piece]!;
    if (boxes.every((each) => boxIou(each, box) > 0) && holds(one) && holds(other)) return true;
  }
  return false;
}

/** Whether at least half of the smaller of two boxes lies in the other: boxes of parts side by side overlap at their corners at most. */
export function lieInOnePlace(one: Box, other: Box): boolean {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  return width > 0 && height > 0 && width * height >= LEAST_INSIDE * Math.min(areaOf(one), areaOf(other));
}

/** Whether the gap between two boxes is wider than both: asked of all pairs, so that the others need not be. */
function areApart(boxes: Float32Array, one: number, other: number): boolean {
  for (let axis = 0; axis < 2; axis += 1) {
    const from = boxes[4 * one + axis]!;
    const to = boxes[4 * one + axis + 2]!;
    const otherFrom = boxes[4 * other + axis]!;
    const otherTo = boxes[4 * other + axis + 2]!;
    if (Math.max(from, otherFrom) - Math.min(to, otherTo) > Math.max(to - from, otherTo - otherFrom)) return true;
  }
  return false;
}

function areaOf([x1, y1, x2, y2]: Box): number {
  return (x2 - x1) * (y2 - y1);
}

function sharedBy(segments: Segments, one: number, other: number): number {
  return maskArea(maskIntersection(maskOf(segments, one), maskOf(segments, other)));
}
