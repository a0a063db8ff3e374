/** Time in which a core had nothing to do and this process was allowed to use it. */
import { readFile } from 'node:fs/promises';
import type { CpuLimit } from '../cores.js';

/** The kernel counts in these units for programs, on every architecture (proc(5), USER_HZ). */
const TICK_MS = 10;

interface IdleClockDeps {
  readonly stat?: string;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/**
 * Counts the time in which cores had nothing to do, of all cores together, in milliseconds; in a control group with a limit, no more than
 * the group had left of that. Undefined where the system does not say. Never rejects.
 */
export function idleClock(limit: CpuLimit | undefined, { stat = '/proc/stat', now = () => performance.now() }: IdleClockDeps = {}) {
  let total = 0;
  let last: { readonly machine: number; readonly left: number | undefined } | undefined;
  return async (): Promise<number | undefined> => {
    const machine = await machineIdle(stat);
    const used = await limit?.usedMs();
    const left = limit && used !== undefined ? limit.cores * now() - used : undefined;
    if (machine === undefined) return undefined;
    if (last) {
      const inGroup = left === undefined || last.left === undefined ? Number.POSITIVE_INFINITY : left - last.left;
      total += Math.max(0, Math.min(machine - last.machine, inGroup));
    }
    last = { machine, left };
    return total;
  };
}

/** Of all cores together since the machine's start, milliseconds. */
async function machineIdle(stat: string): Promise<number | undefined> {
  try {
    // cpu user nice system idle iowait …: who waits for a disk leaves the core to others.
    const [idle, waiting] = (await readFile(stat, 'latin1')).split('\n', 1)[0]!.trim().split(/\s+/).slice(4, 6).map(Number);
    const ticks = idle! + waiting!;
    return Number.isFinite(ticks) ? ticks * TICK_MS : undefined;
  } catch {
    return undefined;
  }
}
