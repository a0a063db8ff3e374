/** Detections in COCO's results format: a list of {image_id, category_id, score, bbox and/or segmentation}. */
import { FastsamError } from '../../errors.js';
import { readJson } from '../json.js';
import { type Dataset, isId, isRecord, parseBox, parseSegmentation, type Segmentation } from './dataset.js';

export interface Detection {
  readonly picture: number;
  readonly category: number;
  readonly score: number;
  /** x, y, width, height in pixels; absent when the file has masks only. */
  readonly box?: readonly [number, number, number, number] | undefined;
  readonly segmentation?: Segmentation | undefined;
}

/** Detections by picture id, in the order of the file. */
export type Detections = ReadonlyMap<number, readonly Detection[]>;

/** Reads results and holds them against the data set. Errors: SOURCE_NOT_FOUND, DATASET_INVALID. */
export async function readResults(path: string, dataset: Dataset, { anyCategory }: { anyCategory: boolean }): Promise<Detections> {
  return parseResults(await readJson(path), path, dataset, { anyCategory });
}

/** As readResults, of parsed JSON. `anyCategory`: categories are not looked at (class-agnostic). */
export function parseResults(json: unknown, path: string, dataset: Dataset, { anyCategory }: { anyCategory: boolean }): Detections {
  const fail = (what: string) => new FastsamError('DATASET_INVALID', `${path}: ${what}`);
  if (!Array.isArray(json)) throw fail('expected COCO results, a list of {image_id, category_id, score, bbox or segmentation}');
  const pictures = new Set(dataset.pictures.map(({ id }) => id));
  const categories = new Set(dataset.categories.map(({ id }) => id));
  const detections = new Map<number, Detection[]>();
  for (const [k, entry] of json.entries()) {
    const wrong = (what: string) => fail(`result ${k}${what}`);
    if (!isRecord(entry) || !isId(entry.image_id)) throw wrong(`: expected an object with image_id`);
    const { image_id: picture, category_id: category, score } = entry;
    if (!pictures.has(picture)) throw wrong(` is of image ${picture}, which ${dataset.path} does not list: results of another data set?`);
    if (!isId(category) || !(anyCategory || categories.has(category)))
      throw wrong(` has category ${String(category)}, which ${dataset.path} does not list`);
    if (typeof score !== 'number' || !Number.isFinite(score)) throw wrong(`: expected a finite score, got ${String(score)}`);
    const box = entry.bbox === undefined || (Array.isArray(entry.bbox) && entry.bbox.length === 0) ? undefined : parseBox(entry.bbox);
    const segmentation = entry.segmentation === undefined ? undefined : parseSegmentation(entry.segmentation);
    if (entry.bbox !== undefined && box === undefined && segmentation === undefined)
      throw wrong(`: expected a bbox of four finite numbers x, y, width, height`);
    if (entry.segmentation !== undefined && segmentation === undefined)
      throw wrong(`: expected a segmentation, as polygons or run lengths`);
    if (!box && !segmentation) throw wrong(` has neither bbox nor segmentation`);
    const detection = { picture, category, score, box, segmentation };
    const own = detections.get(picture);
    if (own) own.push(detection);
    else detections.set(picture, [detection]);
  }
  return detections;
}
