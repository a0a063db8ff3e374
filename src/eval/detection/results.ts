/** Detections in COCO's results format: a list of {image_id, category_id, score, bbox and/or segmentation}. */
import { FastsamError } from '../../errors.js';
import { readJsonList } from '../json.js';
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

const EXPECTED = 'COCO results, a list of {image_id, category_id, score, bbox or segmentation}';

/**
 * Reads results and holds them against the data set. `anyCategory`: categories are not looked at (class-agnostic). Errors:
 * SOURCE_NOT_FOUND, DATASET_INVALID.
 */
export async function readResults(path: string, dataset: Dataset, { anyCategory }: { anyCategory: boolean }): Promise<Detections> {
  const pictures = new Set(dataset.pictures.map(({ id }) => id));
  const categories = new Set(dataset.categories.map(({ id }) => id));
  const detections = new Map<number, Detection[]>();
  let count = 0;
  for await (const entries of readJsonList(path, EXPECTED)) {
    for (const entry of entries) {
      const wrong = (what: string) => new FastsamError('DATASET_INVALID', `${path}: result ${count}${what}`);
      const detection = parseDetection(entry, wrong);
      const { picture, category } = detection;
      if (!pictures.has(picture)) throw wrong(` is of image ${picture}, which ${dataset.path} does not list: results of another data set?`);
      if (!anyCategory && !categories.has(category)) throw wrong(` has category ${category}, which ${dataset.path} does not list`);
      const own = detections.get(picture);
      if (own) own.push(detection);
      else detections.set(picture, [detection]);
      count += 1;
    }
  }
  return detections;
}

function parseDetection(entry: unknown, wrong: (what: string) => FastsamError): Detection {
  if (!isRecord(entry) || !isId(entry.image_id)) throw wrong(': expected an object with image_id');
  const { image_id: picture, category_id: category, score } = entry;
  if (!isId(category)) throw wrong(` has category ${String(category)}: expected a whole number`);
  if (typeof score !== 'number' || !Number.isFinite(score)) throw wrong(`: expected a finite score, got ${String(score)}`);
  const box = entry.bbox === undefined || (Array.isArray(entry.bbox) && entry.bbox.length === 0) ? undefined : parseBox(entry.bbox);
  const segmentation = entry.segmentation === undefined ? undefined : parseSegmentation(entry.segmentation);
  if (entry.bbox !== undefined && box === undefined && segmentation === undefined)
    throw wrong(': expected a bbox of four finite numbers x, y, width, height');
  if (entry.segmentation !== undefined && segmentation === undefined) throw wrong(': expected a segmentation, as polygons or run lengths');
  if (!box && !segmentation) throw wrong(' has neither bbox nor segmentation');
  return { picture, category, score, box, segmentation };
}
