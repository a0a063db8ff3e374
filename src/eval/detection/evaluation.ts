/**
 * AP and AR as COCO's and LVIS's official tools compute them (pycocotools 2.0 cocoeval.py, lvis-api eval.py). Pictures are
 * added one by one; masks live only while their picture is being added.
 */
import type { MaskRuns } from '../../domain/mask.js';
import { maskArea } from '../../domain/mask.js';
import { native } from '../../native.js';
import { accumulate, type Curves, IOU_THRESHOLDS, type PictureMatches, type Ranking, rank } from './accumulate.js';
import type { Category, Dataset, Picture, Truth } from './dataset.js';
import { boxOfRuns, ringOf, runsOf } from './masks.js';
import { match } from './match.js';
import type { Detection } from './results.js';

export const AREA_RANGES = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;
export type AreaRange = keyof typeof AREA_RANGES;
const RANGES = Object.keys(AREA_RANGES) as AreaRange[];

export type Rules = 'coco' | 'lvis';
export type IouType = 'segm' | 'bbox';

export interface EvaluationOptions {
  readonly rules: Rules;
  readonly iouType: IouType;
  /** All categories as one: does a mask exist for each object, whatever it is called. */
  readonly agnostic: boolean;
  /** Most detections per picture and category, ascending; LVIS: the last, over all categories of a picture. */
  readonly maxDets: readonly number[];
}

/** One number of the report. */
export interface Figure {
  readonly name: string;
  readonly kind: 'AP' | 'AR';
  /** IoU threshold; null: the mean over .5 to .95. */
  readonly iou: number | null;
  readonly area: AreaRange;
  readonly maxDets: number;
  /** LVIS: only categories of this frequency. */
  readonly frequency?: 'r' | 'c' | 'f';
}

/** The category of everything in a class-agnostic evaluation. */
const ANY: Category = { id: 1, name: 'object' };

export class DetectionEvaluation {
  readonly categories: readonly Category[];
  /** By category, then by size range: pictures in the order they were added. */
  readonly #matches = new Map<number, PictureMatches[][]>();
  #rankings: Ranking[][] | undefined;
  #pictures = 0;

  constructor(
    dataset: Pick<Dataset, 'categories'>,
    readonly options: EvaluationOptions,
  ) {
    this.categories = options.agnostic ? [ANY] : dataset.categories;
    for (const { id } of this.categories)
      this.#matches.set(
        id,
        RANGES.map(() => []),
      );
  }

  /** Pictures added so far. */
  get pictures(): number {
    return this.#pictures;
  }

  /**
   * Adds one picture with its truths and detections. Pictures must come in ascending id, or equal scores are ranked
   * differently than by the official tools. Errors: DATASET_INVALID for a mask that does not fit.
   */
  async add(picture: Picture, truths: readonly Truth[], detections: readonly Detection[]): Promise<void> {
    const { rules, agnostic, maxDets } = this.options;
    const index = this.#pictures++;
    this.#rankings = undefined;
    const limit = maxDets.at(-1)!;
    const kept = rules === 'lvis' ? bestFirst(detections).slice(0, limit) : detections;
    const present = new Set(truths.map(({ category }) => category));
    for (const { id } of this.categories) {
      const ownTruths = agnostic ? byCategory(truths) : truths.filter(({ category }) => category === id);
      let own = agnostic ? byCategory(kept) : kept.filter(({ category }) => category === id);
      // LVIS: of a category that was not looked for in this picture nothing is known.
      if (rules === 'lvis' && !agnostic && !picture.absent.has(id) && !present.has(id)) own = [];
      if (ownTruths.length === 0 && own.length === 0) continue;
      await this.#addCategory(id, index, picture, ownTruths, bestFirst(own).slice(0, limit));
    }
  }

  async #addCategory(
    category: number,
    index: number,
    picture: Picture,
    truths: readonly Truth[],
    detections: readonly Detection[],
  ): Promise<void> {
    const { rules, iouType, agnostic } = this.options;
    const where = `image ${picture.id}`;
    const masks = detections.map((detection) => maskOfDetection(detection, iouType, picture, where));
    const crowd = Uint8Array.from(truths, (truth) => (rules === 'coco' && truth.crowd ? 1 : 0));
    const overlaps =
      iouType === 'segm'
        ? await native().maskOverlaps(
            masks.map((runs) => runs!),
            truths.map((truth) => runsOf(truth.segmentation, picture, `annotation ${truth.id}`)),
            crowd,
          )
        : boxOverlaps(
            detections.map(({ box }, d) => box ?? boxOfRuns(masks[d]!, picture.height)),
            truths.map(({ box }) => box),
            crowd,
          );
    const scores = Float64Array.from(detections, ({ score }) => score);
    const candidates = {
      scores,
      // The official tools take the box's area where results carry a box, also for masks.
      detectionAreas: Float64Array.from(detections, ({ box }, d) => (box ? box[2] * box[3] : maskArea(masks[d]!))),
      truthAreas: Float64Array.from(truths, ({ area }) => area),
      crowd,
      ignored: rules === 'coco' ? crowd : Uint8Array.from(truths, ({ ignore }) => (ignore ? 1 : 0)),
      overlaps,
      notExhaustive: rules === 'lvis' && !agnostic && picture.notExhaustive.has(category),
    };
    const byRange = this.#matches.get(category)!;
    for (const [r, range] of RANGES.entries()) {
      byRange[r]!.push({ ...match(candidates, IOU_THRESHOLDS, AREA_RANGES[range]), picture: index, scores });
    }
  }

  /** The value of a figure, 0 to 1; −1 when nothing was to be found. `weights`: how often each added picture counts. */
  value(figure: Figure, weights?: Float64Array): number {
    this.#rankings ??= this.categories.map(({ id }) => this.#matches.get(id)!.map(rank));
    const range = RANGES.indexOf(figure.area);
    const curves = this.categories.map((category, c) =>
      figure.frequency === undefined || category.frequency === figure.frequency
        ? this.#curves(c, range, figure.maxDets, weights)
        : undefined,
    );
    return meanOf(figure, curves);
  }

  /** As `value`, of the picture that was added as number `picture` alone. */
  valueOfPicture(picture: number, figure: Figure): number {
    const range = RANGES.indexOf(figure.area);
    const curves = this.categories.map(({ id }) => {
      const own = this.#entryOf(id, range, picture);
      return own && accumulate(rank([own]), IOU_THRESHOLDS.length, figure.maxDets);
    });
    return meanOf(figure, curves);
  }

  /** By bisection: entries ascend by picture. */
  #entryOf(category: number, range: number, picture: number): PictureMatches | undefined {
    const entries = this.#matches.get(category)![range]!;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.picture < picture) low = middle + 1;
      else high = middle;
    }
    return entries[low]?.picture === picture ? entries[low] : undefined;
  }

  readonly #cache = new Map<string, Curves | undefined>();

  #curves(category: number, range: number, limit: number, weights: Float64Array | undefined): Curves | undefined {
    const ranking = this.#rankings![category]![range]!;
    if (weights) return accumulate(ranking, IOU_THRESHOLDS.length, limit, weights);
    const key = `${this.#pictures} ${category} ${range} ${limit}`;
    if (!this.#cache.has(key)) this.#cache.set(key, accumulate(ranking, IOU_THRESHOLDS.length, limit));
    return this.#cache.get(key);
  }
}

