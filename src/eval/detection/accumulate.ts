/** From the matches of all pictures to precision at recall: cocoeval.py's accumulate(), with a weight for each picture. */
import type { Matches } from './match.js';

/** 0, 0.01, …, 1 as numpy's linspace writes them. */
export const RECALLS: readonly number[] = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));
/** 0.5, 0.55, …, 0.95 as numpy's linspace writes them. */
export const IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9)));

/** Detections of one category in one picture, best first, with what became of them. */
export interface PictureMatches extends Matches {
  /** Position of the picture in the data set. */
  readonly picture: number;
  readonly scores: Float64Array;
}

/** A curve per IoU threshold. */
export interface Curves {
  /** [thresholds] mean precision over RECALLS. */
  readonly precision: Float64Array;
  /** [thresholds] recall after the last detection. */
  readonly recall: Float64Array;
}

/** Detections of one category over all pictures in descending score, ready for any limit per picture and any weights. */
export interface Ranking {
  readonly entries: readonly PictureMatches[];
  /** Position in `entries`, by rank. */
  readonly entry: Uint32Array;
  /** Position within that entry, by rank. */
  readonly position: Uint32Array;
}

/** `entries`: in the order of the pictures, which decides between equal scores. */
export function rank(entries: readonly PictureMatches[]): Ranking {
  const total = entries.reduce((sum, { scores }) => sum + scores.length, 0);
  const scores = new Float64Array(total);
  const entry = new Uint32Array(total);
  const position = new Uint32Array(total);
  let k = 0;
  for (const [e, { scores: own }] of entries.entries()) {
    for (let d = 0; d < own.length; d += 1, k += 1) {
      scores[k] = own[d]!;
      entry[k] = e;
      position[k] = d;
    }
  }
  const order = Uint32Array.from({ length: total }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return { entries, entry: order.map((i) => entry[i]!), position: order.map((i) => position[i]!) };
}

/**
 * Precision and recall of a category with at most `limit` detections a picture; undefined when nothing is to be found.
 * `weights`: how often each picture counts, all once when absent.
 */
export function accumulate(ranking: Ranking, thresholds: number, limit: number, weights?: Float64Array): Curves | undefined {
  const { entries, entry, position } = ranking;
  const weightOf = (e: number) => (weights ? weights[entries[e]!.picture]! : 1);
  let truths = 0;
  for (const [e, { truths: own }] of entries.entries()) truths += own * weightOf(e);
  if (truths === 0) return undefined;
  const precision = new Float64Array(thresholds);
  const recall = new Float64Array(thresholds);
  const precisions = new Float64Array(entry.length);
  const recalls = new Float64Array(entry.length);
  for (let t = 0; t < thresholds; t += 1) {
    let right = 0;
    let wrong = 0;
    let count = 0;
    for (let k = 0; k < entry.length; k += 1) {
      const e = entry[k]!;
      const d = position[k]!;
      const weight = weightOf(e);
      if (d >= limit || weight === 0) continue;
      const { matched, ignored } = entries[e]!;
      if ((ignored[d]! >> t) & 1) {
        // It keeps its place on the curve without moving it.
      } else if ((matched[d]! >> t) & 1) right += weight;
      else wrong += weight;
      recalls[count] = right / truths;
      precisions[count] = right / (wrong + right + Number.EPSILON);
      count += 1;
    }
    recall[t] = count > 0 ? recalls[count - 1]! : 0;
    precision[t] = meanPrecision(precisions, recalls, count);
  }
  return { precision, recall };
}

/** Mean over RECALLS of the best precision at that recall or beyond; 0 where it is never reached. */
function meanPrecision(precisions: Float64Array, recalls: Float64Array, count: number): number {
  for (let k = count - 1; k > 0; k -= 1) {
    if (precisions[k]! > precisions[k - 1]!) precisions[k - 1] = precisions[k]!;
  }
  let sum = 0;
  let k = 0;
  for (const wanted of RECALLS) {
    while (k < count && recalls[k]! < wanted) k += 1;
    if (k === count) break;
    sum += precisions[k]!;
  }
  return sum / RECALLS.length;
}
