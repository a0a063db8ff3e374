/** How far two masks given as ascending runs (`[start, end)` pairs, as in Segments) are apart. */
export interface MaskDifference {
  readonly iou: number;
  /** Pixels that only one of them holds. */
  readonly pixels: number;
}

/** Sweeps over the ends of the runs of both masks: between two ends neither changes. */
export function compareMasks(a: Uint32Array, b: Uint32Array): MaskDifference {
  let intersection = 0;
  let union = 0;
  let at = 0;
  let i = 0;
  let k = 0;
  while (i < a.length || k < b.length) {
    const next = Math.min(a[i] ?? Number.POSITIVE_INFINITY, b[k] ?? Number.POSITIVE_INFINITY);
    const insideA = i % 2 === 1;
    const insideB = k % 2 === 1;
    if (insideA && insideB) intersection += next - at;
    if (insideA || insideB) union += next - at;
    at = next;
    if (a[i] === next) i += 1;
    if (b[k] === next) k += 1;
  }
  return { iou: union === 0 ? 1 : intersection / union, pixels: union - intersection };
}
