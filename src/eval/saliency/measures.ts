/**
 * Measures of salient-object maps, as PySODMetrics computes them: MAE; F (Achanta 2009, β² = 0.3) over 255 thresholds;
 * weighted F (Margolin 2014); S (Fan 2017, α = 0.5); E (Fan 2018) over 255 thresholds.
 */
import type { GreyMap } from '../grey-map.js';

/** Measures of one picture. Curves are by threshold, from 255 down to 0. */
export interface SaliencyMeasures {
  readonly mae: number;
  readonly s: number;
  readonly weightedF: number;
  readonly f: Float64Array;
  readonly e: Float64Array;
}

/** The measures of a set: means over pictures, curves averaged before their maximum is taken. */
export interface SaliencyFigures {
  readonly mae: number;
  readonly s: number;
  readonly weightedF: number;
  readonly maxF: number;
  readonly meanF: number;
  readonly maxE: number;
  readonly meanE: number;
}

const LEVELS = 256;
const BETA = 0.3;
const EPSILON = Number.EPSILON;

/** `map` against `mask` (inside: above 128), which have equal sizes. The map is stretched to 0 … 1 first, as the tools do. */
export function measureSaliency(map: GreyMap, mask: GreyMap): SaliencyMeasures {
  const inside = Uint8Array.from(mask.levels, (level) => (level > 128 ? 1 : 0));
  const prediction = stretched(map.levels);
  const area = inside.reduce((sum, value) => sum + value, 0);
  let error = 0;
  for (const [i, value] of prediction.entries()) error += Math.abs(value - inside[i]!);
  const histograms = cumulated(prediction, inside);
  return {
    mae: error / prediction.length,
    s: structure(prediction, inside, map.width, map.height),
    weightedF: weightedF(prediction, inside, map.width, map.height),
    f: fCurve(histograms, area),
    e: eCurve(histograms, area, prediction.length),
  };
}

export function saliencyFigures(pictures: readonly SaliencyMeasures[]): SaliencyFigures {
  const mean = (pick: (own: SaliencyMeasures) => number) => pictures.reduce((sum, own) => sum + pick(own), 0) / pictures.length;
  const curve = (pick: (own: SaliencyMeasures) => Float64Array) => Array.from({ length: LEVELS }, (_, k) => mean((own) => pick(own)[k]!));
  const f = curve((own) => own.f);
  const e = curve((own) => own.e);
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    mae: mean((own) => own.mae),
    s: mean((own) => own.s),
    weightedF: mean((own) => own.weightedF),
    maxF: Math.max(...f),
    meanF: average(f),
    maxE: Math.max(...e),
    meanE: average(e),
  };
}

function stretched(levels: Uint8Array): Float64Array {
  let low = 255;
  let high = 0;
  for (const level of levels) {
    low = Math.min(low, level);
    high = Math.max(high, level);
  }
  const values = Float64Array.from(levels, (level) => level / 255);
  if (low === high) return values;
  const floor = low / 255;
  const span = high / 255 - floor;
  return values.map((value) => (value - floor) / span);
}

/** Pixels at or above each of 256 levels, from the highest down: of the object, and of the rest. */
interface Cumulated {
  readonly object: Float64Array;
  readonly rest: Float64Array;
}

function cumulated(prediction: Float64Array, inside: Uint8Array): Cumulated {
  const object = new Float64Array(LEVELS);
  const rest = new Float64Array(LEVELS);
  for (const [i, value] of prediction.entries()) {
    const bin = LEVELS - 1 - Math.trunc(value * 255);
    if (inside[i]) object[bin]! += 1;
    else rest[bin]! += 1;
  }
  for (let k = 1; k < LEVELS; k += 1) {
    object[k]! += object[k - 1]!;
    rest[k]! += rest[k - 1]!;
  }
  return { object, rest };
}

