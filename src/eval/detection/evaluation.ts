/**
 * AP and AR as COCO's and LVIS's official tools compute them (pycocotools 2.0 cocoeval.py, lvis-api eval.py). Pictures are
 * added one by one; decoded masks live only while their picture is being prepared.
 */

import { native } from '../../addon/addon.js';
import { type MaskRuns, maskArea } from '../../domain/mask.js';
import { accumulate, type Curves, IOU_THRESHOLDS, type PictureMatches, type Ranking, rank } from './accumulate.js';
import type { Category, Dataset, Picture, Truth } from './dataset.js';
import { boxOfRuns, encodedMask, ringOf, runsOf } from './masks.js';
import { type Candidates, match } from './match.js';
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

/** Detections and truths of one picture by category, with their overlaps. */
export type PreparedPicture = ReadonlyMap<number, Candidates>;

/** The category of everything in a class-agnostic evaluation. */
const ANY: Category = { id: 1, name: 'object' };

export class DetectionEvaluation {
  readonly categories: readonly Category[];
  /** By category: pictures in the order they were added. */
  readonly #matches = new Map<number, PictureMatches[]>();
  #rankings: Ranking[] | undefined;
  /** Curves of the data set as it is, and of the latest draw. */
  readonly #curves = new Map<string, Curves | undefined>();
  readonly #drawn = new Map<string, Curves | undefined>();
  #drawnWith: Float64Array | undefined;
  #pictures = 0;

  constructor(
    dataset: Pick<Dataset, 'categories'>,
    readonly options: EvaluationOptions,
  ) {
    this.categories = options.agnostic ? [ANY] : dataset.categories;
    for (const { id } of this.categories) this.#matches.set(id, []);
  }

  /** Pictures added so far. */
  get pictures(): number {
    return this.#pictures;
  }

  /**
   * Prepares one picture with its truths and detections: what takes time runs beside other pictures. `add` takes the answer, in the
   * order of the calls. Errors: DATASET_INVALID for a mask that does not fit.
   */
  async prepare(picture: Picture, truths: readonly Truth[], detections: readonly Detection[]): Promise<PreparedPicture> {
    const { rules, agnostic, maxDets } = this.options;
    const limit = maxDets.at(-1)!;
    const kept = rules === 'lvis' ? bestFirst(detections).slice(0, limit) : detections;
    const present = new Set(truths.map(({ category }) => category));
    // LVIS: of a category that was not looked for in this picture nothing is known.
    const known = (category: number) => rules !== 'lvis' || agnostic || picture.absent.has(category) || present.has(category);
    const wanted = bestFirst(agnostic ? byCategory(kept) : kept.filter(({ category }) => known(category)));
    const shown = agnostic ? byCategory(truths) : truths;
    const overlaps = await this.#overlaps(picture, wanted, shown);
    const candidates = new Map<number, Candidates>();
    for (const [category, group] of grouped(wanted, shown, agnostic)) {
      if (!this.#matches.has(category)) continue;
      const notExhaustive = rules === 'lvis' && !agnostic && picture.notExhaustive.has(category);
      candidates.set(category, candidatesOf(group, overlaps, limit, rules, notExhaustive));
    }
    return candidates;
  }

  /** Pictures must come in ascending id, or equal scores are ranked differently than by the official tools. */
  add(prepared: PreparedPicture): void {
    const picture = this.#pictures++;
    this.#rankings = undefined;
    this.#curves.clear();
    this.#drawnWith = undefined;
    for (const [category, candidates] of prepared) {
      const matches = match(
        candidates,
        IOU_THRESHOLDS,
        RANGES.map((range) => AREA_RANGES[range]),
      );
      this.#matches.get(category)!.push({ picture, scores: candidates.scores, matches });
    }
  }

  async #overlaps(picture: Picture, detections: readonly Detection[], truths: readonly Truth[]): Promise<Overlaps> {
    const { rules, iouType } = this.options;
    const crowd = Uint8Array.from(truths, (truth) => (rules === 'coco' && truth.crowd ? 1 : 0));
    if (iouType === 'segm') {
      const { overlaps, areas } = await this.#maskOverlaps(picture, detections, truths, crowd);
      // The official tools take the box's area where results carry a box, also for masks.
      for (const [d, { box }] of detections.entries()) if (box) areas[d] = box[2] * box[3];
      return { values: overlaps, crowd, areas };
    }
    const boxes = detections.map((detection) => detection.box ?? boxOfRuns(maskOfDetection(detection, picture), picture.height));
    const members = new Map<number, number[]>();
    for (const [t, { category }] of truths.entries()) {
      const key = this.#groupOf(category);
      const own = members.get(key);
      if (own) own.push(t);
      else members.set(key, [t]);
    }
    const rows = detections.map(({ category }) => members.get(this.#groupOf(category)) ?? []);
    const values = boxOverlaps(boxes, truths, crowd, rows);
    const areas = detections.map((detection, d) =>
      detection.box ? boxes[d]![2] * boxes[d]![3] : maskArea(maskOfDetection(detection, picture)),
    );
    return { values, crowd, areas };
  }

  async #maskOverlaps(picture: Picture, detections: readonly Detection[], truths: readonly Truth[], crowd: Uint8Array) {
    const { width, height } = picture;
    const groupOf = ({ category }: { readonly category: number }) => this.#groupOf(category);
    try {
      return await native().maskOverlaps(
        detections.map(({ segmentation, box }) => encodedMask(segmentation ?? [ringOf(box!)], picture, whoseResult(picture))),
        truths.map(({ segmentation, id }) => encodedMask(segmentation, picture, `annotation ${id}`)),
        crowd,
        Int32Array.from(detections, groupOf),
        Int32Array.from(truths, groupOf),
        width,
        height,
      );
    } catch (cause) {
      // One by one, to tell which mask is wrong.
      for (const detection of detections) maskOfDetection(detection, picture);
      for (const { segmentation, id } of truths) runsOf(segmentation, picture, `annotation ${id}`);
      throw cause;
    }
  }

  #groupOf(category: number): number {
    return this.options.agnostic ? ANY.id : category;
  }

