/**
 * The protocol behind FastSAM's 37.9 AP: boxes of a detector are the prompts, the network's mask that fits a box best is
 * the detection, with the detector's category and score.
 */
import { type MaskRuns, maskAreaInBox, maskOf } from '../../domain/mask.js';
import { boxOf, type Segments } from '../../domain/segments.js';

/** `mask`: mask against the filled box, as the product's box prompt and FastSAM's code; `box`: box against box, as the paper has it. */
export type PickBy = 'mask' | 'box';

/** The object that fits the box x, y, width, height best; −1 when there is no object. */
export function pickObject(segments: Segments, [x, y, width, height]: readonly [number, number, number, number], pick: PickBy): number {
  let best = -1;
  let bestFit = -1;
  const clip = (value: number, max: number) => Math.min(Math.max(Math.round(value), 0), max);
  const left = clip(x, segments.width);
  const top = clip(y, segments.height);
  const right = clip(x + width, segments.width);
  const bottom = clip(y + height, segments.height);
  const boxArea = (right - left) * (bottom - top);
  for (let index = 0; index < segments.count; index += 1) {
    const fit =
      pick === 'mask'
        ? maskFit(maskOf(segments, index), segments.areas[index]!, segments.height, [left, top, right, bottom], boxArea)
        : boxFit(boxOf(segments, index), [x, y, x + width, y + height]);
    if (fit > bestFit) {
      best = index;
      bestFit = fit;
    }
  }
  return best;
}

function maskFit(runs: MaskRuns, area: number, height: number, [x1, y1, x2, y2]: readonly number[], boxArea: number): number {
  const inside = maskAreaInBox(runs, height, x1!, y1!, x2!, y2!);
  const union = boxArea + area - inside;
  return union === 0 ? 0 : inside / union;
}

function boxFit(a: readonly [number, number, number, number], b: readonly [number, number, number, number]): number {
  const inX = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const inY = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (inX <= 0 || inY <= 0) return 0;
  const area = ([x1, y1, x2, y2]: readonly [number, number, number, number]) => (x2 - x1) * (y2 - y1);
  return (inX * inY) / (area(a) + area(b) - inX * inY);
}
