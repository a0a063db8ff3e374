/** The tasks `coco` and `lvis`: detections of a data set, scored, with intervals, a table per picture and a report. */
import { drawPictures, middle95 } from '../bootstrap.js';
import type { ReportFigure } from '../report.js';
import type { Dataset, Picture } from './dataset.js';
import { DetectionEvaluation, type EvaluationOptions, type IouType, type PreparedPicture, type Rules } from './evaluation.js';
import { figureLine, figuresOf, PROPOSAL_LIMITS, proposalAuc } from './figures.js';
import type { Detection } from './results.js';

/** Native code prepares a picture while JavaScript matches another. */
const PICTURES_AT_ONCE = 4;

export interface ScoringOptions {
  readonly rules: Rules;
  readonly iouTypes: readonly IouType[];
  readonly agnostic: boolean;
  readonly maxDets: readonly number[];
  /** Boxes to score: those of the network, or those around its masks. */
  readonly boxes: 'network' | 'mask';
  /** Draws for the intervals; 0: none. */
  readonly draws: number;
  readonly seed: number;
}

/** Scores one kind of overlap. */
export interface Score {
  readonly iouType: IouType;
  readonly figures: readonly ReportFigure[];
  /** As the official tool prints them. */
  readonly lines: readonly string[];
}

/** One picture's own figures: what to look at first. */
export interface PictureScore {
  readonly picture: Picture;
  readonly truths: number;
  readonly detections: number;
  readonly ap: number;
  readonly ap50: number;
  readonly recall: number;
}

/** Pictures are added in the order of the data set; `finish` computes the figures. */
export class DetectionScoring {
  readonly #evaluations: readonly DetectionEvaluation[];
  readonly #waiting: Promise<PreparedPicture[]>[] = [];
  readonly #pictures: { picture: Picture; truths: number; detections: number }[] = [];

  constructor(
    private readonly dataset: Dataset,
    private readonly options: ScoringOptions,
  ) {
    const { rules, agnostic, maxDets, iouTypes } = options;
    const evaluation = (iouType: IouType, limits: readonly number[]) =>
      new DetectionEvaluation(dataset, { rules, agnostic, maxDets: limits, iouType } satisfies EvaluationOptions);
    this.#evaluations = iouTypes.map((iouType) => evaluation(iouType, maxDets));
  }

  /** Resolves when few enough pictures wait. Errors: DATASET_INVALID for a mask of this picture, or one before, that does not fit. */
  async add(picture: Picture, detections: readonly Detection[]): Promise<void> {
    const truths = this.dataset.truths.get(picture.id) ?? [];
    this.#pictures.push({ picture, truths: truths.length, detections: detections.length });
    const prepared = Promise.all(
      this.#evaluations.map((evaluation) =>
        evaluation.prepare(
          picture,
          truths,
          detections.map((detection) => detectionFor(evaluation.options.iouType, this.options.boxes, detection)),
        ),
      ),
    );
    // Told when its turn comes.
    prepared.catch(() => undefined);
    this.#waiting.push(prepared);
    if (this.#waiting.length > PICTURES_AT_ONCE) await this.#addOldest();
  }

  async #addOldest(): Promise<void> {
    const prepared = await this.#waiting.shift()!;
    for (const [k, evaluation] of this.#evaluations.entries()) evaluation.add(prepared[k]!);
  }

  /** `onDraw` is called after each draw of the bootstrap. Errors: as `add`. */
  async finish(onDraw: () => void = () => {}): Promise<Score[]> {
    while (this.#waiting.length > 0) await this.#addOldest();
    const scores: Score[] = [];
    for (const evaluation of this.#evaluations) scores.push(await this.#score(evaluation, onDraw));
    return scores;
  }

  async #score(evaluation: DetectionEvaluation, onDraw: () => void): Promise<Score> {
    const { rules, maxDets, agnostic, draws, seed } = this.options;
    const { iouType } = evaluation.options;
    const figures = figuresOf(rules, maxDets, agnostic);
    const values = figures.map((figure) => evaluation.value(figure));
    const drawn: number[][] = figures.map(() => []);
    for (let draw = 0; draw < draws; draw += 1) {
      const weights = drawPictures(evaluation.pictures, seed, draw);
      for (const [k, figure] of figures.entries()) drawn[k]!.push(rounded(evaluation.value(figure, weights)));
      onDraw();
      // Lets timers and signals through between draws.
      await new Promise(setImmediate);
    }
    const report: ReportFigure[] = figures.map(({ name }, k) => ({
      name: `${iouType}/${name}`,
      value: values[k]!,
      ...(draws > 0 && values[k]! >= 0 ? { ...middle95(drawn[k]!), draws: drawn[k]! } : {}),
    }));
    // The curve of proposals needs a thousand detections a picture.
    if (agnostic && maxDets.at(-1)! >= PROPOSAL_LIMITS.at(-1)!) {
      const recalls = PROPOSAL_LIMITS.map((limit) => evaluation.value({ name: '', kind: 'AR', iou: null, area: 'all', maxDets: limit }));
      report.push({ name: `${iouType}/AUC`, value: proposalAuc(recalls) });
    }
    return { iouType, figures: report, lines: figures.map((figure, k) => figureLine(figure, values[k]!)) };
  }

  /** Figures of each picture alone, for the first kind of overlap; those without annotated objects are left out. */
  pictureScores(): PictureScore[] {
    const evaluation = this.#evaluations[0]!;
    const limit = this.options.maxDets.at(-1)!;
    return this.#pictures.flatMap(({ picture, truths, detections }, index) => {
      const own = (kind: 'AP' | 'AR', iou: number | null) =>
        evaluation.valueOfPicture(index, { name: '', kind, iou, area: 'all', maxDets: limit });
      const ap = own('AP', null);
      return ap < 0 ? [] : [{ picture, truths, detections, ap, ap50: own('AP', 0.5), recall: own('AR', null) }];
    });
  }
}

/** Official tools read boxes and masks from results of one kind each; a mask's size is then the mask's. */
export function detectionFor(iouType: IouType, boxes: 'network' | 'mask', detection: Detection): Detection {
  const { picture, category, score, box, segmentation } = detection;
  if (iouType === 'segm' && segmentation) return !box ? detection : { picture, category, score, segmentation };
  if (iouType === 'bbox' && boxes === 'network' && box) return { picture, category, score, box };
  return detection.segmentation && iouType === 'bbox' ? { picture, category, score, segmentation: detection.segmentation } : detection;
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
