/**
 * A camera whose driver hangs: GStreamer reads frames from a FIFO with blocking reads, which nothing but the other end of the FIFO
 * can end, as a call into a broken driver.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';

const WIDTH = 64;
const HEIGHT = 48;
const BYTES = WIDTH * HEIGHT * 3;

export class HangingDriver implements Disposable {
  #fifo: number | undefined;

  /** Makes the FIFO `path`. */
  constructor(private readonly path: string) {
    const made = spawnSync('mkfifo', [path]);
    if (made.status !== 0) throw new Error(`mkfifo ${path}: ${made.stderr}`);
    this.plugIn();
  }

  get uri(): string {
    return `gst:filesrc location=${this.path} blocksize=${BYTES} ! rawvideoparse width=${WIDTH} height=${HEIGHT} format=rgb`;
  }

  /** Keeps the reader waiting from now on, whoever it is. */
  plugIn(): void {
    this.#fifo ??= openSync(this.path, 'r+');
  }

  /** Two frames for whoever reads, which the FIFO holds: the parser keeps a frame back until the next one begins. */
  send(): void {
    writeSync(this.#fifo!, new Uint8Array(2 * BYTES));
  }

  /** Whether somebody else in this process has it open. */
  get inUse(): boolean {
    const held = readdirSync('/proc/self/fd').filter((descriptor) => linkOf(descriptor) === this.path);
    return held.length > (this.#fifo === undefined ? 0 : 1);
  }

  /** The driver gives up: every read that hangs returns. */
  letGo(): void {
    if (this.#fifo !== undefined) closeSync(this.#fifo);
    this.#fifo = undefined;
  }

  [Symbol.dispose](): void {
    this.letGo();
  }
}

function linkOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
}
