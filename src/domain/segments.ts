import type { Box } from './box.js';

/**
 * Everything the network found in one frame, packed: `count` objects in descending score.
 *
 * Masks are foreground runs in column-major order (COCO's): a run `[start, end)` covers the pixels with
 * `start ≤ x·height + y < end`. Object i owns the runs `offsets[i] … offsets[i+1]−1`; run k is
 * `runs[2k], runs[2k+1]`. Runs of one object ascend and never touch.
 */
export interface Segments {
  readonly count: number;
  /** Size of the frame the masks live on, in pixels. */
  readonly width: number;
  readonly height: number;
  /** [count × 4] x1, y1, x2, y2 in source pixels, clipped to the frame. */
  readonly boxes: Float32Array;
  /** [count] 0…1. */
  readonly scores: Float32Array;
  /** [count] class index; 0 for class-agnostic models. */
  readonly classes: Int32Array;
  /** [count] pixels of the mask. */
  readonly areas: Uint32Array;
  readonly runs: Uint32Array;
  /** [count + 1] in runs, not in array elements. */
  readonly offsets: Uint32Array;
  /** [count × 32] mask coefficients; absent unless they were asked for. */
  readonly coefficients?: Float32Array;
  /** Masks of tracks by their remembered coefficients, packed as above; absent unless they were asked for. */
  readonly carried?: { readonly ids: Uint32Array; readonly runs: Uint32Array; readonly offsets: Uint32Array };
}

/** The box of object `index`, which must be one of the segments'. */
export function boxOf(segments: Segments, index: number): Box {
  const [x1, y1, x2, y2] = segments.boxes.subarray(4 * index, 4 * index + 4);
  return [x1!, y1!, x2!, y2!];
}

/** The objects at `indices` (ascending), in a copy. Carried masks belong to no object and are left out. */
export function selectObjects(segments: Segments, indices: Uint32Array): Segments {
  const { boxes, scores, classes, areas, runs, offsets, coefficients } = segments;
  const picked = new Uint32Array(indices.length + 1);
  for (const [k, i] of indices.entries()) picked[k + 1] = picked[k]! + offsets[i + 1]! - offsets[i]!;
  const kept = new Uint32Array(2 * picked[indices.length]!);
  for (const [k, i] of indices.entries()) kept.set(runs.subarray(2 * offsets[i]!, 2 * offsets[i + 1]!), 2 * picked[k]!);
  const rows = (from: Float32Array, width: number) => {
    const to = new Float32Array(indices.length * width);
    for (const [k, i] of indices.entries()) to.set(from.subarray(i * width, (i + 1) * width), k * width);
    return to;
  };
  return {
    count: indices.length,
    width: segments.width,
    height: segments.height,
    boxes: rows(boxes, 4),
    scores: rows(scores, 1),
    classes: Int32Array.from(indices, (i) => classes[i]!),
    areas: Uint32Array.from(indices, (i) => areas[i]!),
    runs: kept,
    offsets: picked,
    ...(coefficients ? { coefficients: rows(coefficients, 32) } : {}),
  };
}
