/** Maps as grey pictures: soft boundaries, salient objects and their masks. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import sharp from 'sharp';
import { makeDirectory } from '../durable.js';
import { FastsamError, messageOf } from '../errors.js';

export interface GreyMap {
  readonly width: number;
  readonly height: number;
  /** [height × width] row-major, 0 to 255. */
  readonly levels: Uint8Array;
}

const MAX_PIXELS = 2 ** 27;

/** Reads a picture as grey levels. Errors: SOURCE_CORRUPT. */
export async function readGreyMap(path: string): Promise<GreyMap> {
  try {
    const { data, info } = await sharp(path, { limitInputPixels: MAX_PIXELS })
      .removeAlpha()
      .toColourspace('b-w')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 1) throw new Error('expected a grey picture');
    return { width: info.width, height: info.height, levels: data };
  } catch (cause) {
    throw new FastsamError('SOURCE_CORRUPT', `${path}: not a readable picture: ${messageOf(cause)}`, { cause });
  }
}

/** Writes a map as a PNG, its folder too. Errors: OUTPUT_UNWRITABLE. */
export async function writeGreyMap(path: string, { width, height, levels }: GreyMap): Promise<void> {
  try {
    await makeDirectory(dirname(path));
    await sharp(levels, { raw: { width, height, channels: 1 } })
      .png()
      .toFile(path);
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

export interface Pair {
  /** File name without its ending. */
  readonly name: string;
  readonly result: string;
  readonly truth: string;
}

/**
 * Files of two folders with equal names but for their endings, in natural order: every truth has a result. Errors:
 * SOURCE_NOT_FOUND for a folder that cannot be read, DATASET_INVALID for a truth without a result.
 */
export async function pairFiles(results: string, truths: string, truthEnding: RegExp): Promise<Pair[]> {
  const [found, wanted] = [await list(results, /\.(png|jpe?g|webp|bmp)$/i), await list(truths, truthEnding)];
  if (wanted.length === 0) throw new FastsamError('DATASET_INVALID', `${truths}: no ground truth in it`);
  // Pictures and masks often share a folder, and then differ in their ending only.
  const truth = new Set(resolve(results) === resolve(truths) ? wanted : []);
  const byName = new Map(found.filter((file) => !truth.has(file)).map((file) => [nameOf(file), file]));
  const natural = new Intl.Collator('en', { numeric: true });
  return wanted.sort(natural.compare).map((file) => {
    const result = byName.get(nameOf(file));
    if (result === undefined) throw new FastsamError('DATASET_INVALID', `${results}: no result for ${file} in it`);
    return { name: nameOf(file), result: join(results, result), truth: join(truths, file) };
  });
}

function nameOf(file: string): string {
  return basename(file, extname(file));
}

async function list(folder: string, ending: RegExp): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((file) => ending.test(file));
  } catch (cause) {
    throw new FastsamError('SOURCE_NOT_FOUND', `${folder}: cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Digest of a data set of maps: names, sizes and content of the truths in order. */
export class MapDigest {
  readonly #hash = createHash('sha256');

  add(name: string, ...contents: readonly Uint8Array[]): void {
    this.#hash.update(`${name}\0`);
    for (const content of contents) this.#hash.update(content);
  }

  toString(): string {
    return this.#hash.copy().digest('hex');
  }
}
