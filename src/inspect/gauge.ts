/**
 * How far measured values can be trusted: studies after "Measurement Systems Analysis" (AIAG, 4th edition): repeatability of one part,
 * and repeatability and reproducibility by analysis of variance (chapter III, section B). Pure.
 */
import { FastsamError } from '../errors.js';
import { Welford } from './statistics.js';

/** One value of one part; `by`: the condition under which it was measured (appraiser, station, shift, place in the picture). */
export interface GaugeValue {
  readonly part: string;
  readonly by: string;
  readonly value: number;
}

export interface Repeatability {
  readonly n: number;
  readonly mean: number;
  readonly sd: number;
  /** Capability of the gauge: 0.2 tolerance / 6 sd; null without tolerance. 1.33 and more is good. */
  readonly cg: number | null;
  /** The same with the bias: (0.1 tolerance − |mean − reference|) / 3 sd; null without reference. */
  readonly cgk: number | null;
}

export interface Component {
  /** Standard deviation. */
  readonly sd: number;
  /** Of the total variation, in percent of standard deviations: they do not add up to 100. */
  readonly ofTotal: number;
  /** 6 sd of the tolerance, in percent; null without tolerance. */
  readonly ofTolerance: number | null;
}

export interface VarianceRow {
  readonly source: 'by' | 'part' | 'by × part' | 'repeat';
  readonly df: number;
  readonly ss: number;
  readonly ms: number;
  readonly f: number | null;
}

export interface GaugeStudy {
  readonly parts: number;
  readonly conditions: number;
  readonly trials: number;
  readonly table: readonly VarianceRow[];
  /** Whether the parts are measured differently under different conditions (by × part, 5 %). */
  readonly interacts: boolean;
  /** EV: repeatability. */
  readonly equipment: Component;
  /** AV: reproducibility, the interaction included. */
  readonly conditionsVary: Component;
  /** GRR, of both. */
  readonly gauge: Component;
  /** PV. */
  readonly part: Component;
  readonly total: number;
  /** Number of distinct categories: 1.41 PV / GRR, rounded down; 5 and more is good. */
  readonly categories: number;
}

/** The interaction counts below this probability. */
const SIGNIFICANT = 0.05;

/** Repeats of one part. Errors: MISUSE below two values. */
export function repeatability(
  values: readonly number[],
  { tolerance, reference }: { readonly tolerance?: number | undefined; readonly reference?: number | undefined } = {},
): Repeatability {
  if (values.length < 2) throw new FastsamError('MISUSE', `expected at least 2 values of one part, got ${values.length}`);
  const all = new Welford();
  for (const value of values) all.add(value);
  const { n, mean, sd } = all;
  const cg = tolerance === undefined ? null : (0.2 * tolerance) / (6 * sd);
  const cgk = tolerance === undefined || reference === undefined ? null : (0.1 * tolerance - Math.abs(mean - reference)) / (3 * sd);
  return { n, mean, sd, cg, cgk };
}

/**
 * Every part measured under every condition equally often, at least twice; `tolerance` is the whole width between the limits.
 * Errors: MISUSE where parts or conditions are fewer than two, or the trials are uneven, with what is there.
 */
