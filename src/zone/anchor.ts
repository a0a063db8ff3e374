/** Where an object is, for lines and zones. Pure. */
import type { Box } from '../domain/box.js';
import { boxOf, type Segments } from '../domain/segments.js';

export type PointAnchor = 'centroid' | 'bottom' | 'box-center';
export type Place = readonly [x: number, y: number];

/** The anchor of object `index`, in pixels. An object without a mask has the middle of its box as centroid. */
export function anchorOf(segments: Segments, index: number, anchor: PointAnchor): Place {
  const [x1, y1, x2, y2] = boxOf(segments, index);
  const middle: Place = [(x1 + x2) / 2, (y1 + y2) / 2];
  if (anchor === 'box-center') return middle;
  const { height } = segments;
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  for (const [x, top, bottom] of columnsOf(segments, index)) {
    const length = bottom - top;
    area += length;
    sumX += length * (x + 0.5);
    sumY += (length * (top + bottom)) / 2;
  }
  if (area === 0) return anchor === 'bottom' ? [middle[0], y2] : middle;
  const centroid: Place = [sumX / area, sumY / area];
  if (anchor === 'centroid') return centroid;
  const column = Math.floor(centroid[0]);
  let lowest = -1;
  for (const [x, , bottom] of columnsOf(segments, index)) if (x === column) lowest = bottom;
  return [centroid[0], lowest < 0 ? Math.min(y2, height) : lowest];
}

/** The anchor of an object by its box and the centroid of its mask alone: its lowest pixel is taken for the side of the box. */
export function roughAnchorOf([x1, y1, x2, y2]: Box, centroid: Place, anchor: PointAnchor): Place {
  if (anchor === 'box-center') return [(x1 + x2) / 2, (y1 + y2) / 2];
  return anchor === 'bottom' ? [centroid[0], y2] : centroid;
}

/** The mask as pieces of columns: x, first row, row behind the last. */
export function* columnsOf(
  { runs, offsets, height }: Segments,
  index: number,
): Generator<readonly [x: number, top: number, bottom: number]> {
  for (let k = offsets[index]!; k < offsets[index + 1]!; k += 1) {
    const end = runs[2 * k + 1]!;
    for (let start = runs[2 * k]!; start < end; ) {
      const x = Math.floor(start / height);
      const stop = Math.min(end, (x + 1) * height);
      yield [x, start - x * height, stop - x * height];
      start = stop;
    }
  }
}
