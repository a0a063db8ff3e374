/** What the tests measure against a limit. `make hostile` collects the figures, judges them and writes them into docs/hardening.md. */
import { appendFileSync, readFileSync } from 'node:fs';

export interface Figure {
  readonly what: string;
  readonly value: number;
  /** `ms`, `MiB`, `%`, …; none for a number of things. */
  readonly unit?: string;
  /** Largest and smallest value that is well. */
  readonly most?: number;
  readonly least?: number;
}

/**
 * Prints the figure and hands it to `make hostile`. A figure out of its limits fails that run, and no test: on a machine that does other
 * things as well, times say nothing.
 */
export function figure(figure: Figure): void {
  const { what, value, unit = '' } = figure;
  process.stdout.write(`${what}: ${Number(value.toFixed(1))} ${unit}\n`);
  const file = process.env.HOSTILE_FIGURES;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(figure)}\n`);
}

/** Of all values; the middle one. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Processor time of the main thread so far, in milliseconds: what it takes to do something, whatever else the machine does. */
export function mainThreadMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
