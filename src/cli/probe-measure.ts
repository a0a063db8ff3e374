/** How fast, how evenly and how late the frames of a source arrive. Pure. */

/** Most frames of one probe: ends that of a source which is read much faster than a camera. */
export const MAX_FRAMES = 100_000;

/** One frame; both in milliseconds of the same monotonic clock. */
export interface Arrival {
  /** When it was captured. */
  readonly capturedMs: number;
  /** When it was handed over. */
  readonly arrivedMs: number;
}

export interface Measurement {
  /** From the first arrival to the last. */
  readonly seconds: number;
  /** Arrivals a second; null for fewer than two frames. */
  readonly fps: number | null;
  /** Standard deviation of the time from one arrival to the next; null for fewer than three frames. */
  readonly jitterMs: number | null;
  /** Longest time from one arrival to the next; null for fewer than two frames. */
  readonly longestGapMs: number | null;
  /** Age of the frames at their arrival, nearest rank. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly max: number };
}

/** `arrivals`: at least one, in order. */
export function measure(arrivals: readonly Arrival[]): Measurement {
  const gaps = arrivals.slice(1).map(({ arrivedMs }, k) => arrivedMs - arrivals[k]!.arrivedMs);
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  const mean = total / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  const ages = arrivals.map(({ capturedMs, arrivedMs }) => arrivedMs - capturedMs).sort((a, b) => a - b);
  const rank = (share: number) => rounded(ages[Math.ceil(share * ages.length) - 1]!);
  return {
    seconds: rounded(total / 1000),
    fps: total > 0 ? rounded((gaps.length * 1000) / total) : null,
    jitterMs: gaps.length > 1 ? rounded(Math.sqrt(variance)) : null,
    longestGapMs: gaps.length > 0 ? rounded(gaps.reduce((longest, gap) => Math.max(longest, gap), 0)) : null,
    latencyMs: { p50: rank(0.5), p95: rank(0.95), max: rank(1) },
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
