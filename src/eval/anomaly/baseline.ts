/** A baseline without a network: how far each pixel is from what it was in good pictures. What a model must beat. */
import sharp from 'sharp';
import { FastsamError, messageOf } from '../../errors.js';
import type { DeepMap } from './data.js';

/** Pictures are compared at this size. */
const SIDE = 256;
/** Grey levels that a pixel may vary by in any case: sensor noise. */
const NOISE = 4;
/** Blur of the deviations, in pixels of SIDE. */
const BLUR = 4;
/** Levels of a map per standard deviation. */
const PER_DEVIATION = 1000;

export interface GoodPictures {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Mean and standard deviation of each pixel. Errors: SOURCE_CORRUPT; DATASET_INVALID for fewer than two pictures. */
export async function learnGood(paths: readonly string[]): Promise<GoodPictures> {
  if (paths.length < 2) throw new FastsamError('DATASET_INVALID', `expected two good pictures or more to learn from, got ${paths.length}`);
  const mean = new Float64Array(SIDE * SIDE);
  const squares = new Float64Array(SIDE * SIDE);
  for (const [k, path] of paths.entries()) {
    const { levels } = await greyAt(path);
    // Welford's update.
    for (const [i, level] of levels.entries()) {
      const change = level - mean[i]!;
      mean[i]! += change / (k + 1);
      squares[i]! += change * (level - mean[i]!);
    }
  }
  return { mean, deviation: squares.map((sum) => Math.sqrt(sum / (paths.length - 1))) };
}

/** Deviations of a picture in thousandths of a standard deviation, at the picture's size. Errors: SOURCE_CORRUPT. */
export async function deviationMap(path: string, { mean, deviation }: GoodPictures): Promise<DeepMap> {
  const { levels, width, height } = await greyAt(path);
  const map = Uint16Array.from(levels, (level, i) =>
    Math.min((PER_DEVIATION * Math.abs(level - mean[i]!)) / (deviation[i]! + NOISE), 65_535),
  );
  const { data } = await sharp(map, { raw: { width: SIDE, height: SIDE, channels: 1 } })
    .pipelineColourspace('grey16')
    .blur(BLUR)
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .toColourspace('grey16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  return { width, height, levels: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) };
}

async function greyAt(path: string): Promise<{ levels: Uint8Array; width: number; height: number }> {
  try {
    const picture = sharp(path).removeAlpha();
    const { width, height } = await picture.metadata();
    const levels = await picture.resize(SIDE, SIDE, { fit: 'fill' }).toColourspace('b-w').raw({ depth: 'uchar' }).toBuffer();
    return { levels, width, height };
  } catch (cause) {
    throw new FastsamError('SOURCE_CORRUPT', `${path}: not a readable picture: ${messageOf(cause)}`, { cause });
  }
}
