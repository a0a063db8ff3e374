/** The boundaries that people drew, and how a map scores against them. */
import { readFile } from 'node:fs/promises';
import { native } from '../../addon/addon.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { GreyMap } from '../grey-map.js';
import type { Counts } from './benchmark.js';
import { type MatValue, parseMat } from './mat.js';

/** Share of the diagonal within which pixels correspond. */
export const MAX_DISTANCE = 0.0075;

/** What several people drew on one picture: [height × width] row-major, 1 on a boundary. */
export interface DrawnBoundaries {
  readonly width: number;
  readonly height: number;
  readonly maps: readonly Uint8Array[];
}

/** Reads the ground truth of BSDS500: a cell `groundTruth` of structures with a field `Boundaries`. Errors: SOURCE_NOT_FOUND, DATASET_INVALID. */
export async function readBoundaries(path: string): Promise<DrawnBoundaries> {
  const wrong = (what: string) => new FastsamError('DATASET_INVALID', `${path}: ${what}`);
  const bytes = await readFile(path).catch((cause) => {
    throw new FastsamError('SOURCE_NOT_FOUND', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
  });
  const truth = parseMat(bytes, path).get('groundTruth');
  if (truth?.kind !== 'cell' || truth.items.length === 0) throw wrong('expected a cell "groundTruth", as BSDS500 has it');
  const drawn = truth.items.map((item) => boundariesOf(item) ?? fail(wrong));
  const { width, height } = drawn[0]!;
  if (drawn.some((other) => other.width !== width || other.height !== height)) throw wrong('the annotators drew on different sizes');
  return { width, height, maps: drawn.map(({ map }) => map) };
}

function fail(wrong: (what: string) => FastsamError): never {
  throw wrong('expected a field "Boundaries" of a two-dimensional array for each annotator');
}

function boundariesOf(value: MatValue): { width: number; height: number; map: Uint8Array } | undefined {
  const field = value.kind === 'struct' ? value.items[0]?.get('Boundaries') : undefined;
  if (field?.kind !== 'array' || field.dimensions.length !== 2) return undefined;
  const [height, width] = field.dimensions as [number, number];
  const map = new Uint8Array(width * height);
  for (let x = 0; x < width; x += 1) for (let y = 0; y < height; y += 1) map[y * width + x] = field.values[x * height + y] ? 1 : 0;
  return { width, height, map };
}

/** Counts of a map at each threshold. Errors: DATASET_INVALID when the sizes differ. */
export async function countMap(map: GreyMap, truth: DrawnBoundaries, thresholds: readonly number[], name: string): Promise<Counts[]> {
  if (map.width !== truth.width || map.height !== truth.height) {
    const sizes = `the map is ${map.width}x${map.height}, the ground truth ${truth.width}x${truth.height}`;
    throw new FastsamError('DATASET_INVALID', `${name}: ${sizes}`);
  }
  const distance = MAX_DISTANCE * Math.hypot(map.width, map.height);
  return Promise.all(
    thresholds.map((threshold) => native().countBoundaries(map.levels, truth.maps, map.width, map.height, threshold, distance)),
  );
}