function fCurve({ object, rest }: Cumulated, area: number): Float64Array {
  return object.map((found, k) => {
    const precision = found / (found + rest[k]! || 1);
    const recall = found / Math.max(area, 1);
    const numerator = (1 + BETA) * precision * recall;
    return numerator === 0 ? 0 : numerator / (BETA * precision + recall);
  });
}

function eCurve({ object, rest }: Cumulated, area: number, size: number): Float64Array {
  return object.map((found, k) => {
    const chosen = found + rest[k]!;
    let sum: number;
    if (area === 0) sum = size - chosen;
    else if (area === size) sum = chosen;
    else {
      const [inPrediction, inMask] = [1 - chosen / size, 1 - area / size];
      const [outPrediction, outMask] = [-chosen / size, -area / size];
      const part = (pixels: number, a: number, b: number) => {
        const alignment = (2 * a * b) / (a * a + b * b + EPSILON);
        return (pixels * (alignment + 1) ** 2) / 4;
      };
      sum =
        part(found, inPrediction, inMask) +
        part(rest[k]!, inPrediction, outMask) +
        part(area - found, outPrediction, inMask) +
        part(size - chosen - (area - found), outPrediction, outMask);
    }
    return sum / (size - 1 + EPSILON);
  });
}

function structure(prediction: Float64Array, inside: Uint8Array, width: number, height: number): number {
  const share = meanOf(inside);
  if (share === 0) return 1 - meanOf(prediction);
  if (share === 1) return meanOf(prediction);
  const object =
    share * objectScore(prediction.filter((_, i) => inside[i])) +
    (1 - share) * objectScore(prediction.filter((_, i) => !inside[i]).map((value) => 1 - value));
  return Math.max(0, 0.5 * object + 0.5 * regionScore(prediction, inside, width, height));
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i]!;
  return sum / values.length;
}

function objectScore(values: Float64Array): number {
  const mean = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  // A single pixel has no deviation; numpy would answer NaN, and the figure of the whole set with it.
  const deviation = Math.sqrt(squares / Math.max(values.length - 1, 1));
  return (2 * mean) / (mean * mean + 1 + deviation + EPSILON);
}

/** Structural similarity of the four parts around the object's centroid, weighted by their areas. */
function regionScore(prediction: Float64Array, inside: Uint8Array, width: number, height: number): number {
  let count = 0;
  let sumX = 0;
  let sumY = 0;
  for (const [i, value] of inside.entries()) {
    if (!value) continue;
    count += 1;
    sumX += i % width;
    sumY += Math.floor(i / width);
  }
  const x = roundHalfEven(sumX / count) + 1;
  const y = roundHalfEven(sumY / count) + 1;
  const area = width * height;
  const weights = [(x * y) / area, (y * (width - x)) / area, ((height - y) * x) / area];
  weights.push(1 - weights[0]! - weights[1]! - weights[2]!);
  const parts = [
    [0, 0, x, y],
    [x, 0, width, y],
    [0, y, x, height],
    [x, y, width, height],
  ] as const;
  return parts.reduce(
    (sum, part, k) => (part[0] === part[2] || part[1] === part[3] ? sum : sum + weights[k]! * similarity(prediction, inside, width, part)),
    0,
  );
}

