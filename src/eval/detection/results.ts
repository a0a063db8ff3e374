/** Detections in COCO's results format: a list of {image_id, category_id, score, bbox and/or segmentation}. */
import { type FileHandle, open } from 'node:fs/promises';
import { native } from '../../addon/addon.js';
import type { DetectionBlock } from '../../addon/detections.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { Dataset, Segmentation } from './dataset.js';

export interface Detection {
  readonly picture: number;
  readonly category: number;
  readonly score: number;
  /** x, y, width, height in pixels; absent when the file has masks only. */
  readonly box?: readonly [number, number, number, number] | undefined;
  readonly segmentation?: Segmentation | undefined;
}

const PIECE_BYTES = 2 ** 22;
const COMPRESSED = 1;
const COUNTS = 2;
const POLYGON = 3;

/**
 * Detections of many pictures. They are kept in columns outside the JS heap, in the size of their file; objects are made of those of
 * one picture at a time.
 */
export class Detections {
  readonly #blocks: { readonly first: number; readonly columns: DetectionBlock }[] = [];
  /** By picture, numbers of its detections. */
  readonly #numbers = new Map<number, number[]>();
  #count = 0;

  /** All detections. */
  get count(): number {
    return this.#count;
  }

  /** Ids of the pictures that have any. */
  pictures(): Iterable<number> {
    return this.#numbers.keys();
  }

  add(columns: DetectionBlock): void {
    this.#blocks.push({ first: this.#count, columns });
    for (const picture of columns.pictures) {
      const own = this.#numbers.get(picture);
      if (own) own.push(this.#count);
      else this.#numbers.set(picture, [this.#count]);
      this.#count += 1;
    }
  }

  /** The detections of a picture, in the order of the file. */
  of(picture: number): Detection[] {
    let block = 0;
    return (this.#numbers.get(picture) ?? []).map((number) => {
      while (number >= (this.#blocks[block + 1]?.first ?? Number.POSITIVE_INFINITY)) block += 1;
      const { first, columns } = this.#blocks[block]!;
      return detectionAt(columns, number - first);
    });
  }
}

function detectionAt(columns: DetectionBlock, at: number): Detection {
  const { pictures, categories, scores, boxes } = columns;
  const x = boxes[4 * at]!;
  const box = Number.isNaN(x) ? undefined : ([x, boxes[4 * at + 1]!, boxes[4 * at + 2]!, boxes[4 * at + 3]!] as const);
  return { picture: pictures[at]!, category: categories[at]!, score: scores[at]!, box, segmentation: segmentationAt(columns, at) };
}

function segmentationAt({ kinds, sizes, text, textEnds }: DetectionBlock, at: number): Segmentation | undefined {
  const kind = kinds[at]!;
  if (kind !== COMPRESSED && kind !== COUNTS && kind !== POLYGON) return undefined;
  const begin = at === 0 ? 0 : textEnds[at - 1]!;
  const own = Buffer.from(text.buffer, text.byteOffset + begin, textEnds[at]! - begin).toString('latin1');
  const size = [sizes[2 * at]!, sizes[2 * at + 1]!] as const;
  if (kind === COMPRESSED) return { size, counts: own };
  return kind === COUNTS ? { size, counts: JSON.parse(own) as number[] } : (JSON.parse(own) as number[][]);
}

/**
 * Reads results, of any size, and holds them against the data set. `anyCategory`: categories are not looked at (class-agnostic).
 * Errors: SOURCE_NOT_FOUND; DATASET_INVALID with the number of the wrong entry, from 0.
 */
export async function readResults(path: string, dataset: Dataset, { anyCategory }: { anyCategory: boolean }): Promise<Detections> {
  const pictures = new Set(dataset.pictures.map(({ id }) => id));
  const categories = new Set(dataset.categories.map(({ id }) => id));
  const detections = new Detections();
  for await (const columns of readBlocks(path)) {
    const wrong = (at: number, what: string) =>
      new FastsamError('DATASET_INVALID', `${path}: result ${detections.count + at} ${what}, which ${dataset.path} does not list`);
    const strange = firstOutside(columns.pictures, pictures);
    const unknown = anyCategory ? -1 : firstOutside(columns.categories, categories);
    if (strange >= 0) {
      const { message } = wrong(strange, `is of image ${columns.pictures[strange]}`);
      throw new FastsamError('DATASET_INVALID', `${message}: results of another data set?`);
    }
    if (unknown >= 0) throw wrong(unknown, `has category ${columns.categories[unknown]}`);
    detections.add(columns);
  }
  return detections;
}

/** The place of the first id that is not among `known`; −1 when all are. */
function firstOutside(ids: Float64Array, known: ReadonlySet<number>): number {
  for (let k = 0; k < ids.length; k += 1) if (!known.has(ids[k]!)) return k;
  return -1;
}

/** The file's detections. A piece is read while the one before is parsed. Errors: SOURCE_NOT_FOUND, DATASET_INVALID. */
async function* readBlocks(path: string): AsyncGenerator<DetectionBlock> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    const reader = native().openDetectionReader();
    const buffers = [Buffer.allocUnsafeSlow(PIECE_BYTES), Buffer.allocUnsafeSlow(PIECE_BYTES)] as const;
    const read = async (buffer: Buffer) => {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES).catch((cause) => {
        throw unreadable(path, cause);
      });
      return buffer.subarray(0, bytesRead);
    };
    let piece = await read(buffers[0]);
    for (let turn = 1; piece.length > 0; turn = 1 - turn) {
      const [columns, next] = await Promise.all([reader.push(piece), read(buffers[turn]!)]);
      yield columns;
      piece = next;
    }
    reader.finish();
  } catch (cause) {
    if (cause instanceof FastsamError && cause.code === 'DATASET_INVALID' && !cause.message.startsWith(path))
      throw new FastsamError('DATASET_INVALID', `${path}: ${cause.message}`, { cause });
    throw cause;
  } finally {
    await file.close();
  }
}

function unreadable(path: string, cause: unknown): FastsamError {
  return new FastsamError('SOURCE_NOT_FOUND', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
}
