/**
 * Measures of anomaly maps: AUROC of pictures and of pixels, AUPRO (Bergmann et al. 2020, "Uninformed Students", and MVTec's own
 * evaluation code: 8-connected regions, false positive rates up to 0.3, area divided by 0.3), and the best F1 of pictures.
 */

/** A map's levels are 16 bit whole numbers, comparable from picture to picture. */
export const LEVELS = 2 ** 16;

/** False positive rate up to which the overlap of regions counts. */
export const PRO_LIMIT = 0.3;

/** What one picture adds: counts by level, so that a set of any size takes the memory of a few pictures. */
export interface AnomalyPicture {
  /** Score of the whole picture. */
  readonly score: number;
  /** Whether anything is wrong in it. */
  readonly bad: boolean;
  /** Pixels of each level that are right. */
  readonly good: LevelCounts;
  /** Pixels of each level of each wrong region. */
  readonly regions: readonly LevelCounts[];
}

/** Levels that occur, ascending, with their counts. */
export interface LevelCounts {
  readonly levels: Uint16Array;
  readonly counts: Uint32Array;
  readonly total: number;
}

/** NaN where a figure has no meaning: without good or without bad pictures, or without masks. */
export interface AnomalyFigures {
  readonly imageAuroc: number;
  readonly imageF1: number;
  readonly pixelAuroc: number;
  readonly aupro: number;
}

/**
 * `map`: [height × width] levels, row-major. `mask`: 1 where something is wrong, undefined for a good picture. `score`: of the
 * picture.
 */
export function anomalyPicture(map: Uint16Array, mask: Uint8Array | undefined, width: number, score: number, bad: boolean): AnomalyPicture {
  if (!mask) return { score, bad, good: countLevels(map, () => true), regions: [] };
  const { labels, count } = regionsOf(mask, width);
  return {
    score,
    bad,
    good: countLevels(map, (k) => labels[k] === 0),
    regions: Array.from({ length: count }, (_, region) => countLevels(map, (k) => labels[k] === region + 1)),
  };
}

function countLevels(map: Uint16Array, wanted: (pixel: number) => boolean): LevelCounts {
  const picked = map.filter((_, k) => wanted(k)).sort();
  const levels: number[] = [];
  const counts: number[] = [];
  for (const level of picked) {
    if (levels.at(-1) === level) counts[counts.length - 1]! += 1;
    else {
      levels.push(level);
      counts.push(1);
    }
  }
  return { levels: Uint16Array.from(levels), counts: Uint32Array.from(counts), total: picked.length };
}

/** Regions of pixels that touch, diagonally too: their number by pixel, from 1; 0 outside. */
export function regionsOf(mask: Uint8Array, width: number): { labels: Int32Array; count: number } {
  const height = mask.length / width;
  const labels = new Int32Array(mask.length);
  let count = 0;
  const stack: number[] = [];
  for (let start = 0; start < mask.length; start += 1) {
    if (!mask[start] || labels[start]) continue;
    count += 1;
    labels[start] = count;
    stack.push(start);
    for (let pixel = stack.pop(); pixel !== undefined; pixel = stack.pop()) {
      const x = pixel % width;
      const y = Math.floor(pixel / width);
      for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ny += 1) {
        for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); nx += 1) {
          const next = ny * width + nx;
          if (!mask[next] || labels[next]) continue;
          labels[next] = count;
          stack.push(next);
        }
      }
    }
  }
  return { labels, count };
}

export function anomalyFigures(pictures: readonly AnomalyPicture[]): AnomalyFigures {
  const scores = pictures.map(({ score }) => score);
  const bad = pictures.map((picture) => picture.bad);
  const good = addLevels(pictures.map((picture) => picture.good));
  const regions = pictures.flatMap((picture) => picture.regions);
  return {
    imageAuroc: auroc(scores, bad),
    imageF1: bestF1(scores, bad),
    pixelAuroc: regions.length === 0 ? Number.NaN : levelAuroc(good, addLevels(regions)),
    aupro: regions.length === 0 ? Number.NaN : aupro(good, regions),
  };
}

/**
 * Area under the ROC curve: the share of pairs of a bad and a good one in which the bad one scores higher, ties counting half
 * (Mann and Whitney 1947). NaN without one of the two.
 */
export function auroc(scores: readonly number[], bad: readonly boolean[]): number {
  const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!);
  let wins = 0;
  let goodBelow = 0;
  let badTotal = 0;
  for (let k = 0; k < order.length; ) {
    let [goodHere, badHere] = [0, 0];
    const value = scores[order[k]!]!;
    for (; k < order.length && scores[order[k]!] === value; k += 1) {
      if (bad[order[k]!]) badHere += 1;
      else goodHere += 1;
    }
    wins += badHere * (goodBelow + goodHere / 2);
    goodBelow += goodHere;
    badTotal += badHere;
  }
  return badTotal === 0 || goodBelow === 0 ? Number.NaN : wins / (badTotal * goodBelow);
}

/** The best F1 of "bad at or above a threshold" over all thresholds. NaN without bad ones. */
export function bestF1(scores: readonly number[], bad: readonly boolean[]): number {
  const total = bad.filter(Boolean).length;
  if (total === 0) return Number.NaN;
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
  let best = 0;
  let found = 0;
  for (const [k, index] of order.entries()) {
    if (bad[index]) found += 1;
    if (k + 1 < order.length && scores[order[k + 1]!] === scores[index]) continue;
    best = Math.max(best, (2 * found) / (k + 1 + total));
  }
  return best;
}

function addLevels(parts: readonly LevelCounts[]): Float64Array {
  const sum = new Float64Array(LEVELS);
  for (const { levels, counts } of parts) for (const [k, level] of levels.entries()) sum[level]! += counts[k]!;
  return sum;
}

function levelAuroc(good: Float64Array, bad: Float64Array): number {
  let [wins, goodBelow, badTotal] = [0, 0, 0];
  for (let level = 0; level < LEVELS; level += 1) {
    wins += bad[level]! * (goodBelow + good[level]! / 2);
    goodBelow += good[level]!;
    badTotal += bad[level]!;
  }
  return badTotal === 0 || goodBelow === 0 ? Number.NaN : wins / (badTotal * goodBelow);
}

/**
 * Mean over regions of the share that a threshold finds, against the share of right pixels that it takes for wrong: area by
 * trapezoids up to PRO_LIMIT, the last one cut there, divided by PRO_LIMIT.
 */
function aupro(good: Float64Array, regions: readonly LevelCounts[]): number {
  const gain = new Float64Array(LEVELS);
  for (const { levels, counts, total } of regions) {
    for (const [k, level] of levels.entries()) gain[level]! += counts[k]! / total / regions.length;
  }
  const all = good.reduce((sum, count) => sum + count, 0);
  if (all === 0) return Number.NaN;
  let [area, rate, overlap, taken] = [0, 0, 0, 0];
  for (let level = LEVELS - 1; level >= 0; level -= 1) {
    if (good[level] === 0 && gain[level] === 0) continue;
    taken += good[level]!;
    const nextRate = taken / all;
    const nextOverlap = overlap + gain[level]!;
    if (nextRate >= PRO_LIMIT) {
      const share = nextRate > rate ? (PRO_LIMIT - rate) / (nextRate - rate) : 0;
      const last = overlap + share * (nextOverlap - overlap);
      return (area + ((PRO_LIMIT - rate) * (overlap + last)) / 2) / PRO_LIMIT;
    }
    area += ((nextRate - rate) * (overlap + nextOverlap)) / 2;
    [rate, overlap] = [nextRate, nextOverlap];
  }
  return area / PRO_LIMIT;
}