  /** The value of a figure, 0 to 1; −1 when nothing was to be found. `weights`: how often each added picture counts. */
  value(figure: Figure, weights?: Float64Array): number {
    this.#rankings ??= this.categories.map(({ id }) => rank(this.#matches.get(id)!));
    const range = RANGES.indexOf(figure.area);
    const curves = this.categories.map((category, c) =>
      figure.frequency === undefined || category.frequency === figure.frequency
        ? this.#curvesOf(c, range, figure.maxDets, weights)
        : undefined,
    );
    return meanOf(figure, curves);
  }

  /** As `value`, of the picture that was added as number `picture` alone. */
  valueOfPicture(picture: number, figure: Figure): number {
    const range = RANGES.indexOf(figure.area);
    const curves = this.categories.map(({ id }) => {
      const own = this.#entryOf(id, picture);
      return own && accumulate(rank([own]), range, IOU_THRESHOLDS.length, figure.maxDets);
    });
    return meanOf(figure, curves);
  }

  /** By bisection: entries ascend by picture. */
  #entryOf(category: number, picture: number): PictureMatches | undefined {
    const entries = this.#matches.get(category)!;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.picture < picture) low = middle + 1;
      else high = middle;
    }
    return entries[low]?.picture === picture ? entries[low] : undefined;
  }

  /** Figures share curves: AP, AP50 and AP75 are read from one. */
  #curvesOf(category: number, range: number, limit: number, weights: Float64Array | undefined): Curves | undefined {
    if (weights !== this.#drawnWith && weights) {
      this.#drawn.clear();
      this.#drawnWith = weights;
    }
    const cache = weights ? this.#drawn : this.#curves;
    const key = `${category} ${range} ${limit}`;
    if (!cache.has(key)) cache.set(key, accumulate(this.#rankings![category]!, range, IOU_THRESHOLDS.length, limit, weights));
    return cache.get(key);
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

function maskOfDetection({ box, segmentation }: Detection, picture: Picture): MaskRuns {
  return runsOf(segmentation ?? [ringOf(box!)], picture, whoseResult(picture));
}

function whoseResult({ id }: Picture): string {
  return `a result of image ${id}`;
}

/** IoU of the detections and truths of one picture. */
interface Overlaps {
  /** For each detection in turn, with the truths of its category, in their order. */
  readonly values: Float64Array;
  readonly crowd: Uint8Array;
  /** Pixels of each detection. */
  readonly areas: ArrayLike<number>;
}

/** Detections and truths of one category, with their places among those of the picture. */
interface Group {
  readonly detections: { readonly place: number; readonly score: number }[];
  readonly truths: { readonly place: number; readonly truth: Truth }[];
  /** [detections] where the overlaps of each begin. */
  readonly rows: number[];
}

function grouped(detections: readonly Detection[], truths: readonly Truth[], agnostic: boolean): Map<number, Group> {
  const groups = new Map<number, Group>();
  const of = (category: number) => {
    const key = agnostic ? ANY.id : category;
    let group = groups.get(key);
    if (!group) {
      group = { detections: [], truths: [], rows: [] };
      groups.set(key, group);
    }
    return group;
  };
  for (const [place, truth] of truths.entries()) of(truth.category).truths.push({ place, truth });
  let row = 0;
  for (const [place, { category, score }] of detections.entries()) {
    const group = of(category);
    group.detections.push({ place, score });
    group.rows.push(row);
    row += group.truths.length;
  }
  return groups;
}

function candidatesOf(group: Group, overlaps: Overlaps, limit: number, rules: Rules, notExhaustive: boolean): Candidates {
  const detections = group.detections.slice(0, limit);
  const { truths, rows } = group;
  const values = new Float64Array(detections.length * truths.length);
  for (let d = 0; d < detections.length; d += 1) {
    const row = rows[d]!;
    for (let t = 0; t < truths.length; t += 1) values[d * truths.length + t] = overlaps.values[row + t]!;
  }
  const crowd = Uint8Array.from(truths, ({ place }) => overlaps.crowd[place]!);
  return {
    scores: Float64Array.from(detections, ({ score }) => score),
    detectionAreas: Float64Array.from(detections, ({ place }) => overlaps.areas[place]!),
    truthAreas: Float64Array.from(truths, ({ truth }) => truth.area),
    crowd,
    ignored: rules === 'coco' ? crowd : Uint8Array.from(truths, ({ truth }) => (truth.ignore ? 1 : 0)),
    overlaps: values,
    notExhaustive,
  };
}

/** COCO's IoU of boxes x, y, width, height; a crowd's union is the detection. `rows`: for each detection, the truths to compare with. */
function boxOverlaps(
  detections: readonly (readonly [number, number, number, number])[],
  truths: readonly Truth[],
  crowd: Uint8Array,
  rows: readonly (readonly number[])[],
): Float64Array {
  const overlaps = new Float64Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const [d, [x, y, width, height]] of detections.entries()) {
    for (const g of rows[d]!) {
      const [left, top, w, h] = truths[g]!.box;
      const inX = Math.min(x + width, left + w) - Math.max(x, left);
      const inY = Math.min(y + height, top + h) - Math.max(y, top);
      if (inX > 0 && inY > 0) {
        const common = inX * inY;
        overlaps[at] = common / (crowd[g] ? width * height : width * height + w * h - common);
      }
      at += 1;
    }
  }
  return overlaps;
}