export function gaugeStudy(values: readonly GaugeValue[], { tolerance }: { readonly tolerance?: number | undefined } = {}): GaugeStudy {
  const parts = [...new Set(values.map(({ part }) => part))];
  const conditions = [...new Set(values.map(({ by }) => by))];
  const cells = new Map<string, number[]>();
  for (const { part, by, value } of values) {
    const key = JSON.stringify([part, by]);
    const cell = cells.get(key);
    if (cell) cell.push(value);
    else cells.set(key, [value]);
  }
  if (parts.length < 2) throw new FastsamError('MISUSE', `expected at least 2 parts, got ${parts.length}`);
  const trials = Math.max(...[...cells.values()].map(({ length }) => length));
  for (const part of parts) {
    for (const by of conditions) {
      const { length } = cells.get(JSON.stringify([part, by])) ?? [];
      if (length !== trials || trials < 2) {
        const where = conditions.length > 1 ? ` under "${by}"` : '';
        throw new FastsamError('MISUSE', `part "${part}"${where} has ${length} values; expected ${Math.max(trials, 2)}, as every part`);
      }
    }
  }
  const [p, c, r] = [parts.length, conditions.length, trials];
  const mean = meanOf(values.map(({ value }) => value));
  const partMeans = parts.map((part) => meanOf(values.filter((each) => each.part === part).map(({ value }) => value)));
  const byMeans = conditions.map((by) => meanOf(values.filter((each) => each.by === by).map(({ value }) => value)));
  const squares = (means: readonly number[]) => means.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  const ssPart = c * r * squares(partMeans);
  const ssBy = p * r * squares(byMeans);
  let ssRepeat = 0;
  let ssCells = 0;
  for (const cell of cells.values()) {
    const middle = meanOf(cell);
    ssCells += r * (middle - mean) ** 2;
    for (const value of cell) ssRepeat += (value - middle) ** 2;
  }
  const ssBoth = Math.max(0, ssCells - ssPart - ssBy);
  const df = { by: c - 1, part: p - 1, both: (c - 1) * (p - 1), repeat: p * c * (r - 1) };
  const ms = { by: ssBy / df.by, part: ssPart / df.part, both: ssBoth / df.both, repeat: ssRepeat / df.repeat };
  const fBoth = df.both > 0 ? ms.both / ms.repeat : null;
  const interacts = fBoth !== null && 1 - fDistribution(fBoth, df.both, df.repeat) < SIGNIFICANT;
  // Without an interaction its squares belong to the repeatability.
  const pooled = (ssRepeat + ssBoth) / (df.repeat + df.both);
  const repeat = interacts ? ms.repeat : pooled;
  const against = interacts ? ms.both : pooled;
  const varBoth = interacts ? Math.max(0, (ms.both - ms.repeat) / r) : 0;
  const varBy = c > 1 ? Math.max(0, (ms.by - against) / (p * r)) : 0;
  const varPart = Math.max(0, (ms.part - against) / (c * r));
  const total = Math.sqrt(repeat + varBy + varBoth + varPart);
  const component = (variance: number): Component => {
    const sd = Math.sqrt(variance);
    return { sd, ofTotal: (100 * sd) / total, ofTolerance: tolerance === undefined ? null : (100 * 6 * sd) / tolerance };
  };
  const gauge = component(repeat + varBy + varBoth);
  const part = component(varPart);
  const table: VarianceRow[] = [
    ...(c > 1 ? [{ source: 'by', df: df.by, ss: ssBy, ms: ms.by, f: ms.by / against } as const] : []),
    { source: 'part', df: df.part, ss: ssPart, ms: ms.part, f: ms.part / against },
    ...(c > 1 ? [{ source: 'by × part', df: df.both, ss: ssBoth, ms: ms.both, f: fBoth } as const] : []),
    { source: 'repeat', df: df.repeat, ss: ssRepeat, ms: ms.repeat, f: null },
  ];
  return {
    ...{ parts: p, conditions: c, trials: r, table, interacts },
    ...{ equipment: component(repeat), conditionsVary: component(varBy + varBoth), gauge, part, total },
    categories: Math.floor((1.41 * part.sd) / gauge.sd),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Cumulative F distribution: the regularized incomplete beta function. */
export function fDistribution(f: number, df1: number, df2: number): number {
  return f <= 0 ? 0 : incompleteBeta((df1 * f) / (df1 * f + df2), df1 / 2, df2 / 2);
}

/** I_x(a, b) by its continued fraction (Lentz's method; DLMF 8.17.22). */
function incompleteBeta(x: number, a: number, b: number): number {
  // Converges fast below the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  const TINY = 1e-300;
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < TINY ? TINY : d);
  let fraction = d;
  for (let m = 1; m <= 500; m += 1) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 + term * d;
      d = 1 / (Math.abs(d) < TINY ? TINY : d);
      c = 1 + term / c;
      c = Math.abs(c) < TINY ? TINY : c;
      fraction *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return front * fraction;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Stirling's series (DLMF 5.11.1), after raising the argument to 10. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 10; at += 1) shift -= Math.log(at);
  const square = at * at;
  return shift + (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + (1 / 12 - (1 / 360 - 1 / (1260 * square)) / square) / at;
}
