/** How long the machine's cores had nothing to do. */
import { readFile } from 'node:fs/promises';

/** The kernel counts in these units for programs, on every architecture (proc(5), USER_HZ). */
const TICK_MS = 10;

/** Of all cores together since the machine's start, milliseconds; undefined where the system does not say. Never rejects. */
export async function idleTime(file = '/proc/stat'): Promise<number | undefined> {
  try {
    // cpu user nice system idle iowait …: who waits for a disk leaves the core to others.
    const [idle, waiting] = (await readFile(file, 'latin1')).split('\n', 1)[0]!.trim().split(/\s+/).slice(4, 6).map(Number);
    const ticks = idle! + waiting!;
    return Number.isFinite(ticks) ? ticks * TICK_MS : undefined;
  } catch {
    return undefined;
  }
}
