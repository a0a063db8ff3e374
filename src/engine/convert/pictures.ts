/** Pictures to measure a network on, as the network gets them at run time. */

import { native } from '../../addon/addon.js';
import { decodeImage } from '../../addon/picture.js';
import { EXPECTED_PICTURES, picturesOfFolder } from '../../addon/picture-kinds.js';
import { FastsamError } from '../../errors.js';

/** More do not make the ranges better. */
const MAX_PICTURES = 100;

/** Paths of the pictures of `directory`, evenly spread over it when there are many. Errors: SOURCE_NOT_FOUND. */
export async function calibrationPictures(directory: string): Promise<string[]> {
  const pictures = await picturesOfFolder(directory);
  if (pictures.length === 0)
    throw new FastsamError(
      'SOURCE_NOT_FOUND',
      `${directory}: no pictures to calibrate with (expected ${EXPECTED_PICTURES} files, 50 or more of what the camera will see)`,
    );
  const every = Math.max(pictures.length / MAX_PICTURES, 1);
  return pictures.filter((_, index) => Math.floor(index / every) !== Math.floor((index - 1) / every));
}

/** Decodes and letterboxes a picture into `input`, [3, height, width], 0…1. Errors: SOURCE_CORRUPT. */
export async function readInput(path: string, input: Float32Array, width: number, height: number): Promise<void> {
  const frame = await decodeImage(path, path);
  try {
    await native().letterbox(frame, input, width, height);
  } finally {
    frame.release();
  }
}
