/** Independent faults for `make chaos`: of each kind many, several at once, at random but the same for the same seed. */
import { random } from './faults.js';

export const CHAOS_KINDS = [
  'node killed',
  'node stopped',
  'node stalled',
  'disk full',
  'disk hangs',
  'clock jumps',
  'broker killed',
  'broker silent',
  'link cut',
  'camera away',
  'camera cut',
  'log blocked',
] as const;
export type ChaosKind = (typeof CHAOS_KINDS)[number];

export interface ChaosFault {
  readonly kind: ChaosKind;
  /** Milliseconds from the start of the run. */
  readonly at: number;
  readonly lastsMs: number;
  /** In [0, 1): which of several forms. */
  readonly form: number;
}

/** How long one lasts, in milliseconds, at least and at most. */
const LASTS: Readonly<Record<ChaosKind, readonly [number, number]>> = {
  'node killed': [200, 3000],
  'node stopped': [200, 3000],
  'node stalled': [1000, 9000],
  'disk full': [12_000, 40_000],
  'disk hangs': [1000, 8000],
  'clock jumps': [5000, 40_000],
  'broker killed': [1000, 15_000],
  'broker silent': [1000, 15_000],
  'link cut': [0, 0],
  'camera away': [18_000, 35_000],
  'camera cut': [0, 0],
  'log blocked': [5000, 30_000],
};
/** From one fault of a kind to the next of it, in milliseconds. */
const PAUSE = [10_000, 90_000] as const;

/** Faults until `runMs`, in the order of their beginnings. None ends later. */
export function planChaos(seed: number, runMs: number): ChaosFault[] {
  const faults = CHAOS_KINDS.flatMap((kind, index) => {
    const next = random(seed + index * 7919);
    const between = ([least, most]: readonly [number, number]) => least + next() * (most - least);
    const planned: ChaosFault[] = [];
    for (let at = between([2000, 60_000]); ; ) {
      const lastsMs = between(LASTS[kind]);
      if (at + lastsMs > runMs) return planned;
      planned.push({ kind, at, lastsMs, form: next() });
      at += lastsMs + between(PAUSE);
    }
  });
  return faults.sort((a, b) => a.at - b.at);
}
