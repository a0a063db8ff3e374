/** A GPIO chip at the seam of ioctl(2), for one process and those that it starts. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

const SOURCE = fileURLToPath(new URL('./gpio-chip.c', import.meta.url));
const EVENT_BYTES = 48;
const RISING = 1;

export class GpioChip implements Disposable {
  /** The device node. */
  readonly path: string;
  readonly environment: Record<string, string>;
  readonly #folder: string;
  readonly #edges: number;
  #count = 0;

  /** Builds the library in `directory`. */
  constructor(directory: string) {
    this.#folder = join(directory, 'gpio');
    mkdirSync(this.#folder);
    this.path = join(this.#folder, 'gpiochip0');
    writeFileSync(this.path, '');
    execFileSync('mkfifo', [join(this.#folder, 'edges')]);
    const library = join(directory, 'gpio-chip.so');
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, SOURCE]);
    this.#edges = openSync(join(this.#folder, 'edges'), 'r+');
    this.environment = { LD_PRELOAD: library, GPIO_CHIP: this.#folder };
  }

  /** An edge at this time; `unseen` edges before it did not fit into the kernel's buffer. */
  edge(line: number, atNs: bigint, unseen = 0): void {
    this.#count += 1 + unseen;
    const event = Buffer.alloc(EVENT_BYTES);
    event.writeBigUInt64LE(atNs, 0);
    for (const [k, value] of [RISING, line, this.#count, this.#count].entries()) event.writeUInt32LE(value, 8 + 4 * k);
    writeSync(this.#edges, event);
  }

  /** "FLAGS debounce US lines LINE…", hexadecimal flags of the uAPI. */
  get requests(): readonly string[] {
    return this.#lines('requests').map((line) => line.replace('fastsamd flags ', ''));
  }

  /** Bits of the output lines, in their order; each change. */
  get outputs(): readonly number[] {
    return this.#lines('outputs').map((line) => Number(line.split('/')[0]));
  }

  /** Resolves once the outputs have changed to these, after the first `from` changes. */
  async untilOutputs(expected: number, from = 0): Promise<void> {
    await vi.waitFor(
      () => {
        if (!this.outputs.slice(from).includes(expected)) throw new Error(`outputs: ${this.outputs.join(', ')}`);
      },
      { timeout: 60_000, interval: 5 },
    );
  }

  [Symbol.dispose](): void {
    closeSync(this.#edges);
  }

  #lines(name: string): string[] {
    try {
      return readFileSync(join(this.#folder, name), 'utf8').trim().split('\n').filter(Boolean);
    } catch {
      return [];
    }
  }
}
