/** Which figures the official tools print, and how. */
import type { Figure, Rules } from './evaluation.js';

/** COCO's twelve for three limits of detections. With 100 among them, the first is at 100, as pycocotools has it. */
function cocoFigures(maxDets: readonly number[]): Figure[] {
  const last = maxDets.at(-1)!;
  const first = maxDets.includes(100) ? 100 : last;
  const figures: Figure[] = [
    { name: first === last ? 'AP' : `AP@${first}`, kind: 'AP', iou: null, area: 'all', maxDets: first },
    { name: 'AP50', kind: 'AP', iou: 0.5, area: 'all', maxDets: last },
    { name: 'AP75', kind: 'AP', iou: 0.75, area: 'all', maxDets: last },
    { name: 'APs', kind: 'AP', iou: null, area: 'small', maxDets: last },
    { name: 'APm', kind: 'AP', iou: null, area: 'medium', maxDets: last },
    { name: 'APl', kind: 'AP', iou: null, area: 'large', maxDets: last },
    ...maxDets.map((limit): Figure => ({ name: `AR@${limit}`, kind: 'AR', iou: null, area: 'all', maxDets: limit })),
    { name: 'ARs', kind: 'AR', iou: null, area: 'small', maxDets: last },
    { name: 'ARm', kind: 'AR', iou: null, area: 'medium', maxDets: last },
    { name: 'ARl', kind: 'AR', iou: null, area: 'large', maxDets: last },
  ];
  if (first !== last) figures.push({ name: `AP@${last}`, kind: 'AP', iou: null, area: 'all', maxDets: last });
  return figures;
}

/** LVIS's thirteen. */
function lvisFigures(limit: number, agnostic: boolean): Figure[] {
  const all = cocoFigures([limit]);
  const frequencies = (['r', 'c', 'f'] as const).map(
    (frequency): Figure => ({ name: `AP${frequency}`, kind: 'AP', iou: null, area: 'all', maxDets: limit, frequency }),
  );
  return agnostic ? all : [...all.filter(({ kind }) => kind === 'AP'), ...frequencies, ...all.filter(({ kind }) => kind === 'AR')];
}

/** The figures of a benchmark in the order its tool prints them. */
export function figuresOf(rules: Rules, maxDets: readonly number[], agnostic: boolean): Figure[] {
  return rules === 'coco' ? cocoFigures(maxDets) : lvisFigures(maxDets.at(-1)!, agnostic);
}

/** The line that pycocotools prints for a figure. */
export function figureLine(figure: Figure, value: number): string {
  const title = figure.kind === 'AP' ? 'Average Precision' : 'Average Recall';
  const iou = figure.iou === null ? '0.50:0.95' : figure.iou.toFixed(2);
  const frequency = figure.frequency === undefined ? '' : ` | catIds=${figure.frequency.padStart(3)}`;
  return ` ${title.padEnd(18)} (${figure.kind}) @[ IoU=${iou.padEnd(9)} | area=${figure.area.padStart(6)} | maxDets=${String(figure.maxDets).padStart(3)}${frequency} ] = ${value.toFixed(3)}`;
}

/** Limits of the proposal curve. */
export const PROPOSAL_LIMITS = [1, 10, 30, 50, 100, 300, 500, 1000] as const;

/**
 * Area under the recall curve over ln k / ln 1000, as OLN's compute_auc.py: trapezoids between the limits, recall at
 * k = 1 taken as 0. `recalls`: AR at PROPOSAL_LIMITS.
 */
export function proposalAuc(recalls: readonly number[]): number {
  const x = PROPOSAL_LIMITS.map((k) => Math.log(k) / Math.log(1000));
  const y = recalls.map((recall, k) => (k === 0 ? 0 : recall));
  let area = 0;
  for (let k = 1; k < x.length; k += 1) area += ((x[k]! - x[k - 1]!) * (y[k]! + y[k - 1]!)) / 2;
  return area;
}
