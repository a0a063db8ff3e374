/** Standard error of the daemon. Whatever is at its other end, writing to it neither waits nor throws. */
import { type LineWriter, native } from '../addon/addon.js';

/** So much may wait for a reader that is slow: some ten thousand lines. */
const CAPACITY_BYTES = 2 * 1024 * 1024;
/** One text, cut there: the longest stack trace is far shorter. */
const MAX_TEXT_LENGTH = 256 * 1024;
/** What is left at the end of the process is worth waiting for, but not long. */
const FLUSH_MS = 300;

export interface StandardError {
  /** Hands the text to the thread that writes; it is lost, and counted, when too much waits already. */
  write(text: string): void;
  /** Texts lost since the start: the reader was too slow or is gone, or the disk was full. */
  readonly lost: number;
}

let writer: LineWriter | undefined;

/** For the end of the process: waits until what was written is out, but not long. */
export function flushStandardError(): void {
  writer?.flush(FLUSH_MS);
}

/**
 * Takes over standard error for the rest of the process: also what Node, its worker threads and `process.stderr` write goes
 * through the queue, and what libraries write themselves is lost rather than waited for. To be called once.
 * Errors: NATIVE_UNAVAILABLE.
 */
export function takeStandardError(): StandardError {
  const addon = native();
  const lines = addon.openLineWriter(2, CAPACITY_BYTES);
  writer = lines;
  addon.unblockStandardError();
  const write = (text: string) => void lines.write(text.slice(0, MAX_TEXT_LENGTH).replaceAll('\0', ''));
  process.stderr.write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    write(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') process.nextTick(callback);
    return true;
  };
  process.once('exit', flushStandardError);
  return {
    write,
    get lost() {
      return lines.lost;
    },
  };
}
