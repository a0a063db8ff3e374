/** Annotations in COCO's and LVIS's format: what an evaluation needs of them, checked before anything is computed. */
import { basename } from 'node:path';
import { FastsamError } from '../../errors.js';
import { readJson } from '../json.js';

/** COCO's run lengths: `size` is [height, width]; counts compressed, or plain numbers. */
export interface RleSegmentation {
  readonly size: readonly [number, number];
  readonly counts: string | readonly number[];
}
export type Segmentation = readonly (readonly number[])[] | RleSegmentation;

export interface Picture {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  /** File name without folders. */
  readonly file: string;
  /** LVIS: categories that were looked for and are not there. */
  readonly absent: ReadonlySet<number>;
  /** LVIS: categories of which some objects may not be annotated. */
  readonly notExhaustive: ReadonlySet<number>;
}

export interface Category {
  readonly id: number;
  readonly name: string;
  /** LVIS: rare, common, frequent. */
  readonly frequency?: 'r' | 'c' | 'f';
}

/** One annotated object. */
export interface Truth {
  readonly id: number;
  readonly picture: number;
  readonly category: number;
  /** Pixels as annotated. */
  readonly area: number;
  readonly crowd: boolean;
  /** The file's own "ignore", which LVIS's tools follow and COCO's do not. */
  readonly ignore: boolean;
  /** x, y, width, height in pixels. */
  readonly box: readonly [number, number, number, number];
  readonly segmentation: Segmentation;
}

export interface Dataset {
  readonly path: string;
  /** Ascending id. */
  readonly pictures: readonly Picture[];
  /** Ascending id. */
  readonly categories: readonly Category[];
  /** By picture id, in the order of the file. */
  readonly truths: ReadonlyMap<number, readonly Truth[]>;
}

/** What an annotation file must have. */
export interface DatasetRules {
  /** LVIS: each picture says which categories were looked for, each category how frequent it is, and no object is a crowd. */
  readonly federated: boolean;
}

/** Reads annotations. Errors: SOURCE_NOT_FOUND; DATASET_INVALID with the entry that is wrong. */
export async function readDataset(path: string, rules: DatasetRules = { federated: false }): Promise<Dataset> {
  return parseDataset(await readJson(path), path, rules);
}

/** As readDataset, of parsed JSON; `path` is for messages. */
export function parseDataset(json: unknown, path: string, { federated }: DatasetRules = { federated: false }): Dataset {
  const wrong = (what: string) => new FastsamError('DATASET_INVALID', `${path}: ${what}`);
  const list = (key: string): Record<string, unknown>[] => {
    const value = isRecord(json) ? json[key] : undefined;
    if (!Array.isArray(value) || !value.every(isRecord)) throw wrong(`expected a COCO annotation file with a list of "${key}"`);
    return value;
  };
  const categories = new Map<number, Category>();
  for (const { id, name, frequency } of list('categories')) {
    if (!isId(id) || typeof name !== 'string') throw wrong(`category ${String(id)}: expected an id and a name`);
    if (categories.has(id)) throw wrong(`category ${id} is there twice`);
    const known = frequency === 'r' || frequency === 'c' || frequency === 'f' ? frequency : undefined;
    if (federated && !known) throw wrong(`category ${id}: expected a frequency, r, c or f, as LVIS has it; for other data use "coco"`);
    categories.set(id, { id, name, ...(known ? { frequency: known } : {}) });
  }
  const idSet = (entry: Record<string, unknown>, key: string): ReadonlySet<number> => {
    const value = entry[key];
    if (value === undefined && !federated) return new Set();
    if (!Array.isArray(value)) throw wrong(`image ${entry.id}: expected a list of ${key}, as LVIS has it; for other data use "coco"`);
    const strange = value.find((id) => !isId(id) || !categories.has(id));
    if (strange !== undefined) throw wrong(`image ${entry.id}: ${key} has category ${String(strange)}, which the file does not list`);
    return new Set(value);
  };
  const pictures = new Map<number, Picture>();
  for (const entry of list('images')) {
    const { id, width, height } = entry;
    if (!isId(id) || !isSide(width) || !isSide(height)) throw wrong(`image ${String(id)}: expected id, width and height as whole numbers`);
    if (pictures.has(id)) throw wrong(`image ${id} is there twice`);
    const name = [entry.file_name, entry.coco_url].find((value) => typeof value === 'string') as string | undefined;
    pictures.set(id, {
      id,
      width,
      height,
      file: basename(name ?? ''),
      absent: idSet(entry, 'neg_category_ids'),
      notExhaustive: idSet(entry, 'not_exhaustive_category_ids'),
    });
  }
  const truths = new Map<number, Truth[]>();
  const ids = new Set<number>();
  for (const entry of list('annotations')) {
    const truth = parseTruth(entry, wrong);
    if (!pictures.has(truth.picture)) throw wrong(`annotation ${truth.id} is of image ${truth.picture}, which the file does not list`);
    if (!categories.has(truth.category)) throw wrong(`annotation ${truth.id} has category ${truth.category}, which the file does not list`);
    if (ids.has(truth.id)) throw wrong(`annotation ${truth.id} is there twice`);
    if (federated && truth.crowd) throw wrong(`annotation ${truth.id} is a crowd, which LVIS does not have; for other data use "coco"`);
    ids.add(truth.id);
    const own = truths.get(truth.picture);
    if (own) own.push(truth);
    else truths.set(truth.picture, [truth]);
  }
  if (pictures.size === 0) throw wrong('no images in it');
  if (truths.size === 0) throw wrong('no annotations in it');
  const ascending = <T extends { id: number }>(map: Map<number, T>) => [...map.values()].sort((a, b) => a.id - b.id);
  return { path, pictures: ascending(pictures), categories: ascending(categories), truths };
}

function parseTruth(entry: Record<string, unknown>, wrong: (what: string) => FastsamError): Truth {
  const { id, image_id: picture, category_id: category, area, bbox, segmentation } = entry;
  if (!isId(id) || !isId(picture) || !isId(category))
    throw wrong(`annotation ${String(id)}: expected id, image_id and category_id as whole numbers`);
  if (typeof area !== 'number' || !Number.isFinite(area)) throw wrong(`annotation ${id}: expected a finite area in pixels`);
  return {
    id,
    picture,
    category,
    area,
    crowd: Boolean(entry.iscrowd),
    ignore: Boolean(entry.ignore),
    box: parseBox(bbox) ?? failBox(id, wrong),
    segmentation: parseSegmentation(segmentation) ?? failSegmentation(id, wrong),
  };
}

function failBox(id: number, wrong: (what: string) => FastsamError): never {
  throw wrong(`annotation ${id}: expected a bbox of four finite numbers x, y, width, height`);
}

function failSegmentation(id: number, wrong: (what: string) => FastsamError): never {
  throw wrong(`annotation ${id}: expected a segmentation, as polygons or run lengths`);
}

export function parseBox(value: unknown): [number, number, number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 4 || !value.every(Number.isFinite)) return undefined;
  return value as [number, number, number, number];
}

export function parseSegmentation(value: unknown): Segmentation | undefined {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every((ring) => Array.isArray(ring) && ring.every(Number.isFinite))
      ? (value as number[][])
      : undefined;
  }
  if (!isRecord(value) || !Array.isArray(value.size) || value.size.length !== 2 || !value.size.every(isSide)) return undefined;
  const { counts } = value;
  if (typeof counts !== 'string' && !(Array.isArray(counts) && counts.every(Number.isInteger))) return undefined;
  return value as unknown as RleSegmentation;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}
