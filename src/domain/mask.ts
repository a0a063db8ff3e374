/**
 * Set operations on masks as runs. A mask is a Uint32Array of pairs `[start, end)` over column-major pixel indices
 * `x · height + y`; pairs ascend and never touch. Nothing here looks at single pixels: cost follows the runs.
 */
import type { Segments } from './segments.js';

export type MaskRuns = Uint32Array;

/** How masks are written: COCO RLE, polygons, not at all, or a bitmap. */
export const MASK_ENCODINGS = ['rle', 'polygon', 'bbox', 'png'] as const;
export type MaskEncoding = (typeof MASK_ENCODINGS)[number];

/** The runs of object `index`; a view, not a copy. */
export function maskOf(segments: Segments, index: number): MaskRuns {
  return segments.runs.subarray(2 * segments.offsets[index]!, 2 * segments.offsets[index + 1]!);
}

/** Position of the first run that ends after `pixel`, in runs; the number of runs when there is none. */
function firstRunEndingAfter(mask: MaskRuns, pixel: number): number {
  let low = 0;
  let high = mask.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mask[2 * middle + 1]! > pixel) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether the pixel with column-major index `pixel` is inside. */
export function maskContains(mask: MaskRuns, pixel: number): boolean {
  const run = firstRunEndingAfter(mask, pixel);
  return 2 * run < mask.length && mask[2 * run]! <= pixel;
}

/** Pixels inside. */
export function maskArea(mask: MaskRuns): number {
  let area = 0;
  for (let k = 0; k < mask.length; k += 2) area += mask[k + 1]! - mask[k]!;
  return area;
}

/** Pixels of the mask with x1 ≤ x < x2 and y1 ≤ y < y2, for an integer box inside a frame `height` pixels high. */
export function maskAreaInBox(mask: MaskRuns, height: number, x1: number, y1: number, x2: number, y2: number): number {
  // Pixels with y < limit in the column-major range [0, pixel): whole columns plus what is left of the last one.
  const below = (pixel: number, limit: number) => {
    const column = Math.floor(pixel / height);
    return column * limit + Math.min(pixel - column * height, limit);
  };
  const from = x1 * height;
  const to = x2 * height;
  let area = 0;
  for (let k = 2 * firstRunEndingAfter(mask, from); k < mask.length; k += 2) {
    const start = Math.max(mask[k]!, from);
    const end = Math.min(mask[k + 1]!, to);
    if (start >= to) break;
    area += below(end, y2) - below(start, y2) - (below(end, y1) - below(start, y1));
  }
  return area;
}

/** Walks the boundaries of both masks in order and keeps the pixels for which `keep(inA, inB)` holds. */
function combine(a: MaskRuns, b: MaskRuns, keep: (inA: boolean, inB: boolean) => boolean): MaskRuns {
  const edges = new Uint32Array(a.length + b.length);
  let count = 0;
  let i = 0;
  let j = 0;
  let inside = false;
  while (i < a.length || j < b.length) {
    const edge = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[j] ?? Number.POSITIVE_INFINITY);
    if (a[i] === edge) i += 1;
    if (b[j] === edge) j += 1;
    // An odd position means that the mask's last passed edge was a start.
    const now = keep(i % 2 === 1, j % 2 === 1);
    if (now !== inside) {
      edges[count] = edge;
      count += 1;
      inside = now;
    }
  }
  return edges.slice(0, count);
}

/** Pixels in either mask. */
export function maskUnion(a: MaskRuns, b: MaskRuns): MaskRuns {
  return combine(a, b, (inA, inB) => inA || inB);
}

/** Pixels of `a` that are not in `b`. */
export function maskSubtract(a: MaskRuns, b: MaskRuns): MaskRuns {
  return combine(a, b, (inA, inB) => inA && !inB);
}

/** Pixels in both masks. */
export function maskIntersection(a: MaskRuns, b: MaskRuns): MaskRuns {
  return combine(a, b, (inA, inB) => inA && inB);
}

/** Intersection over union of the pixels; 1 for two empty masks. */
export function maskIou(a: MaskRuns, b: MaskRuns): number {
  const inside = maskArea(maskIntersection(a, b));
  const union = maskArea(a) + maskArea(b) - inside;
  return union === 0 ? 1 : inside / union;
}

/** Pixels of the mask with x1 ≤ x < x2 and y1 ≤ y < y2, for an integer box inside a frame `height` pixels high. */
export function maskInBox(mask: MaskRuns, height: number, x1: number, y1: number, x2: number, y2: number): MaskRuns {
  const inside: number[] = [];
  for (let k = 2 * firstRunEndingAfter(mask, x1 * height); k < mask.length && mask[k]! < x2 * height; k += 2) {
    const end = Math.min(mask[k + 1]!, x2 * height);
    for (let start = Math.max(mask[k]!, x1 * height); start < end; ) {
      const top = Math.floor(start / height) * height;
      const from = Math.max(start, top + y1);
      const to = Math.min(end, top + y2);
      if (from < to) {
        if (inside.at(-1) === from) inside[inside.length - 1] = to;
        else inside.push(from, to);
      }
      start = top + height;
    }
  }
  return Uint32Array.from(inside);
}

/** A mask of a picture `height` pixels high, moved to `x`, `y` of a picture that is `newHeight` pixels high and holds all of it. */
export function maskMoved(mask: MaskRuns, height: number, x: number, y: number, newHeight: number): MaskRuns {
  const moved: number[] = [];
  for (let k = 0; k < mask.length; k += 2) {
    for (let start = mask[k]!; start < mask[k + 1]!; ) {
      const column = Math.floor(start / height);
      const end = Math.min(mask[k + 1]!, (column + 1) * height);
      const to = (column + x) * newHeight + y - column * height;
      // A run over a column's end goes on only where the columns are as long as before.
      if (moved.at(-1) === start + to) moved[moved.length - 1] = end + to;
      else moved.push(start + to, end + to);
      start = end;
    }
  }
  return Uint32Array.from(moved);
}
