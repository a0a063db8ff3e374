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

/** What became of the detections in each range of sizes: bit t of an element belongs to IoU threshold t. */
export interface Matches {
  /** [ranges × detections] */
  readonly matched: Uint16Array;
  /** [ranges × detections] Detections that count neither as right nor as wrong. */
  readonly ignored: Uint16Array;
  /** [ranges] Truths that are to be found. */
  readonly truths: readonly number[];
}

/** An IoU of 1 must reach a threshold of 1. */
const ALMOST_ONE = 1 - 1e-10;

/**
 * Matches detections, best score first, each to the truth it overlaps most among those still free. `thresholds`: at most 16 IoU
 * thresholds, ascending. `ranges`: truths with an area outside [min, max] are ignored, and so are unmatched detections outside.
 */
export function match(
  candidates: Candidates,
  thresholds: readonly number[],
  ranges: readonly (readonly [min: number, max: number])[],
): Matches {
  const { scores, truthAreas, overlaps } = candidates;
  const count = truthAreas.length;
  const lowest = Math.min(thresholds[0]!, ALMOST_ONE);
  // Most detections overlap no truth enough for any threshold.
  const near: number[] = [];
  for (let d = 0; d < scores.length; d += 1) {
    let g = d * count;
    const end = g + count;
    while (g < end && overlaps[g]! < lowest) g += 1;
    if (g < end) near.push(d);
  }
  const matched = new Uint16Array(ranges.length * scores.length);
  const ignored = new Uint16Array(ranges.length * scores.length);
  const truths = ranges.map((range, r) => {
    const from = r * scores.length;
    const to = from + scores.length;
    return matchInRange(candidates, thresholds, range, near, matched.subarray(from, to), ignored.subarray(from, to));
  });
  return { matched, ignored, truths };
}

/** Fills `matched` and `ignored` for one range; answers how many truths are to be found. */
function matchInRange(
  candidates: Candidates,
  thresholds: readonly number[],
  [min, max]: readonly [number, number],
  near: readonly number[],
  matched: Uint16Array,
  ignored: Uint16Array,
): number {
  const { detectionAreas, truthAreas, crowd, overlaps, notExhaustive } = candidates;
  const count = truthAreas.length;
  const all = (1 << thresholds.length) - 1;
  for (let d = 0; d < ignored.length; d += 1) {
    if (notExhaustive || detectionAreas[d]! < min || detectionAreas[d]! > max) ignored[d] = all;
  }
  if (count === 0) return 0;
  const left = new Uint8Array(count);
  let leftOut = 0;
  for (let g = 0; g < count; g += 1) {
    if (!candidates.ignored[g] && truthAreas[g]! >= min && truthAreas[g]! <= max) continue;
    left[g] = 1;
    leftOut += 1;
  }
  if (near.length === 0) return count - leftOut;
  // Those that count come first: a detection takes an ignored truth only when no other fits.
  const order = [...left.keys()].sort((a, b) => left[a]! - left[b]! || a - b);
  const taken = new Uint8Array(count);
  for (const [t, threshold] of thresholds.entries()) {
    taken.fill(0);
    for (const d of near) {
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
      if (found < 0) continue;
      taken[found] = 1;
      matched[d]! |= 1 << t;
      if (left[found]) ignored[d]! |= 1 << t;
      else ignored[d]! &= ~(1 << t);
    }
  }
  return count - leftOut;
}
