/** Test sets of anomalies, laid out as MVTec AD: a folder a kind of defect, and one called "good". */
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import sharp from 'sharp';
import { byName, isImagePath } from '../../addon/picture-kinds.js';
import { FastsamError, messageOf } from '../../errors.js';

export interface AnomalySample {
  /** Folder and file without ending: `crack/003`. */
  readonly name: string;
  readonly path: string;
  readonly bad: boolean;
  /** Of a bad picture: where the defect is. */
  readonly mask?: string;
}

/** A map of 16 bit levels, row-major. */
export interface DeepMap {
  readonly width: number;
  readonly height: number;
  readonly levels: Uint16Array;
}

const GOOD = 'good';
const MAX_PIXELS = 2 ** 26;

/**
 * The pictures of `test`, in natural order. A mask is `masks`/KIND/NAME.png or NAME_mask.png; where `masks` is the test folder
 * itself, masks are what lies beside a picture under its name. Errors: SOURCE_NOT_FOUND; DATASET_INVALID for a bad picture without a
 * mask, and a set without good or without bad pictures.
 */
export async function anomalySamples(test: string, masks: string = test): Promise<AnomalySample[]> {
  const kinds = (await list(test)).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const samples: AnomalySample[] = [];
  for (const kind of kinds.sort(byName)) {
    const files = (await list(join(test, kind))).map(({ name }) => name).filter((name) => isImagePath(name));
    const beside = new Set(masks === test ? files : (await list(join(masks, kind), kind === GOOD)).map(({ name }) => name));
    const maskOf = (file: string) =>
      [`${stemOf(file)}.png`, `${stemOf(file)}_mask.png`].find((name) => beside.has(name) && (masks !== test || name !== file));
    const isMask = (file: string) => masks === test && files.some((other) => other !== file && maskOf(other) === file);
    for (const file of files.filter((name) => !isMask(name)).sort(byName)) {
      const path = join(test, kind, file);
      const name = `${kind}/${stemOf(file)}`;
      const mask = kind === GOOD ? undefined : maskOf(file);
      if (kind !== GOOD && mask === undefined)
        throw new FastsamError('DATASET_INVALID', `${path}: no mask ${stemOf(file)}.png in ${join(masks, kind)}`);
      samples.push({ name, path, bad: kind !== GOOD, ...(mask === undefined ? {} : { mask: join(masks, kind, mask) }) });
    }
  }
  for (const bad of [false, true]) {
    if (!samples.some((sample) => sample.bad === bad))
      throw new FastsamError(
        'DATASET_INVALID',
        `${test}: expected folders with pictures, one called "good" and one for each kind of defect`,
      );
  }
  return samples;
}

/** Paths of maps by the name of their sample. Errors: DATASET_INVALID for a sample without a map. */
export async function mapsOf(results: string, samples: readonly AnomalySample[]): Promise<ReadonlyMap<string, string>> {
  const maps = new Map<string, string>();
  for (const kind of new Set(samples.map(({ name }) => name.split('/')[0]!))) {
    for (const { name } of await list(join(results, kind))) {
      if (/\.(png|tiff?)$/i.test(name)) maps.set(`${kind}/${stemOf(name)}`, join(results, kind, name));
    }
  }
  for (const { name } of samples) if (!maps.has(name)) throw new FastsamError('DATASET_INVALID', `${results}: no map ${name}.png in it`);
  return maps;
}

/** Reads a grey picture of 8 or 16 bits. Errors: SOURCE_CORRUPT. */
export async function readDeepMap(path: string): Promise<DeepMap> {
  try {
    const { data, info } = await sharp(path, { limitInputPixels: MAX_PIXELS })
      .removeAlpha()
      .pipelineColourspace('grey16')
      .toColourspace('grey16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 1) throw new Error('expected a grey picture');
    return { width: info.width, height: info.height, levels: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) };
  } catch (cause) {
    throw new FastsamError('SOURCE_CORRUPT', `${path}: not a readable map: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The score of a whole picture: its highest level, or the mean of its highest 1 % (which one bright pixel does not decide).
 */
export function pictureScore(levels: Uint16Array, rule: 'max' | 'top'): number {
  const sorted = levels.slice().sort();
  const count = rule === 'max' ? 1 : Math.max(Math.round(sorted.length / 100), 1);
  return sorted.subarray(sorted.length - count).reduce((sum, level) => sum + level, 0) / count;
}

function stemOf(file: string): string {
  return file.slice(0, file.length - extname(file).length);
}

async function list(folder: string, mayBeAbsent = false) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    if (mayBeAbsent) return [];
    throw new FastsamError('SOURCE_NOT_FOUND', `${folder}: cannot be read: ${messageOf(cause)}`, { cause });
  }
}
