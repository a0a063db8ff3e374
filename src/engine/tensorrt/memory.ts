/** Keeps a build from taking the machine down with it: on a Jetson, GPU and CPU live on the same memory. */
import { readFile } from 'node:fs/promises';
import { FastsamError } from '../../errors.js';

const MIB = 2 ** 20;
/** Below this a build is not begun. */
const START_BYTES = 768 * MIB;
/** Below this a build under way is ended, before the kernel ends something else. */
const FLOOR_BYTES = 160 * MIB;
const INTERVAL_MS = 500;

const ADVICE = 'stop other programs, add swap, lower --workspace, or build for a smaller input';

/** Bytes that programs can still have (MemAvailable); undefined where the kernel does not say. */
export async function availableMemory(): Promise<number | undefined> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Errors: OUT_OF_MEMORY. */
export async function demandMemory(available = availableMemory): Promise<void> {
  const bytes = await available();
  if (bytes !== undefined && bytes < START_BYTES) throw tooLittle(bytes, `building needs at least ${START_BYTES / MIB} MiB`);
}

/** Calls `onShort` once when memory runs out; until `stop`. */
export function watchMemory(onShort: (error: FastsamError) => void, available = availableMemory): { stop(): void } {
  const timer = setInterval(async () => {
    const bytes = await available();
    if (bytes === undefined || bytes >= FLOOR_BYTES) return;
    clearInterval(timer);
    onShort(tooLittle(bytes, 'the build was ended before the system ran out'));
  }, INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}

function tooLittle(bytes: number, consequence: string): FastsamError {
  return new FastsamError('OUT_OF_MEMORY', `${Math.floor(bytes / MIB)} MiB of memory are left; ${consequence}: ${ADVICE}`);
}
