/** What a user names as a source, beyond what every source can be: standard input, camera numbers, picture URLs. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isImagePath } from '../addon/picture-kinds.js';
import { FastsamError, messageOf } from '../errors.js';
import { mp4FrameCount } from '../source/mp4-frames.js';
import { createSource } from '../source/open.js';
import { PictureBytes } from '../source/picture-bytes.js';
import type { Source, SourceOptions } from '../source/source.js';

/** What the command line makes of a lone "-". */
const STDIN = '/dev/stdin';

/** Of standard input, in bytes: a picture, not a disk. */
const MAX_STDIN = 64 * 2 ** 20;

/**
 * As createSource; also /dev/stdin (a picture on standard input), the URL of a picture, and `0` for the first camera. Errors: those
 * of createSource, and SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED, SOURCE_LOST for a URL.
 */
export async function createInput(word: string, options: SourceOptions): Promise<Source> {
  if (word === STDIN) return new PictureBytes('stdin', readStdin, options);
  if (/^\d+$/.test(word) && !existsSync(word)) return createSource(`v4l2:${word}`, options);
  if (/^https?:/i.test(word)) {
    // Its HTTP client has 130 files, which a local picture does not wait for.
    const { fetchPicture } = await import('../source/remote-picture.js');
    const bytes = await fetchPicture(word);
    if (bytes) return new PictureBytes(pictureName(word), async () => bytes, options);
  }
  return createSource(word, options);
}

/** Frames to come of all sources together; undefined when one of them does not say. */
export async function expectedFrames(words: readonly string[]): Promise<number | undefined> {
  const counts = await Promise.all(words.map((word) => (word === STDIN || isImagePath(word) ? 1 : mp4FrameCount(word))));
  return counts.reduce<number | undefined>((sum, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0);
}

/** The bytes of the file at `path`, or of standard input. Errors: SOURCE_NOT_FOUND, and those of standard input. */
export async function readBytes(path: string): Promise<Buffer> {
  if (path === STDIN) return readStdin(new AbortController().signal);
  try {
    return await readFile(path);
  } catch (cause) {
    throw new FastsamError('SOURCE_NOT_FOUND', `cannot be read: ${messageOf(cause)}`, { cause });
  }
}

async function readStdin(signal: AbortSignal): Promise<Buffer> {
  if (process.stdin.isTTY)
    throw new FastsamError('USAGE', '-: expected a picture on standard input, as in "fastsamd segment - < photo.jpg"');
  signal.addEventListener('abort', () => process.stdin.destroy());
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_STDIN) {
        throw new FastsamError('SOURCE_UNSUPPORTED', `stdin: larger than ${MAX_STDIN / 2 ** 20} MiB; expected one picture`);
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    throw new FastsamError('SOURCE_LOST', `stdin: ${messageOf(cause)}`, { cause });
  }
  if (bytes === 0) throw new FastsamError('SOURCE_CORRUPT', 'stdin: empty; expected a picture');
  return Buffer.concat(chunks);
}

/** The URL's path without query and credentials: output files are named after it. */
function pictureName(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
