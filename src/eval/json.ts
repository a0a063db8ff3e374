import { type FileHandle, open, readFile } from 'node:fs/promises';
import { FastsamError, messageOf } from '../errors.js';

const CHUNK_BYTES = 2 ** 22;
/** An entry of a list may take so much: a mask's run lengths take some kilobytes. */
const MAX_ENTRY_BYTES = 2 ** 26;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Parses a JSON file. Errors: SOURCE_NOT_FOUND; DATASET_INVALID when it is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    // Decoded in one go: a stream of chunks takes several times as long.
    text = (await readFile(path)).toString('utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return parsed(text, path);
}

/**
 * Parses a JSON file that holds a list, some entries at a time: the file may be larger than any string can be. `expected` says in the
 * error what the list should hold. Errors: SOURCE_NOT_FOUND; DATASET_INVALID when the file is no list, or no JSON.
 */
export async function* readJsonList(path: string, expected: string): AsyncGenerator<readonly unknown[]> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    const splitter = new ListSplitter();
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES).catch((cause) => {
        throw unreadable(path, cause);
      });
      if (bytesRead === 0) break;
      const entries = splitter.push(chunk.subarray(0, bytesRead));
      if (splitter.isOther) throw new FastsamError('DATASET_INVALID', `${path}: expected ${expected}`);
      if (splitter.heldBytes > MAX_ENTRY_BYTES) throw new FastsamError('DATASET_INVALID', `${path}: an entry of over 64 MiB`);
      if (entries !== '') yield parsed(`[${entries}]`, path) as unknown[];
    }
    if (!splitter.isWhole) throw new FastsamError('DATASET_INVALID', `${path}: not JSON: the list has no end, or something follows it`);
  } finally {
    await file.close();
  }
}

/** Cuts the text of a JSON list at the commas between its entries. */
class ListSplitter {
  /** Lists and objects that are open. */
  #depth = 0;
  #inString = false;
  /** Backslashes in a row before the next byte. */
  #escapes = 0;
  #held: Buffer[] = [];
  #ended = false;
  isOther = false;
  heldBytes = 0;

  /** Whether the list has ended, and nothing but blanks has followed. */
  get isWhole(): boolean {
    return this.#ended && !this.isOther;
  }

  /** The entries that `chunk` completes, with the commas between them; the rest is kept. */
  push(chunk: Buffer): string {
    let begin = 0;
    let cut = -1;
    for (let k = 0; k < chunk.length; k += 1) {
      if (this.#inString) {
        k = this.#skipString(chunk, k);
        continue;
      }
      const byte = chunk[k]!;
      if (byte <= 0x20) continue;
      if (this.#depth === 0) {
        if (this.#ended || byte !== OPEN_LIST) {
          this.isOther = true;
          return '';
        }
        this.#depth = 1;
        begin = k + 1;
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === COMMA && this.#depth === 1) cut = k;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) this.#depth += 1;
      else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        this.#depth -= 1;
        if (this.#depth > 0) continue;
        this.#ended = true;
        this.isOther = byte === CLOSE_OBJECT;
        cut = k;
      }
    }
    if (cut < 0) {
      this.#keep(chunk.subarray(begin));
      return '';
    }
    const entries = Buffer.concat([...this.#held, chunk.subarray(begin, cut)]).toString('utf8');
    this.#held = [];
    this.heldBytes = 0;
    if (!this.#ended) this.#keep(chunk.subarray(cut + 1));
    return entries.trim();
  }

  /** The place of the last byte of a string that goes on at `k`, or the length of the chunk. */
  #skipString(chunk: Buffer, k: number): number {
    let from = k;
    for (;;) {
      const quote = chunk.indexOf(QUOTE, from);
      const end = quote < 0 ? chunk.length : quote;
      let at = end;
      while (at > k && chunk[at - 1] === BACKSLASH) at -= 1;
      // Those of the chunk before count when the string has gone on with nothing else.
      const escapes = end - at + (at === k ? this.#escapes : 0);
      this.#escapes = quote < 0 ? escapes : 0;
      if (quote < 0) return chunk.length;
      if (escapes % 2 === 0) {
        this.#inString = false;
        return quote;
      }
      from = quote + 1;
    }
  }

  /** A copy, for the chunk is used again. */
  #keep(bytes: Buffer): void {
    this.#held.push(Buffer.from(bytes));
    this.heldBytes += bytes.length;
  }
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const hint = /\b(NaN|Infinity)\b/.test(text) ? ' (JSON has no NaN and no Infinity)' : '';
    throw new FastsamError('DATASET_INVALID', `${path}: not JSON: ${messageOf(cause)}${hint}`, { cause });
  }
}

function unreadable(path: string, cause: unknown): FastsamError {
  return new FastsamError('SOURCE_NOT_FOUND', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
}
