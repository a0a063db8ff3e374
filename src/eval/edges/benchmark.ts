/**
 * ODS, OIS and AP of boundary maps as the Berkeley benchmark computes them (Arbelaez, Maire, Fowlkes, Malik 2011;
 * boundaryBench.m, collect_eval_bdry.m).
 */

/** Counts of one threshold of one picture. */
export interface Counts {
  readonly recalled: number;
  readonly annotated: number;
  readonly precise: number;
  readonly detected: number;
}

export interface Best {
  readonly threshold: number;
  readonly recall: number;
  readonly precision: number;
  readonly f: number;
}

export interface BoundaryFigures {
  /** The best F at one threshold for the whole set. */
  readonly ods: Best;
  /** The best F with a threshold for each picture. */
  readonly ois: Omit<Best, 'threshold'>;
  /** Mean precision over recall, by steps of 0.01. */
  readonly ap: number;
  /** Recall at precision 0.5; undefined when the curve does not cross it. */
  readonly r50: number | undefined;
  /** Per picture, in their order. */
  readonly pictures: readonly Best[];
}

/** k / (n + 1) for k = 1 … n: 99 of them are 0.01 … 0.99. */
export function thresholdsOf(count: number): number[] {
  const first = 1 / (count + 1);
  const last = 1 - first;
  return Array.from({ length: count }, (_, k) => (count === 1 ? first : first + (k * (last - first)) / (count - 1)));
}

const ZERO: Counts = { recalled: 0, annotated: 0, precise: 0, detected: 0 };

function sum(a: Counts, b: Counts): Counts {
  return {
    recalled: a.recalled + b.recalled,
    annotated: a.annotated + b.annotated,
    precise: a.precise + b.precise,
    detected: a.detected + b.detected,
  };
}

const recallOf = ({ recalled, annotated }: Counts) => recalled / (annotated || 1);
const precisionOf = ({ precise, detected }: Counts) => precise / (detected || 1);
const fOf = (recall: number, precision: number) => (2 * precision * recall) / (precision + recall || 1);

/** `counts`: [pictures][thresholds]. */
export function boundaryFigures(counts: readonly (readonly Counts[])[], thresholds: readonly number[]): BoundaryFigures {
  const total = thresholds.map((_, t) => counts.reduce((all, own) => sum(all, own[t]!), ZERO));
  const chosen = counts.reduce((all, own) => sum(all, own[bestThreshold(own)]!), ZERO);
  const recall = recallOf(chosen);
  const precision = precisionOf(chosen);
  return {
    ods: bestBetween(total, thresholds),
    ois: { recall, precision, f: fOf(recall, precision) },
    ap: areaUnder(total),
    r50: recallAtHalf(total),
    pictures: counts.map((own) => bestBetween(own, thresholds)),
  };
}

/** The last of the thresholds with the highest F, as the benchmark takes it. */
function bestThreshold(counts: readonly Counts[]): number {
  let best = 0;
  for (const [t, own] of counts.entries()) {
    const f = (c: Counts) => fOf(recallOf(c), precisionOf(c));
    if (f(own) >= f(counts[best]!)) best = t;
  }
  return best;
}

/** The best F on the curve, looked for at 100 places between neighbouring thresholds. */
function bestBetween(counts: readonly Counts[], thresholds: readonly number[]): Best {
  const at = (t: number, d: number): Best => {
    const before = counts[Math.max(t - 1, 0)]!;
    const mix = (a: number, b: number) => a * d + b * (1 - d);
    const recall = mix(recallOf(counts[t]!), recallOf(before));
    const precision = mix(precisionOf(counts[t]!), precisionOf(before));
    return { threshold: mix(thresholds[t]!, thresholds[Math.max(t - 1, 0)]!), recall, precision, f: fOf(recall, precision) };
  };
  let best = at(0, 1);
  for (let t = 1; t < counts.length; t += 1) {
    for (let step = 0; step < 100; step += 1) {
      const here = at(t, step / 99);
      if (here.f > best.f) best = here;
    }
  }
  return best;
}

/** Precision at ascending recall; of equal recalls the one at the lowest threshold, as MATLAB's unique keeps them. */
function curve(counts: readonly Counts[]): { recall: number; precision: number }[] {
  const points = counts.map((own) => ({ recall: recallOf(own), precision: precisionOf(own) })).sort((a, b) => a.recall - b.recall);
  return points.filter(({ recall }, k) => recall !== points[k - 1]?.recall);
}

function areaUnder(counts: readonly Counts[]): number {
  const points = curve(counts);
  if (points.length < 2) return 0;
  let area = 0;
  for (let step = 0; step <= 100; step += 1) {
    const recall = step / 100;
    const above = points.findIndex((point) => point.recall >= recall);
    if (above < 0 || (above === 0 && points[0]!.recall > recall)) continue;
    const high = points[above]!;
    const low = points[Math.max(above - 1, 0)]!;
    const share = high.recall === low.recall ? 1 : (recall - low.recall) / (high.recall - low.recall);
    area += (low.precision + share * (high.precision - low.precision)) / 100;
  }
  return area;
}

function recallAtHalf(counts: readonly Counts[]): number | undefined {
  const points = curve(counts);
  for (let k = points.length - 1; k > 0; k -= 1) {
    const [low, high] = [points[k - 1]!, points[k]!];
    if (low.precision >= 0.5 && high.precision < 0.5) {
      return low.recall + ((low.precision - 0.5) / (low.precision - high.precision)) * (high.recall - low.recall);
    }
  }
  return undefined;
}
