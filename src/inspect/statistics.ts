/** What the values of one check say about the process. Pure. */

/** Values of a subgroup, for the short-term spread. */
const SUBGROUP = 5;
/** Mean range of five normal values, in standard deviations. */
const D2 = 2.326;

export interface ProcessStatistics {
  readonly n: number;
  readonly mean: number | null;
  /** Of all values; null below two. */
  readonly sd: number | null;
  /** Short-term, R̄ / d2 of subgroups of five; null below two subgroups. */
  readonly sdWithin: number | null;
  /** Capability, from the short-term spread; null without limits. */
  readonly cp: number | null;
  readonly cpk: number | null;
  /** Performance, from the spread of all values. */
  readonly pp: number | null;
  readonly ppk: number | null;
  /** Nelson rules that the newest value breaks, with the mean and sd of all values. */
  readonly nelson: readonly number[];
}

/** Mean and sample variance by Welford's updates: large offsets cancel nothing. */
export class Welford {
  n = 0;
  mean = 0;
  #squares = 0;

  add(value: number): void {
    this.n += 1;
    const delta = value - this.mean;
    this.mean += delta / this.n;
    this.#squares += delta * (value - this.mean);
  }

  /** NaN below two values. */
  get sd(): number {
    return this.n < 2 ? Number.NaN : Math.sqrt(this.#squares / (this.n - 1));
  }
}

/** `values` in the order of time. */
export function statisticsOf(
  values: readonly number[],
  { lsl, usl }: { readonly lsl?: number | undefined; readonly usl?: number | undefined },
): ProcessStatistics {
  const all = new Welford();
  for (const value of values) all.add(value);
  const mean = all.n > 0 ? all.mean : null;
  const sd = all.n > 1 ? all.sd : null;
  const ranges: number[] = [];
  for (let k = 0; k + SUBGROUP <= values.length; k += SUBGROUP) {
    const group = values.slice(k, k + SUBGROUP);
    ranges.push(Math.max(...group) - Math.min(...group));
  }
  const sdWithin = ranges.length > 1 ? ranges.reduce((sum, range) => sum + range, 0) / ranges.length / D2 : null;
  const capability = (spread: number | null): { both: number | null; worst: number | null } => {
    if (spread === null || spread === 0 || mean === null) return { both: null, worst: null };
    const sides = [
      ...(usl === undefined ? [] : [(usl - mean) / (3 * spread)]),
      ...(lsl === undefined ? [] : [(mean - lsl) / (3 * spread)]),
    ];
    return {
      both: lsl === undefined || usl === undefined ? null : (usl - lsl) / (6 * spread),
      worst: sides.length > 0 ? Math.min(...sides) : null,
    };
  };
  const short = capability(sdWithin);
  const long = capability(sd);
  const nelson = mean !== null && sd !== null && sd > 0 ? nelsonRules(values, mean, sd) : [];
  return { n: all.n, mean, sd, sdWithin, cp: short.both, cpk: short.worst, pp: long.both, ppk: long.worst, nelson };
}

/**
 * Rules 1 to 4 of Nelson (1984) that the newest value completes: 1 one value beyond 3 sd; 2 nine in a row on one side of the mean; 3 six in
 * a row that rise or fall; 4 fourteen in a row that alternate.
 */
export function nelsonRules(values: readonly number[], mean: number, sd: number): number[] {
  const broken: number[] = [];
  const newest = values.at(-1);
  if (newest !== undefined && Math.abs(newest - mean) > 3 * sd) broken.push(1);
  const side = values.slice(-9);
  if (side.length === 9 && (side.every((value) => value > mean) || side.every((value) => value < mean))) broken.push(2);
  const steps = (count: number) => {
    const last = values.slice(-count);
    return last.length < count ? [] : last.slice(1).map((value, k) => Math.sign(value - last[k]!));
  };
  const trend = steps(6);
  if (trend.length > 0 && (trend.every((step) => step > 0) || trend.every((step) => step < 0))) broken.push(3);
  const swing = steps(14);
  if (swing.length > 0 && swing.every((step, k) => step !== 0 && (k === 0 || step === -swing[k - 1]!))) broken.push(4);
  return broken;
}
