/** What this process holds, as the kernel counts it. */
import { readdirSync } from 'node:fs';

export interface Holdings {
  readonly threads: number;
  readonly descriptors: number;
  readonly rssMiB: number;
}

export function holdings(): Holdings {
  return {
    threads: readdirSync('/proc/self/task').length,
    descriptors: readdirSync('/proc/self/fd').length,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}
