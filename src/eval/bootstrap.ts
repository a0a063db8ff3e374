/**
 * Intervals by the bootstrap over pictures (Efron 1979, percentile method): the data set is drawn again from its own
 * pictures, with replacement, and the figure computed each time. Equal seeds draw equal pictures, so two reports of one
 * data set can be compared draw by draw.
 */

/** How often each of `count` pictures is in draw `draw`. */
export function drawPictures(count: number, seed: number, draw: number): Float64Array {
  const weights = new Float64Array(count);
  const random = generator(seed, draw);
  for (let k = 0; k < count; k += 1) {
    const picture = Math.floor(random() * count);
    weights[picture] = weights[picture]! + 1;
  }
  return weights;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The middle 95 % of values; undefined for fewer than 20. */
export function middle95(values: readonly number[]): Interval | undefined {
  if (values.length < 20) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}

/** Linear interpolation between order statistics (R's type 7, numpy's default). */
export function quantile(sorted: readonly number[], q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}

/** Numbers in [0, 1), a fixed sequence for each seed and stream (SplitMix32; Steele, Lea, Flood 2014, as mixed by Jordan). */
function generator(seed: number, stream: number): () => number {
  let state = (Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}