/** numpy rounds halves to even. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function similarity(
  prediction: Float64Array,
  inside: Uint8Array,
  width: number,
  [left, top, right, bottom]: readonly [number, number, number, number],
): number {
  const count = (right - left) * (bottom - top);
  const each = (visit: (p: number, m: number) => void) => {
    for (let y = top; y < bottom; y += 1) for (let x = left; x < right; x += 1) visit(prediction[y * width + x]!, inside[y * width + x]!);
  };
  let sumP = 0;
  let sumM = 0;
  each((p, m) => {
    sumP += p;
    sumM += m;
  });
  const [meanP, meanM] = [sumP / count, sumM / count];
  let varianceP = 0;
  let varianceM = 0;
  let covariance = 0;
  each((p, m) => {
    varianceP += (p - meanP) ** 2;
    varianceM += (m - meanM) ** 2;
    covariance += (p - meanP) * (m - meanM);
  });
  const alpha = (4 * meanP * meanM * covariance) / Math.max(count - 1, 1);
  const beta = ((meanP ** 2 + meanM ** 2) * (varianceP + varianceM)) / Math.max(count - 1, 1);
  if (alpha !== 0) return alpha / (beta + EPSILON);
  return beta === 0 ? 1 : 0;
}

/** Errors near the object's border count less inside, those far outside of it more. */
function weightedF(prediction: Float64Array, inside: Uint8Array, width: number, height: number): number {
  if (!inside.includes(1)) return 0;
  const { distance, nearest } = distances(inside, width, height);
  const error = prediction.map((value, i) => Math.abs(value - inside[i]!));
  const spread = smoothed(
    error.map((value, i) => (inside[i] ? value : error[nearest[i]!]!)),
    width,
    height,
  );
  let lost = 0;
  let wrong = 0;
  let area = 0;
  for (const [i, own] of error.entries()) {
    if (inside[i]) {
      area += 1;
      lost += Math.min(own, spread[i]!);
    } else {
      wrong += own * (2 - Math.exp((Math.log(0.5) / 5) * distance[i]!));
    }
  }
  const recall = 1 - lost / area;
  const precision = (area - lost) / (area - lost + wrong + EPSILON);
  return (2 * recall * precision) / (recall + precision + EPSILON);
}

/** 7 × 7 Gaussian of σ 5, zero beyond the picture. */
function smoothed(values: Float64Array, width: number, height: number): Float64Array {
  const kernel = Array.from({ length: 7 }, (_, k) => Math.exp(-((k - 3) ** 2) / 50));
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  const pass = (input: Float64Array, step: number, limit: number, at: (i: number) => number) =>
    input.map((_, i) => {
      let sum = 0;
      for (let k = -3; k <= 3; k += 1) {
        const place = at(i) + k;
        if (place >= 0 && place < limit) sum += (kernel[k + 3]! / total) * input[i + k * step]!;
      }
      return sum;
    });
  const rows = pass(values, 1, width, (i) => i % width);
  return pass(rows, width, height, (i) => Math.floor(i / width));
}

/** Exact Euclidean distance of each pixel to the object and the nearest object pixel (Felzenszwalb and Huttenlocher 2012). */
function distances(inside: Uint8Array, width: number, height: number): { distance: Float64Array; nearest: Int32Array } {
  const far = 1e12;
  const square = Float64Array.from(inside, (value) => (value ? 0 : far));
  const nearest = Int32Array.from(inside, (_, i) => i);
  const line = (count: number, index: (k: number) => number) => {
    const parabola = new Int32Array(count);
    const border = new Float64Array(count + 1);
    const f = Float64Array.from({ length: count }, (_, k) => square[index(k)]!);
    const source = Int32Array.from({ length: count }, (_, k) => nearest[index(k)]!);
    let last = 0;
    border[0] = Number.NEGATIVE_INFINITY;
    border[1] = Number.POSITIVE_INFINITY;
    for (let q = 1; q < count; q += 1) {
      const meet = () => {
        const p = parabola[last]!;
        return (f[q]! + q * q - (f[p]! + p * p)) / (2 * (q - p));
      };
      let s = meet();
      while (s <= border[last]!) {
        last -= 1;
        s = meet();
      }
      last += 1;
      parabola[last] = q;
      border[last] = s;
      border[last + 1] = Number.POSITIVE_INFINITY;
    }
    let k = 0;
    for (let q = 0; q < count; q += 1) {
      while (border[k + 1]! < q) k += 1;
      const p = parabola[k]!;
      square[index(q)] = (q - p) ** 2 + f[p]!;
      nearest[index(q)] = source[p]!;
    }
  };
  for (let x = 0; x < width; x += 1) line(height, (k) => k * width + x);
  for (let y = 0; y < height; y += 1) line(width, (k) => y * width + k);
  return { distance: square.map(Math.sqrt), nearest };
}
