/** Places, polygons and masks in a picture. Pure. */
import type { Segments } from '../domain/segments.js';
import { columnsOf, type Place } from './anchor.js';

const DEFAULT_MARGIN = 0.01;

/** Coordinates in pixels of this frame. */
export function toPixels([x, y]: readonly [number, number], space: 'pixel' | 'normalized', { width, height }: Segments): Place {
  return space === 'pixel' ? [x, y] : [x * width, y * height];
}

/** `margin`, or 1 % of the shorter side. */
export function marginOf(margin: number | undefined, { width, height }: Segments): number {
  return margin ?? DEFAULT_MARGIN * Math.min(width, height);
}

/** Twice the area of the triangle a, b, c: its sign says on which side of a–b the point c is. */
export function cross([ax, ay]: Place, [bx, by]: Place, [cx, cy]: Place): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

/** The share of an object's mask inside a polygon (even-odd), by the centres of its pixels. */
export function shareInside(segments: Segments, index: number, polygon: readonly Place[]): number {
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
export function signedDistance([x, y]: Place, polygon: readonly Place[]): number {
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
