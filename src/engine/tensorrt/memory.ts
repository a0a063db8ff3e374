/** Keeps a build from taking the machine down with it: on a Jetson, GPU and CPU live on the same memory. */
import { readFile } from 'node:fs/promises';
import { FastsamError } from '../../errors.js';

const MIB = 2 ** 20;
/** A build of FastSAM-s at 640 takes some 2.5 GB at its peak; below this it is not begun. */
const START_BYTES = 2560 * MIB;
/** Below this a build under way is ended, before the kernel ends something else. */
const FLOOR_BYTES = 160 * MIB;
const INTERVAL_MS = 500;
/** What a byte of compressed swap holds lies in memory, at about a half to a third of its size. */
const ZRAM_WORTH = 0.5;

export const MEMORY_ADVICE = 'stop other programs, add swap, lower --workspace, or build for a smaller input';

/**
 * Bytes that programs can still have: memory (MemAvailable) and free swap, of which compressed swap in memory (zram, the
 * default of JetPack) counts half. Undefined where the kernel does not say. `proc` is where /proc is, for tests.
 */
export async function availableMemory(proc = '/proc'): Promise<number | undefined> {
  const text = await readFile(`${proc}/meminfo`, 'utf8').catch(() => '');
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  if (kib === undefined) return undefined;
  const swaps = await readFile(`${proc}/swaps`, 'utf8').catch(() => '');
  let swap = 0;
  // "Filename Type Size Used Priority", in KiB.
  for (const [, file, size, used] of swaps.matchAll(/^(\/\S+)\s+\w+\s+(\d+)\s+(\d+)/gm))
    swap += (Number(size) - Number(used)) * (/^\/dev\/zram\d/.test(file!) ? ZRAM_WORTH : 1);
  return (Number(kib) + swap) * 1024;
}

/** Processes that the kernel has killed for want of memory since it started; 0 where it does not say. */
export async function outOfMemoryKills(proc = '/proc'): Promise<number> {
  const text = await readFile(`${proc}/vmstat`, 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Errors: OUT_OF_MEMORY. */
export async function demandMemory(available: () => Promise<number | undefined> = availableMemory): Promise<void> {
  const bytes = await available();
  if (bytes !== undefined && bytes < START_BYTES) throw tooLittle(bytes, `building needs at least ${START_BYTES / MIB} MiB`);
}

/** Calls `onShort` once when memory runs out; until `stop`. */
export function watchMemory(
  onShort: (error: FastsamError) => void,
  available: () => Promise<number | undefined> = availableMemory,
): { stop(): void } {
  const timer = setInterval(async () => {
    const bytes = await available();
    if (bytes === undefined || bytes >= FLOOR_BYTES) return;
    clearInterval(timer);
    onShort(tooLittle(bytes, 'the build was ended before the system ran out'));
  }, INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}

function tooLittle(bytes: number, consequence: string): FastsamError {
  return new FastsamError('OUT_OF_MEMORY', `${Math.floor(bytes / MIB)} MiB of memory and swap are left; ${consequence}: ${MEMORY_ADVICE}`);
}
