/** Objects as lines of a YOLO segmentation dataset, as Ultralytics writes and reads them. */

import { type MultiPolygon, native } from '../addon/addon.js';
import type { Segments } from '../domain/segments.js';

type Ring = MultiPolygon[number][number];

/**
 * A line for each object at `indices`: class number, then x y of its outline, 0…1 of the frame. A mask of several parts or
 * with holes is one outline whose parts are joined by lines of no width, so that filling it gives the mask again.
 * `tolerance`: pixels that an outline may deviate. An object without pixels has no line.
 */
export async function yoloPolygons(segments: Segments, indices: Uint32Array, tolerance: number): Promise<string[]> {
  const { width, height, classes } = segments;
  const polygons = await native().polygons(segments, indices, tolerance);
  return polygons.flatMap((polygon, k) => {
    const outline = joined(polygon.flat());
    if (outline.length < 3) return [];
    const points = outline.map(([x, y]) => `${ratio(x, width)} ${ratio(y, height)}`);
    return [`${classes[indices[k]!]} ${points.join(' ')}`];
  });
}

function ratio(value: number, size: number): string {
  return String(Math.round((value / size) * 1e6) / 1e6);
}

/** One ring through all points of `rings`: each further one is entered and left at the two nearest points. */
function joined([first = [], ...rest]: readonly Ring[]): Ring {
  let outline = open(first);
  for (const other of rest.map(open)) {
    let best = { distance: Number.POSITIVE_INFINITY, at: 0, from: 0 };
    for (const [at, [ax, ay]] of outline.entries()) {
      for (const [from, [bx, by]] of other.entries()) {
        const distance = (ax - bx) ** 2 + (ay - by) ** 2;
        if (distance < best.distance) best = { distance, at, from };
      }
    }
    const turned = [...other.slice(best.from), ...other.slice(0, best.from + 1)];
    outline = [...outline.slice(0, best.at + 1), ...turned, ...outline.slice(best.at)];
  }
  return outline;
}

/** Without the last point, which is the first again. */
function open(ring: Ring): Ring {
  return ring.slice(0, -1);
}
