/** Which files are pictures, told from their names and first bytes; nothing is decoded. */
import { open, readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { FastsamError, messageOf } from '../errors.js';

const PICTURE_EXTENSIONS = new Set(['.jpg', '.jpeg', '.jfif', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif', '.bmp', '.heic']);
/** Enough of a file to tell its kind. */
const HEAD_BYTES = 32;
/** Files that are on their way: an upload, a download, an editor's copy. */
const UNFINISHED = /^\.|~$|\.(?:part|partial|filepart|crdownload|tmp|temp|swp)$/i;

export type PictureKind = 'JPEG' | 'PNG' | 'WebP' | 'TIFF' | 'GIF' | 'AVIF' | 'BMP' | 'HEIC';
/** The kinds that `decodeImage` reads. */
export const EXPECTED_PICTURES = 'JPEG, PNG, WebP, TIFF, GIF or AVIF';

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

/** The natural order of file names: 2 before 10. */
export const { compare: byName } = new Intl.Collator('en', { numeric: true });

/** Paths of a folder's pictures in natural order; maybe none. Errors: SOURCE_NOT_FOUND. */
export async function picturesOfFolder(directory: string): Promise<string[]> {
  const entries = await readdir(directory).catch((cause) => {
    throw new FastsamError('SOURCE_NOT_FOUND', `${directory}: the folder cannot be read: ${messageOf(cause)}`, { cause });
  });
  const paths: string[] = [];
  for (const name of entries.sort(byName)) {
    const path = join(directory, name);
    if (await isPictureOfFolder(path)) paths.push(path);
  }
  return paths;
}
