/** Still pictures: one file, or every picture of a directory in natural order. */
import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import sharp, { type OutputInfo, type Sharp } from 'sharp';
import type { Frame } from '../domain/frame.js';
import { MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE, PICTURE_TIMEOUT_S } from '../domain/limits.js';
import { FastsamError, messageOf } from '../errors.js';
import { type NativeFrame, native } from '../native.js';
import { captureTime, type Place, type Source, SourceFrame, type SourceOptions } from './source.js';

const PICTURE_EXTENSIONS = new Set(['.jpg', '.jpeg', '.jfif', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif', '.bmp', '.heic']);
/** Enough of a file to tell its kind. */
const HEAD_BYTES = 32;
/** Files that are on their way: an upload, a download, an editor's copy. */
const UNFINISHED = /^\.|~$|\.(?:part|partial|filepart|crdownload|tmp|temp|swp)$/i;

type PictureKind = 'JPEG' | 'PNG' | 'WebP' | 'TIFF' | 'GIF' | 'AVIF' | 'BMP' | 'HEIC';
const DECODED: ReadonlySet<PictureKind> = new Set(['JPEG', 'PNG', 'WebP', 'TIFF', 'GIF', 'AVIF']);
const EXPECTED = 'JPEG, PNG, WebP, TIFF, GIF or AVIF';

// What is told from the content as one kind must not reach the decoder of another: SVG, PDF and the like render programs.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif', 'Heif'].map((decoder) => `VipsForeignLoad${decoder}`),
});

/** Whether a file's name says that it is a picture. */
export function isImagePath(path: string): boolean {
  return PICTURE_EXTENSIONS.has(extname(path).toLowerCase());
}

/** What the first bytes of a file say that it is; undefined when that is no picture. */
export function pictureKind(head: Uint8Array): PictureKind | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (/^RIFF.{4}WEBP/s.test(text)) return 'WebP';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(text)) return 'TIFF';
  if (/^GIF8[79]a/.test(text)) return 'GIF';
  if (/^BM.{4}\0{4}/s.test(text)) return 'BMP';
  const brand = /^.{4}ftyp(.{4})/s.exec(text)?.[1];
  if (brand !== undefined && /^avi[fs]$/.test(brand)) return 'AVIF';
  if (brand !== undefined && /^(?:hei[cx]|hev[cx]|mif1|msf1)$/.test(brand)) return 'HEIC';
  return undefined;
}

/** As `pictureKind`, of a file; undefined when it cannot be read. */
export async function pictureKindOf(path: string): Promise<PictureKind | undefined> {
  const file = await open(path).catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await file?.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)) ?? {
      buffer: Buffer.alloc(0),
      bytesRead: 0,
    };
    return pictureKind(buffer.subarray(0, bytesRead));
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

/**
 * Whether a file of a folder is one of its pictures: its content is, or its name says so (and what is wrong with it is
 * worth telling). Not one that is still on its way.
 */
export async function isPictureOfFolder(path: string): Promise<boolean> {
  return !UNFINISHED.test(basename(path)) && (isImagePath(path) || (await pictureKindOf(path)) !== undefined);
}

/**
 * Decodes a picture to RGB pixels in native memory, upright (EXIF orientation applied), transparency on white; of several
 * pages the first. `input`: a path or the encoded bytes; then turned. Its kind is told from its content. What a decoder
 * warns about is accepted, a picture that is cut short is not. Errors: SOURCE_CORRUPT; SOURCE_UNSUPPORTED for kinds and
 * sizes that are not read.
 */
