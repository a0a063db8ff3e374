/**
 * Which detection found which annotated object: the greedy rule of COCO and LVIS (cocoeval.py, lvis/eval.py), kept to the
 * letter so that figures compare with published ones.
 */

/** Detections and annotated objects ("truths") of one category in one picture. */
export interface Candidates {
  /** Descending; equal scores in the order of the results file. */
  readonly scores: Float64Array;
  /** [detections] pixels, for the size ranges. */
  readonly detectionAreas: Float64Array;
  /** [truths] pixels as annotated, which differ from the mask's. */
  readonly truthAreas: Float64Array;
  /** [truths] 1: a crowd, may be found many times and never counts. */
  readonly crowd: Uint8Array;
  /** [truths] 1: left out of the count, as crowds are. */
  readonly ignored: Uint8Array;
  /** [detections × truths] IoU. */
  readonly overlaps: Float64Array;
  /** LVIS: not every object of this category is annotated in this picture, so an unmatched detection proves nothing. */
  readonly notExhaustive: boolean;
}

/** What became of the detections: bit t of an element belongs to IoU threshold t. */
export interface Matches {
  readonly matched: Uint16Array;
  /** Detections that count neither as right nor as wrong. */
  readonly ignored: Uint16Array;
  /** Truths that are to be found. */
  readonly truths: number;
}

/** An IoU of 1 must reach a threshold of 1. */
const ALMOST_ONE = 1 - 1e-10;

/**
 * Matches detections, best score first, each to the truth it overlaps most among those still free. `thresholds`: at most
 * 16 IoU thresholds, ascending. `area`: truths outside [min, max] are ignored, and so are unmatched detections outside.
 */
export function match(candidates: Candidates, thresholds: readonly number[], [min, max]: readonly [number, number]): Matches {
  const { scores, detectionAreas, truthAreas, crowd, overlaps } = candidates;
  const count = truthAreas.length;
  const left = Uint8Array.from(truthAreas, (area, g) => (candidates.ignored[g] || area < min || area > max ? 1 : 0));
  // Those that count come first: a detection takes an ignored truth only when no other fits.
  const order = [...left.keys()].sort((a, b) => left[a]! - left[b]! || a - b);
  const matched = new Uint16Array(scores.length);
  const ignored = new Uint16Array(scores.length);
  const taken = new Uint8Array(count);
  const all = (1 << thresholds.length) - 1;
  const lowest = Math.min(thresholds[0]!, ALMOST_ONE);
  const near = new Uint8Array(scores.length);
  for (let d = 0; d < scores.length; d += 1) {
    for (let g = 0; g < count; g += 1) if (overlaps[d * count + g]! >= lowest) near[d] = 1;
    // Most detections overlap no truth enough for any threshold.
    if (!near[d] && (candidates.notExhaustive || detectionAreas[d]! < min || detectionAreas[d]! > max)) ignored[d] = all;
  }
  for (const [t, threshold] of thresholds.entries()) {
    taken.fill(0);
    for (let d = 0; d < scores.length; d += 1) {
      if (!near[d]) continue;
      let best = Math.min(threshold, ALMOST_ONE);
      let found = -1;
      for (const g of order) {
        if (taken[g] && !crowd[g]) continue;
        if (found >= 0 && !left[found] && left[g]) break;
        const overlap = overlaps[d * count + g]!;
        if (overlap < best) continue;
        best = overlap;
        found = g;
      }
      if (found >= 0) {
        taken[found] = 1;
        matched[d]! |= 1 << t;
        if (left[found]) ignored[d]! |= 1 << t;
      } else if (candidates.notExhaustive || detectionAreas[d]! < min || detectionAreas[d]! > max) {
        ignored[d]! |= 1 << t;
      }
    }
  }
  return { matched, ignored, truths: count - left.reduce((sum, value) => sum + value, 0) };
}
