/** Still pictures: one file, or every picture of a directory in natural order. */
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import sharp, { type OutputInfo, type Sharp } from 'sharp';
import type { Frame } from '../domain/frame.js';
import { FastsamError, messageOf } from '../errors.js';
import { type NativeFrame, native } from '../native.js';
import { captureTime, type Source, SourceFrame, type SourceOptions } from './source.js';

const IMAGE_EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.webp']);
/** A picture of 16384 × 16384 pixels; larger ones are refused before they are decoded. */
const MAX_PIXELS = 2 ** 28;

export function isImagePath(path: string): boolean {
  return IMAGE_EXTENSIONS.has(extname(path).toLowerCase());
}

/**
 * Decodes JPEG, PNG or WebP to RGB pixels in native memory, upright (EXIF orientation applied), transparency on white.
 * `input`: a path or the encoded bytes; then turned. Errors: SOURCE_CORRUPT.
 */
export async function decodeImage(
  input: string | Uint8Array,
  name: string,
  { rotate = 0, flip = 'none' }: Turn = {},
): Promise<NativeFrame> {
  let decoded: Raw;
  try {
    decoded = await sharp(input, { limitInputPixels: MAX_PIXELS, failOn: 'warning' })
      .autoOrient()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    throw new FastsamError('SOURCE_CORRUPT', `${name}: not a readable JPEG, PNG or WebP picture: ${messageOf(cause)}`, { cause });
  }
  // One step at a time: within one call sharp turns and mirrors in an order of its own.
  if (rotate !== 0) decoded = await again(decoded, (picture) => picture.rotate(rotate));
  if (flip !== 'none') decoded = await again(decoded, (picture) => (flip === 'vertical' ? picture.flip() : picture.flop()));
  const { data, info } = decoded;
  return native().createFrame(data, { width: info.width, height: info.height, format: 'rgb' });
}

type Turn = Pick<SourceOptions, 'rotate' | 'flip'>;
type Raw = { readonly data: Buffer; readonly info: OutputInfo };

function again({ data, info }: Raw, step: (picture: Sharp) => Sharp): Promise<Raw> {
  const raw = { width: info.width, height: info.height, channels: 3 as const };
  return step(sharp(data, { raw })).raw().toBuffer({ resolveWithObject: true });
}

/** Pictures from a fixed list of files. */
class ImageSource implements Source {
  readonly live = false;
  #paths: readonly string[] = [];
  #stopped = false;
  #corrupt = 0;
  #received = 0;

  constructor(
    readonly uri: string,
    private readonly list: () => Promise<readonly string[]>,
    private readonly options: SourceOptions,
  ) {}

  async open(): Promise<void> {
    this.#paths = await this.list();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    let sequence = this.options.firstSequence ?? 0;
    let readable = 0;
    do {
      readable = 0;
      for (const path of this.#paths) {
        if (this.#stopped) return;
        const pixels = await this.#decode(path);
        this.#received += 1;
        if (!pixels) continue;
        readable += 1;
        yield new SourceFrame(pixels, sequence++, captureTime(), path);
      }
    } while (this.options.loop && readable > 0);
  }

  received(): number {
    return this.#received;
  }

  dropped(): Record<string, number> {
    return { corrupt: this.#corrupt };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
  }

  async #decode(path: string): Promise<NativeFrame | undefined> {
    try {
      return await decodeImage(path, path, this.options);
    } catch (error) {
      if (!this.options.onCorrupt || !(error instanceof FastsamError)) throw error;
      this.#corrupt += 1;
      this.options.onCorrupt(error);
      return undefined;
    }
  }
}

export function imageFile(path: string, options: SourceOptions): Source {
  return new ImageSource(path, async () => [path], options);
}

export function imageDirectory(directory: string, options: SourceOptions): Source {
  const natural = new Intl.Collator('en', { numeric: true });
  const list = async () => {
    const names = (await readdir(directory)).filter(isImagePath).sort(natural.compare);
    if (names.length === 0)
      throw new FastsamError('SOURCE_NOT_FOUND', `${directory}: no pictures in it (expected .jpg, .jpeg, .png or .webp files)`);
    return names.map((name) => join(directory, name));
  };
  return new ImageSource(directory, list, options);
}