export async function decodeImage(
  input: string | Uint8Array,
  name: string,
  { rotate = 0, flip = 'none' }: Turn = {},
): Promise<NativeFrame> {
  const kind = typeof input === 'string' ? await pictureKindOf(input) : pictureKind(input);
  if (kind && !DECODED.has(kind))
    throw new FastsamError('SOURCE_UNSUPPORTED', `${name}: is a ${kind} picture, which is not read; convert it to PNG or JPEG`);
  let decoded: Raw;
  try {
    // SVG, PDF and whatever else the decoder knows are no camera's pictures.
    if (!kind) throw new Error(await whyUnreadable(input));
    const picture = sharp(input, { limitInputPixels: MAX_PICTURE_PIXELS, failOn: 'error' });
    const { width = 0, height = 0 } = await picture.metadata();
    if (Math.max(width, height) > MAX_PICTURE_SIDE)
      throw new FastsamError('SOURCE_UNSUPPORTED', `${name}: ${width}×${height} pixels; a side has at most ${MAX_PICTURE_SIDE}`);
    decoded = await picture
      .timeout({ seconds: PICTURE_TIMEOUT_S })
      .autoOrient()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    throw new FastsamError('SOURCE_CORRUPT', `${name}: not a readable ${kind ?? EXPECTED} picture: ${messageOf(cause)}`, { cause });
  }
  // One step at a time: within one call sharp turns and mirrors in an order of its own.
  if (rotate !== 0) decoded = await again(decoded, (picture) => picture.rotate(rotate));
  if (flip !== 'none') decoded = await again(decoded, (picture) => (flip === 'vertical' ? picture.flip() : picture.flop()));
  const { data, info } = decoded;
  return native().createFrame(data, { width: info.width, height: info.height, format: 'rgb' });
}

/** Why a file has no kind. */
async function whyUnreadable(input: string | Uint8Array): Promise<string> {
  if (typeof input === 'string') {
    const { size } = await stat(input);
    if (size === 0) return 'it is empty';
  }
  return 'its content is something else';
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
  /** The path that was handed out or left out last. */
  #last: string | undefined;
  /** Corrupt pictures that were reported, each once. */
  readonly #reported = new Set<string>();

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
    let paths = this.#remaining();
    let readable = 0;
    do {
      readable = 0;
      for (const path of paths) {
        if (this.#stopped) return;
        const pixels = await this.#decode(path);
        this.#received += 1;
        this.#last = path;
        if (!pixels) continue;
        readable += 1;
        yield new SourceFrame(pixels, sequence++, captureTime(), path);
      }
      // The rest of a list that is resumed may be empty, the whole list is not.
      if (paths.length < this.#paths.length) readable += 1;
      paths = this.#paths;
    } while (this.options.loop && readable > 0);
  }

  place(): Place | undefined {
    return this.#last === undefined ? this.options.resume : { afterPath: this.#last };
  }

  /** The pictures after the place where an earlier source was closed, which may have been deleted meanwhile. */
  #remaining(): readonly string[] {
    const { resume } = this.options;
    if (!resume || !('afterPath' in resume)) return this.#paths;
    return this.#paths.filter((path) => byName(path, resume.afterPath) > 0);
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
      // What a source of one picture has to say is that it has none.
      if (this.#paths.length === 1) throw error;
      this.#corrupt += 1;
      if (!this.#reported.has(path)) this.options.onCorrupt?.(error as Error, path);
      this.#reported.add(path);
      return undefined;
    }
  }
}

export function imageFile(path: string, options: SourceOptions): Source {
  return new ImageSource(path, async () => [path], options);
}

const { compare: byName } = new Intl.Collator('en', { numeric: true });

export function imageDirectory(directory: string, options: SourceOptions): Source {
  const list = async () => {
    const entries = await readdir(directory).catch((cause) => {
      throw new FastsamError('SOURCE_NOT_FOUND', `${directory}: the folder cannot be read: ${messageOf(cause)}`, { cause });
    });
    const paths: string[] = [];
    for (const name of entries.sort(byName)) {
      const path = join(directory, name);
      if (await isPictureOfFolder(path)) paths.push(path);
    }
    if (paths.length === 0) throw new FastsamError('SOURCE_NOT_FOUND', `${directory}: no pictures in it (expected ${EXPECTED})`);
    return paths;
  };
  return new ImageSource(directory, list, options);
}
