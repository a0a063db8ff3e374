/** From the matches of all pictures to precision at recall: cocoeval.py's accumulate(), with a weight for each picture. */
import type { Matches } from './match.js';

/** 0, 0.01, …, 1 as numpy's linspace writes them. */
export const RECALLS: readonly number[] = Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));
/** 0.5, 0.55, …, 0.95 as numpy's linspace writes them. */
export const IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9)));

/** Detections of one category in one picture, best first, with what became of them in each size range. */
export interface PictureMatches {
  /** Position of the picture in the data set. */
  readonly picture: number;
  readonly scores: Float64Array;
  readonly matches: Matches;
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
  /** The detection's picture, by rank. */
  readonly picture: Uint32Array;
  /** The detection's position among those of its picture, by rank. */
  readonly position: Uint32Array;
  /** By size range: `matched` and `ignored` of each detection, by rank. */
  readonly ranges: readonly { readonly matched: Uint16Array; readonly ignored: Uint16Array }[];
}

/** `entries`: in the order of the pictures, which decides between equal scores. */
export function rank(entries: readonly PictureMatches[]): Ranking {
  let total = 0;
  for (const { scores } of entries) total += scores.length;
  const scores = new Float64Array(total);
  const entry = new Uint32Array(total);
  const first = new Uint32Array(entries.length);
  let k = 0;
  for (const [e, { scores: own }] of entries.entries()) {
    first[e] = k;
    scores.set(own, k);
    entry.fill(e, k, k + own.length);
    k += own.length;
  }
  const order = new Uint32Array(total).map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const positionOf = (i: number) => i - first[entry[i]!]!;
  const ranges = (entries[0]?.matches.truths ?? []).map((_, r) => {
    const ranked = (of: 'matched' | 'ignored') => {
      const values = new Uint16Array(total);
      for (let k = 0; k < total; k += 1) {
        const i = order[k]!;
        const { matches, scores: own } = entries[entry[i]!]!;
        values[k] = matches[of][r * own.length + i - first[entry[i]!]!]!;
      }
      return values;
    };
    return { matched: ranked('matched'), ignored: ranked('ignored') };
  });
  return { entries, picture: order.map((i) => entries[entry[i]!]!.picture), position: order.map(positionOf), ranges };
}

/**
 * Precision and recall of a category in size range number `range` with at most `limit` detections a picture; undefined
 * when nothing is to be found. `weights`: how often each picture counts, all once when absent.
 */
export function accumulate(ranking: Ranking, range: number, thresholds: number, limit: number, weights?: Float64Array): Curves | undefined {
  let truths = 0;
  for (const { picture, matches } of ranking.entries) truths += matches.truths[range]! * (weights ? weights[picture]! : 1);
  if (truths === 0) return undefined;
  const { matched, ignored } = ranking.ranges[range]!;
  // What the limit or the draw leaves out is left out once, for all thresholds.
  const kept = new Uint32Array(ranking.picture.length);
  const weight = new Float64Array(kept.length);
  let count = 0;
  for (let k = 0; k < kept.length; k += 1) {
    const own = weights ? weights[ranking.picture[k]!]! : 1;
    if (ranking.position[k]! >= limit || own === 0) continue;
    kept[count] = k;
    weight[count] = own;
    count += 1;
  }
  const precision = new Float64Array(thresholds);
  const recall = new Float64Array(thresholds);
  const precisions = new Float64Array(count);
  const recalls = new Float64Array(count);
  for (let t = 0; t < thresholds; t += 1) {
    let right = 0;
    let wrong = 0;
    let points = 0;
    for (let k = 0; k < count; k += 1) {
      const d = kept[k]!;
      if ((ignored[d]! >> t) & 1) continue;
      if ((matched[d]! >> t) & 1) {
        right += weight[k]!;
        // Recall rises and precision peaks at right detections only: no other point can decide a mean.
        recalls[points] = right / truths;
        precisions[points] = right / (wrong + right + Number.EPSILON);
        points += 1;
      } else wrong += weight[k]!;
    }
    recall[t] = points > 0 ? recalls[points - 1]! : 0;
    precision[t] = meanPrecision(precisions, recalls, points);
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
