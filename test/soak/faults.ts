/** What goes wrong in a long run, at random but the same for the same seed; and what is measured meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';

/** mulberry32: numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const FAULT_KINDS = ['broker killed', 'broker hangs', 'camera away'] as const;

export interface Fault {
  readonly kind: (typeof FAULT_KINDS)[number];
  /** Milliseconds from the start of the run. */
  readonly at: number;
  readonly lastsMs: number;
}

/** Faults for a run: the next begins some time after the last is over, and none in the last part of the run. */
export function planFaults(seed: number, runMs: number): Fault[] {
  const next = random(seed);
  const faults: Fault[] = [];
  const quietMs = Math.min(20_000, runMs / 4);
  // A minute has to do with less.
  const paceMs = Math.min(25_000, runMs / 6);
  let kinds: Fault['kind'][] = [];
  for (let at = quietMs / 2; at < runMs - quietMs; ) {
    // Every kind once, in random order, before any comes again.
    if (kinds.length === 0) kinds = [...FAULT_KINDS];
    const [kind] = kinds.splice(Math.floor(next() * kinds.length), 1);
    const lastsMs = 1000 + (next() * paceMs) / 3;
    faults.push({ kind: kind!, at, lastsMs });
    at += lastsMs + paceMs * (0.4 + next() * 0.6);
  }
  return faults;
}

/** What a process holds. */
export interface Holdings {
  readonly rssMiB: number;
  readonly handles: number;
  readonly threads: number;
}

export function holdingsOf(pid: number): Holdings {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { rssMiB: number('VmRSS') / 1024, handles: readdirSync(`/proc/${pid}/fd`).length, threads: number('Threads') };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Slope of the line of least squares through equally spaced values, in units per step. */
export function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let above = 0;
  let below = 0;
  for (const [index, value] of values.entries()) {
    above += (index - middle) * (value - mean);
    below += (index - middle) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
