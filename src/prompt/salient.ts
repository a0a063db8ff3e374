/** The salient object of a picture: what people would look at, by a rule of thumb. */

import type { PromptAnswer } from '../domain/answer.js';
import { type MaskRuns, maskOf } from '../domain/mask.js';
import type { SalientPrompt } from '../domain/prompt.js';
import type { Segments } from '../domain/segments.js';

/** Spread of the prior for the middle of the picture, as a share of its sides. */
const SIGMA = 0.25;

/**
 * How salient an object is, 0 to 1: score · exp(−d² / (2 · 0.25²)), d being the distance of its mask's centroid from the middle of
 * the picture, with each side as 1. The rule was fixed before any picture was measured with it: what people photograph is near
 * the middle, and a network is sure of it.
 */
export function salience(segments: Segments, index: number): number {
  const { width, height } = segments;
  const { x, y } = centroidOf(maskOf(segments, index), height);
  const squared = (x / width - 0.5) ** 2 + (y / height - 0.5) ** 2;
  return segments.scores[index]! * Math.exp(-squared / (2 * SIGMA ** 2));
}

/** The most salient object, or all that reach the threshold; the first one on a tie. */
export function answerSalient(segments: Segments, { id, type, select, threshold }: SalientPrompt): PromptAnswer {
  const ranked = Array.from({ length: segments.count }, (_, index) => ({ index, score: salience(segments, index) }));
  ranked.sort((a, b) => b.score - a.score || a.index - b.index);
  const matches = ranked.filter(({ score }) => score >= threshold);
  if (matches.length === 0) return { id, type, matches, bestScore: ranked[0]?.score ?? 0 };
  return { id, type, matches: select === 'best' ? matches.slice(0, 1) : matches };
}

/** Mean position of the pixels' centres, in pixels; the corner for an empty mask. */
function centroidOf(runs: MaskRuns, height: number): { x: number; y: number } {
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  for (let k = 0; k < runs.length; k += 2) {
    for (let start = runs[k]!; start < runs[k + 1]!; ) {
      const column = Math.floor(start / height);
      const end = Math.min(runs[k + 1]!, (column + 1) * height);
      const rows = end - start;
      area += rows;
      sumX += rows * (column + 0.5);
      sumY += (rows * (start + end - 2 * column * height)) / 2;
      start = end;
    }
  }
  return area === 0 ? { x: 0, y: 0 } : { x: sumX / area, y: sumY / area };
}
