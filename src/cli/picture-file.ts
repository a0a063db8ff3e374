/** One picture as the output of a command. */
import { dirname, extname } from 'node:path';
import sharp from 'sharp';
import { makeDirectory } from '../durable.js';
import { FastsamError, messageOf } from '../errors.js';

/** Errors: USAGE where `path`, the value of `option`, has no ending of a picture. */
export function demandPicture(path: string, option: string): void {
  if (/\.(jpe?g|png|webp)$/i.test(path)) return;
  throw new FastsamError('USAGE', `${option} ${path}: expected a picture (.jpg, .png, .webp), got ${extname(path) || 'no extension'}`);
}

/** Writes tightly packed RGB; the format follows from the ending of `path`. Makes the folder. Errors: OUTPUT_UNWRITABLE. */
export function writePicture(path: string, rgb: Uint8Array, size: { readonly width: number; readonly height: number }): Promise<void> {
  const { width, height } = size;
  return writeOutput(path, () =>
    sharp(rgb, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 90, force: false })
      .toFile(path),
  );
}

/** Makes the folder of `path`, then writes by `work`. Errors: OUTPUT_UNWRITABLE for all of them. */
export async function writeOutput(path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await makeDirectory(dirname(path));
    await work();
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}
