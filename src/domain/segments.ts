import type { Box } from './box.js';

/**
 * Everything the network found in one frame, packed: `count` objects in descending score.
 *
 * Masks are foreground runs in column-major order (COCO's): a run `[start, end)` covers the pixels with
 * `start ≤ x·height + y < end`. Object i owns the runs `offsets[i] … offsets[i+1]−1`; run k is
 * `runs[2k], runs[2k+1]`. Runs of one object ascend and never touch.
 *
 * An engine's segments are frozen and have a native copy: functions that work on masks read that copy without checking
 * it, and do not see what is written to the arrays. Segments built from plain arrays are copied and checked in every call;
 * errors: MISUSE.
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

/** Whether object `index` reaches the border of the frame. */
export function touchesFrame(segments: Segments, index: number): boolean {
  const [x1, y1, x2, y2] = boxOf(segments, index);
  return x1 < 1 || y1 < 1 || x2 > segments.width - 1 || y2 > segments.height - 1;
}

/** The box of object `index`, which must be one of the segments'. */
export function boxOf(segments: Segments, index: number): Box {
  const [x1, y1, x2, y2] = segments.boxes.subarray(4 * index, 4 * index + 4);
  return [x1!, y1!, x2!, y2!];
}
