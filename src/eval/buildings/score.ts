/** F1 of building footprints as SpaceNet scores them (Van Etten, Lindenbaum, Bacastow 2018; solaris' Evaluator). */
import polygonClipping, { type MultiPolygon } from 'polygon-clipping';

/** Polygons of one building: rings of [x, y], the first outside, in one plane. */
export type Footprint = MultiPolygon;

export interface FootprintCounts {
  readonly found: number;
  readonly wrong: number;
  readonly missed: number;
}

/** A footprint is found by an IoU above this. */
export const FOUND_IOU = 0.5;

interface Prepared {
  /** Without crossings, so that its area is that of the pixels it covers. */
  readonly shape: MultiPolygon;
  readonly area: number;
  readonly box: readonly [number, number, number, number];
}

/** A footprint that counts, and whether it has a counterpart. */
export interface MatchedFootprint {
  readonly footprint: Footprint;
  readonly matched: boolean;
}

export interface FootprintMatches {
  readonly proposals: readonly MatchedFootprint[];
  readonly truths: readonly MatchedFootprint[];
}

/**
 * Matches proposals in their order, each to the truth it overlaps most among those left. Truths of less than `minArea` are left out,
 * and so are proposals of that or less.
 */
export function matchFootprints(proposals: readonly Footprint[], truths: readonly Footprint[], minArea: number): FootprintMatches {
  const counted = truths.map((footprint) => ({ footprint, ...prepare(footprint) })).filter(({ area }) => area >= minArea && area > 0);
  const left = [...counted];
  const judged: MatchedFootprint[] = [];
  for (const footprint of proposals) {
    const proposal = prepare(footprint);
    if (proposal.area <= minArea) continue;
    let best = -1;
    let bestIou = FOUND_IOU;
    for (const [k, truth] of left.entries()) {
      const iou = iouOf(proposal, truth);
      if (iou <= bestIou) continue;
      best = k;
      bestIou = iou;
    }
    judged.push({ footprint, matched: best >= 0 });
    if (best >= 0) left.splice(best, 1);
  }
  const missed = new Set(left);
  return { proposals: judged, truths: counted.map((truth) => ({ footprint: truth.footprint, matched: !missed.has(truth) })) };
}

/** As matchFootprints, counted. */
export function countFootprints(proposals: readonly Footprint[], truths: readonly Footprint[], minArea: number): FootprintCounts {
  const matches = matchFootprints(proposals, truths, minArea);
  const found = matches.proposals.filter(({ matched }) => matched).length;
  return { found, wrong: matches.proposals.length - found, missed: matches.truths.length - found };
}

/** Of all counts together: 0 where nothing was proposed, or nothing was there. */
export function footprintFigures(counts: readonly FootprintCounts[]): { F1: number; precision: number; recall: number } {
  const sum = (pick: (own: FootprintCounts) => number) => counts.reduce((total, own) => total + pick(own), 0);
  const [found, wrong, missed] = [sum((own) => own.found), sum((own) => own.wrong), sum((own) => own.missed)];
  const precision = found + wrong > 0 ? found / (found + wrong) : 0;
  const recall = found + missed > 0 ? found / (found + missed) : 0;
  return { F1: precision * recall > 0 ? (2 * precision * recall) / (precision + recall) : 0, precision, recall };
}

/** Intersection over union of two footprints. */
export function footprintIou(a: Footprint, b: Footprint): number {
  return iouOf(prepare(a), prepare(b));
}

function prepare(footprint: Footprint): Prepared {
  const shape = polygonClipping.union(footprint);
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of shape.flat(2)) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return { shape, area: areaOf(shape), box };
}

function iouOf(a: Prepared, b: Prepared): number {
  if (a.box[0] >= b.box[2] || b.box[0] >= a.box[2] || a.box[1] >= b.box[3] || b.box[1] >= a.box[3]) return 0;
  const common = areaOf(polygonClipping.intersection(a.shape, b.shape));
  return common === 0 ? 0 : common / (a.area + b.area - common);
}

function areaOf(shape: MultiPolygon): number {
  let area = 0;
  for (const rings of shape) for (const [k, ring] of rings.entries()) area += (k === 0 ? 1 : -1) * ringArea(ring);
  return area;
}

/** About the first corner: coordinates of a map are large numbers. */
function ringArea(ring: readonly (readonly [number, number])[]): number {
  const [x0, y0] = ring[0] ?? [0, 0];
  let sum = 0;
  for (let k = 0; k + 1 < ring.length; k += 1) {
    const [x, y] = ring[k]!;
    const [nextX, nextY] = ring[k + 1]!;
    sum += (x - x0) * (nextY - y0) - (nextX - x0) * (y - y0);
  }
  return Math.abs(sum) / 2;
}

/** The part of a footprint within a picture of this size; empty when there is none. */
export function clipped(footprint: Footprint, width: number, height: number): Footprint {
  return polygonClipping.intersection(footprint, [
    [
      [
        [0, 0],
        [width, 0],
        [width, height],
        [0, height],
        [0, 0],
      ],
    ],
  ]);
}
