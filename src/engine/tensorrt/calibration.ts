/** The pictures that an INT8 build measures the network's values on. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { native } from '../../addon/addon.js';
import { FastsamError, messageOf } from '../../errors.js';

/** More do not make the ranges better, and each takes as much disk as the network's input. */
const MAX_PICTURES = 300;
const PICTURE = /\.(jpe?g|png|webp)$/i;

/**
 * Letterboxes the pictures of `directory`, spread evenly over it when there are many, into `file`: 3 × height × width bytes
 * each. Returns how many. Errors: SOURCE_NOT_FOUND, OUTPUT_UNWRITABLE.
 */
export async function writeCalibration(directory: string, file: string, width: number, height: number): Promise<number> {
  const names = (await readdir(directory).catch(() => [] as string[])).filter((name) => PICTURE.test(name)).sort();
  if (names.length === 0)
    throw new FastsamError(
      'SOURCE_NOT_FOUND',
      `${directory}: no pictures to calibrate with (expected .jpg, .png or .webp, some hundred of what the camera will see)`,
    );
  const every = Math.max(names.length / MAX_PICTURES, 1);
  const chosen = names.filter((_, index) => Math.floor(index / every) !== Math.floor((index - 1) / every));
  const input = new Float32Array(3 * width * height);
  const bytes = new Uint8Array(input.length);
  let written = 0;
  await using out = await open(file, 'w').catch((cause: unknown) => {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${file}: cannot be written: ${messageOf(cause)}`, { cause });
  });
  for (const name of chosen) {
    const { data, info } = await sharp(join(directory, name))
      .rotate()
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const frame = native().createFrame(data, { width: info.width, height: info.height, format: 'rgb' });
    try {
      await native().letterbox(frame, input, width, height);
    } finally {
      frame.release();
    }
    // The letterbox's values are 8 bit levels over 255: nothing is lost.
    for (let k = 0; k < input.length; k += 1) bytes[k] = Math.round(input[k]! * 255);
    await out.writeFile(bytes);
    written += 1;
  }
  return written;
}
