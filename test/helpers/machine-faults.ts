/** A machine that fails on demand, for one process: its wall clock jumps, the disk of one folder is full or hangs. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('./machine-faults.c', import.meta.url));
const BYTES = 8 + 4 + 4 + 512;
const DISK = { works: 0, full: 1, hangs: 2 } as const;

export class MachineFaults implements Disposable {
  /** For the process whose machine fails. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #state = Buffer.alloc(BYTES);
  readonly #file: number;

  /** Builds the library in a folder of `directory`; `folder`: below it the disk fails. */
  constructor(directory: string, folder: string) {
    const own = mkdtempSync(join(directory, 'machine-'));
    const library = join(own, 'faults.so');
    const built = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, SOURCE, '-ldl'], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`cc: ${built.stderr}`);
    const path = join(own, 'faults.state');
    this.#file = openSync(path, 'w+');
    this.#state.write(folder, 16);
    this.#apply();
    this.environment = { LD_PRELOAD: library, MACHINE_FAULTS: path };
  }

  /** Milliseconds by which the wall clock is off. */
  set clockOffsetMs(ms: number) {
    this.#state.writeBigInt64LE(BigInt(Math.round(ms)) * 1_000_000n, 0);
    this.#apply();
  }

  set disk(state: keyof typeof DISK) {
    this.#state.writeInt32LE(DISK[state], 8);
    this.#apply();
  }

  /** Whether the kernel says that something keeps the clock right. */
  set clockSynced(synced: boolean) {
    this.#state.writeInt32LE(synced ? 0 : 1, 12);
    this.#apply();
  }

  #apply(): void {
    writeSync(this.#file, this.#state, 0, BYTES, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