/** The figure's mean over categories that have anything to be found, and over its thresholds; −1 without any. */
function meanOf(figure: Figure, curves: readonly (Curves | undefined)[]): number {
  const wanted = figure.iou === null ? IOU_THRESHOLDS.map((_, t) => t) : [nearestThreshold(figure.iou)];
  let sum = 0;
  let count = 0;
  for (const curve of curves) {
    if (!curve) continue;
    const values = figure.kind === 'AP' ? curve.precision : curve.recall;
    for (const t of wanted) sum += values[t]!;
    count += wanted.length;
  }
  return count === 0 ? -1 : sum / count;
}

function nearestThreshold(iou: number): number {
  const t = Math.round((iou - 0.5) / 0.05);
  if (t < 0 || t >= IOU_THRESHOLDS.length) throw new RangeError(`no IoU threshold ${iou}`);
  return t;
}

/** The order in which pycocotools (useCats=0) joins categories: it decides between equal scores. */
function byCategory<T extends { readonly category: number }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => a.category - b.category);
}

/** Descending score; equal scores keep their order. */
function bestFirst(detections: readonly Detection[]): Detection[] {
  return [...detections].sort((a, b) => b.score - a.score);
}

function maskOfDetection(detection: Detection, iouType: IouType, picture: Picture, where: string): MaskRuns | undefined {
  const { box, segmentation } = detection;
  if (iouType === 'bbox' && box) return undefined;
  return runsOf(segmentation ?? [ringOf(box!)], picture, `a result of ${where}`);
}

/** COCO's IoU of boxes x, y, width, height; a crowd's union is the detection. Row-major [detections, truths]. */
function boxOverlaps(
  detections: readonly (readonly [number, number, number, number])[],
  truths: readonly (readonly [number, number, number, number])[],
  crowd: Uint8Array,
): Float64Array {
  const overlaps = new Float64Array(detections.length * truths.length);
  for (const [d, [x, y, width, height]] of detections.entries()) {
    for (const [g, [left, top, w, h]] of truths.entries()) {
      const inX = Math.min(x + width, left + w) - Math.max(x, left);
      const inY = Math.min(y + height, top + h) - Math.max(y, top);
      if (inX <= 0 || inY <= 0) continue;
      const common = inX * inY;
      overlaps[d * truths.length + g] = common / (crowd[g] ? width * height : width * height + w * h - common);
    }
  }
  return overlaps;
}
