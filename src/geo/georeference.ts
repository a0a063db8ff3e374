/** Where a picture lies on the Earth: the tags of a GeoTIFF (OGC 19-008r4), or a world file beside the picture. */
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { FastsamError } from '../errors.js';
import { readTiffTags, type TagValue } from './tiff-tags.js';

const TAG = { orientation: 274, scale: 33550, tiepoint: 33922, matrix: 34264, keys: 34735, ascii: 34737, noData: 42113 } as const;
const KEY = {
  modelType: 1024,
  rasterType: 1025,
  citation: 1026,
  geographic: 2048,
  geographicCitation: 2049,
  projected: 3072,
  projectedCitation: 3073,
} as const;
const USER_DEFINED = 32_767;

export interface Georeference {
  /** Affine map from pixels to the coordinate system: X = a·x + b·y + c, Y = d·x + e·y + f; 0, 0 is the corner of the first pixel. */
  readonly affine: readonly [a: number, b: number, c: number, d: number, e: number, f: number];
  /** EPSG code of the coordinate system, where the file says. */
  readonly epsg?: number;
  /** What the file says about its coordinate system in words. */
  readonly citation?: string;
}

/**
 * The georeference of a picture file: a GeoTIFF's own tags, else a world file of the same name (.tfw, .jgw, .pgw, .wld or the
 * picture's whole ending and "w"). Undefined when there is neither. Errors: SOURCE_NOT_FOUND, SOURCE_CORRUPT.
 */
export async function readGeoreference(path: string): Promise<Georeference | undefined> {
  const tags = (await readTiffTags(path, Object.values(TAG))) ?? new Map<number, TagValue>();
  const affine = affineOfTags(tags);
  const keys = geoKeys(tags);
  const orientation = numbers(tags, TAG.orientation)?.[0] ?? 1;
  const place = affine ? shifted(affine, keys) : await readWorldFile(path);
  if (!place) return undefined;
  if (orientation !== 1)
    throw new FastsamError(
      'SOURCE_UNSUPPORTED',
      `${path}: is georeferenced and stored turned (orientation ${orientation}); store it upright`,
    );
  return { affine: place, ...systemOf(keys) };
}

/** The value that stands for "no measurement" in a GeoTIFF (GDAL's tag); undefined without one. */
export async function readNoData(path: string): Promise<number | undefined> {
  const text = (await readTiffTags(path, [TAG.noData]))?.get(TAG.noData);
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

type Affine = Georeference['affine'];

function numbers(tags: ReadonlyMap<number, TagValue>, tag: number): readonly number[] | undefined {
  const value = tags.get(tag);
  return typeof value === 'string' || value === undefined || !value.every(Number.isFinite) ? undefined : value;
}

function affineOfTags(tags: ReadonlyMap<number, TagValue>): Affine | undefined {
  const matrix = numbers(tags, TAG.matrix);
  if (matrix && matrix.length >= 8) return [matrix[0]!, matrix[1]!, matrix[3]!, matrix[4]!, matrix[5]!, matrix[7]!];
  const scale = numbers(tags, TAG.scale);
  const tie = numbers(tags, TAG.tiepoint);
  if (!scale || scale.length < 2 || !tie || tie.length < 6) return undefined;
  const [sx, sy] = scale as [number, number];
  const [x, y, , east, north] = tie as [number, number, number, number, number];
  return [sx, 0, east - x * sx, 0, -sy, north + y * sy];
}

/** The directory of GeoKeys: key → number or text. */
function geoKeys(tags: ReadonlyMap<number, TagValue>): ReadonlyMap<number, number | string> {
  const directory = numbers(tags, TAG.keys) ?? [];
  const text = tags.get(TAG.ascii);
  const keys = new Map<number, number | string>();
  for (let k = 4; k + 3 < directory.length; k += 4) {
    const [key, location, count, value] = directory.slice(k, k + 4) as [number, number, number, number];
    if (location === 0) keys.set(key, value);
    if (location === TAG.ascii && typeof text === 'string') keys.set(key, text.slice(value, value + count).replace(/\|$/, ''));
  }
  return keys;
}

/** With "pixel is point" the coordinates are those of the pixels' centres. */
function shifted([a, b, c, d, e, f]: Affine, keys: ReadonlyMap<number, number | string>): Affine {
  if (keys.get(KEY.rasterType) !== 2) return [a, b, c, d, e, f];
  return [a, b, c - (a + b) / 2, d, e, f - (d + e) / 2];
}

function systemOf(keys: ReadonlyMap<number, number | string>): Pick<Georeference, 'epsg' | 'citation'> {
  const code = keys.get(keys.get(KEY.modelType) === 2 ? KEY.geographic : KEY.projected);
  const known = typeof code === 'number' && code >= 1024 && code < USER_DEFINED;
  const words = [KEY.projectedCitation, KEY.citation, KEY.geographicCitation].map((key) => keys.get(key));
  const citation = words.find((word) => typeof word === 'string' && word !== '') as string | undefined;
  return { ...(known ? { epsg: code } : {}), ...(citation === undefined ? {} : { citation }) };
}

/** Six lines: a, d, b, e, and where the centre of the first pixel is. */
async function readWorldFile(path: string): Promise<Affine | undefined> {
  const ending = extname(path);
  const stem = path.slice(0, path.length - ending.length);
  const short = ending.length >= 4 ? `${ending.slice(0, 2)}${ending.at(-1)}w` : `${ending}w`;
  for (const candidate of new Set([`${stem}${short}`, `${stem}${ending}w`, `${stem}.wld`])) {
    const text = await readFile(candidate, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const values = text.slice(0, 4096).trim().split(/\s+/).map(Number);
    if (values.length !== 6 || !values.every(Number.isFinite))
      throw new FastsamError('SOURCE_CORRUPT', `${candidate}: not a world file; expected six numbers, one a line`);
    const [a, d, b, e, x, y] = values as [number, number, number, number, number, number];
    return [a, b, x - (a + b) / 2, d, e, y - (d + e) / 2];
  }
  return undefined;
}
