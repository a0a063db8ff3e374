/** Limits of checks, taught from good parts. Pure. */
import { type Check, limitsOf, type Recipe } from '../domain/recipe.js';

/** Fewer parts say too little about how much good parts differ. */
export const LEAST_PARTS = 5;
/** As many as limits deserve. */
export const USUAL_PARTS = 20;

export interface TaughtLimits {
  readonly check: string;
  /** Values: one for each part, or for each member with `each`. */
  readonly n: number;
  readonly median: number;
  /** Robust: 1.4826 times the median deviation from the median, and no less than the uncertainty of a value. */
  readonly sd: number;
  readonly lsl?: number;
  readonly usl?: number;
  /** Values outside of these limits. */
  readonly outside: number;
  /** Values outside of the limits that the recipe has. */
  readonly outsideNow: number;
}

/** 1 / (the 0.75 quantile of the normal distribution). */
const OF_MAD = 1.4826;
/** Measures of which less is better. */
const UPPER_ONLY: ReadonlySet<string> = new Set(['position', 'deltaE00', 'difference', 'anomaly']);

/**
 * Median ± `sigma` robust standard deviations; of measures that are best at 0 the upper limit alone. A median deviation of 0 (values that
 * are mostly equal) gives way to the ordinary standard deviation, and neither is taken below `least`: the standard uncertainty of a
 * value, so that limits are never narrower than what can be measured. Limits are rounded outwards to two digits of the standard
 * deviation. `values`: at least one, finite.
 */
export function teachLimits(check: Check, values: readonly number[], { sigma, least }: { sigma: number; least: number }): TaughtLimits {
  const median = medianOf(values);
  const robust = OF_MAD * medianOf(values.map((value) => Math.abs(value - median)));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const ordinary = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1));
  const sd = Math.max(robust > 0 ? robust : ordinary, least);
  const step = sd > 0 ? 10 ** (Math.floor(Math.log10(sd)) - 1) : 0;
  const usl = rounded(median + sigma * sd, step, Math.ceil);
  const lsl = UPPER_ONLY.has(check.measure ?? '') ? undefined : rounded(median - sigma * sd, step, Math.floor);
  const beyond = (low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) =>
    values.filter((value) => value < low || value > high).length;
  const now = limitsOf(check);
  return {
    check: check.id,
    n: values.length,
    median,
    sd,
    ...(lsl === undefined ? {} : { lsl }),
    usl,
    outside: beyond(lsl, usl),
    outsideNow: beyond(now.lsl, now.usl),
  };
}

/**
 * How taught limits get into a check: keys that go, and keys that come. A position keeps its target, and its limit is the tolerance.
 */
export function limitKeys(
  measure: Check['measure'],
  { lsl, usl }: Pick<TaughtLimits, 'lsl' | 'usl'>,
): { readonly gone: readonly (keyof Check)[]; readonly come: Partial<Check> } {
  const gone = ['lsl', 'usl', 'min', 'max', 'tol'] as const;
  if (measure === 'position') return { gone, come: { tol: usl } };
  return { gone: [...gone, 'target'], come: { ...(lsl === undefined ? {} : { lsl }), ...(usl === undefined ? {} : { usl }) } };
}

/** The recipe with these limits; checks that are not among them keep theirs. */
export function withLimits(recipe: Recipe, limits: readonly TaughtLimits[]): Recipe {
  const taught = new Map(limits.map((each) => [each.check, each]));
  const checks = recipe.checks.map((check): Check => {
    const own = taught.get(check.id);
    if (!own) return check;
    const { gone, come } = limitKeys(check.measure, own);
    return { ...(Object.fromEntries(Object.entries(check).filter(([key]) => !gone.includes(key as keyof Check))) as Check), ...come };
  });
  return { ...recipe, checks };
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function rounded(value: number, step: number, towards: (value: number) => number): number {
  if (step === 0) return value;
  // A hair of what floating point adds does not cost a step.
  const steps = towards(Number((value / step).toPrecision(12)));
  return Number((steps * step).toPrecision(12));
}
