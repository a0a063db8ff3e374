/**
 * How well tracks keep their identity: IDF1 (Ristani et al. 2016), switches and MOTA (CLEAR, Bernardin and Stiefelhagen
 * 2008), HOTA (Luiten et al. 2021) and OWTA (Liu et al. 2022), by the published definitions as TrackEval applies them.
 * Pure.
 */
import { assign } from './assignment.js';

/** One frame of one sequence. */
export interface ScoredFrame {
  /** Ids of the true objects. */
  readonly truth: readonly number[];
  /** Ids of the tracks, each at most once. */
  readonly tracks: readonly number[];
  /** [truth × tracks] 0…1: IoU of boxes or masks. */
  readonly similarity: Float64Array;
}

export interface TrackingScores {
  /** All but the counts: 0…1. */
  readonly idf1: number;
  readonly hota: number;
  readonly detectionAccuracy: number;
  readonly associationAccuracy: number;
  /** HOTA with recall in place of accuracy: objects without annotation cost nothing. */
  readonly owta: number;
  readonly mota: number;
  readonly switches: number;
  readonly falsePositives: number;
  readonly misses: number;
}

/** Similarity from which on a track is at an object, for IDF1 and CLEAR. */
const THRESHOLD = 0.5;
const EPSILON = Number.EPSILON;
/** HOTA is the mean over these thresholds. */
const ALPHAS = Array.from({ length: 19 }, (_, k) => 0.05 * (k + 1));
/** Keeps an object with its track of the frame before, whatever the similarities. */
const CONTINUITY = 1000;

/** What sequences add up to. */
interface Sums {
  idTruePositives: number;
  idFalsePositives: number;
  idMisses: number;
  truePositives: number;
  falsePositives: number;
  misses: number;
  switches: number;
  readonly matched: Float64Array;
  readonly missed: Float64Array;
  readonly extra: Float64Array;
  /** Of every match: the share of both its object's and its track's frames that it covers. */
  readonly association: Float64Array;
}

/** A sequence with ids in 0…n−1. */
interface Indexed {
  readonly truths: number;
  readonly tracks: number;
  readonly truthFrames: Float64Array;
  readonly trackFrames: Float64Array;
  readonly frames: readonly { readonly truth: readonly number[]; readonly tracks: readonly number[]; readonly similarity: Float64Array }[];
}

/** Scores of sequences together, weighted by their objects as TrackEval combines them. Ids are per sequence. */
export function scoreTracking(sequences: readonly (readonly ScoredFrame[])[]): TrackingScores {
  const sums: Sums = {
    idTruePositives: 0,
    idFalsePositives: 0,
    idMisses: 0,
    truePositives: 0,
    falsePositives: 0,
    misses: 0,
    switches: 0,
    matched: new Float64Array(ALPHAS.length),
    missed: new Float64Array(ALPHAS.length),
    extra: new Float64Array(ALPHAS.length),
    association: new Float64Array(ALPHAS.length),
  };
  for (const frames of sequences) {
    const sequence = indexed(frames);
    addIdentity(sequence, sums);
    addClear(sequence, sums);
    addHota(sequence, sums);
  }
  const { idTruePositives: idtp, idFalsePositives: idfp, idMisses: idfn } = sums;
  const mean = (of: (k: number) => number) => ALPHAS.reduce((sum, _, k) => sum + of(k), 0) / ALPHAS.length;
  const detection = (k: number) => sums.matched[k]! / Math.max(1, sums.matched[k]! + sums.missed[k]! + sums.extra[k]!);
  const recall = (k: number) => sums.matched[k]! / Math.max(1, sums.matched[k]! + sums.missed[k]!);
  const association = (k: number) => sums.association[k]! / Math.max(1, sums.matched[k]!);
  return {
    idf1: idtp / Math.max(1, idtp + 0.5 * idfp + 0.5 * idfn),
    hota: mean((k) => Math.sqrt(detection(k) * association(k))),
    detectionAccuracy: mean(detection),
    associationAccuracy: mean(association),
    owta: mean((k) => Math.sqrt(recall(k) * association(k))),
    mota: (sums.truePositives - sums.falsePositives - sums.switches) / Math.max(1, sums.truePositives + sums.misses),
    switches: sums.switches,
    falsePositives: sums.falsePositives,
    misses: sums.misses,
  };
}

function indexed(frames: readonly ScoredFrame[]): Indexed {
  const numbering = () => {
    const numbers = new Map<number, number>();
    const of = (id: number) => {
      const known = numbers.get(id);
      if (known !== undefined) return known;
      numbers.set(id, numbers.size);
      return numbers.size - 1;
    };
    return { numbers, of };
  };
  const truths = numbering();
  const tracks = numbering();
  const list = frames.map((frame) => ({
    truth: frame.truth.map(truths.of),
    tracks: frame.tracks.map(tracks.of),
    similarity: frame.similarity,
  }));
  const truthFrames = new Float64Array(truths.numbers.size);
  const trackFrames = new Float64Array(tracks.numbers.size);
  for (const frame of list) {
    for (const i of frame.truth) truthFrames[i]! += 1;
    for (const j of frame.tracks) trackFrames[j]! += 1;
  }
  return { truths: truthFrames.length, tracks: trackFrames.length, truthFrames, trackFrames, frames: list };
}

/** One track for each object over the whole sequence, such that most frames agree. */
function addIdentity({ truths, tracks, truthFrames, trackFrames, frames }: Indexed, sums: Sums): void {
  const together = new Float64Array(truths * tracks);
  for (const { truth, tracks: shown, similarity } of frames) {
    for (const [a, i] of truth.entries()) {
      for (const [b, j] of shown.entries()) if (similarity[a * shown.length + b]! >= THRESHOLD) together[i * tracks + j]! += 1;
    }
  }
  const columnOf = assign(
    together.map((frameCount) => -frameCount),
    truths,
    tracks,
  );
  let agreed = 0;
  for (const [i, j] of columnOf.entries()) if (j >= 0) agreed += together[i * tracks + j]!;
  sums.idTruePositives += agreed;
  sums.idMisses += truthFrames.reduce((sum, n) => sum + n, 0) - agreed;
  sums.idFalsePositives += trackFrames.reduce((sum, n) => sum + n, 0) - agreed;
}

function addClear({ truths, frames }: Indexed, sums: Sums): void {
  const lastTrack = new Int32Array(truths).fill(-1);
  const trackBefore = new Int32Array(truths).fill(-1);
  for (const { truth, tracks, similarity } of frames) {
    if (truth.length === 0) {
      sums.falsePositives += tracks.length;
      continue;
    }
    if (tracks.length === 0) {
      sums.misses += truth.length;
      continue;
    }
    const n = tracks.length;
    const score = similarity.map((value, k) => {
      if (value < THRESHOLD - EPSILON) return 0;
      const same = tracks[k % n] === trackBefore[truth[Math.floor(k / n)]!];
      return value + (same ? CONTINUITY : 0);
    });
    const columnOf = assign(
      score.map((value) => -value),
      truth.length,
      n,
    );
    trackBefore.fill(-1);
    let matches = 0;
    for (const [a, b] of columnOf.entries()) {
      if (b < 0 || score[a * n + b]! <= EPSILON) continue;
      matches += 1;
      const object = truth[a]!;
      const track = tracks[b]!;
      if (lastTrack[object]! >= 0 && lastTrack[object] !== track) sums.switches += 1;
      lastTrack[object] = track;
      trackBefore[object] = track;
    }
    sums.truePositives += matches;
    sums.misses += truth.length - matches;
    sums.falsePositives += n - matches;
  }
}

function addHota({ truths, tracks, truthFrames, trackFrames, frames }: Indexed, sums: Sums): void {
  // How well an object and a track fit over the whole sequence decides who is matched with whom in a frame.
  const fit = new Float64Array(truths * tracks);
  for (const { truth, tracks: shown, similarity } of frames) {
    const n = shown.length;
    for (const [a, i] of truth.entries()) {
      for (const [b, j] of shown.entries()) {
        const value = similarity[a * n + b]!;
        let union = -value;
        for (let k = 0; k < n; k += 1) union += similarity[a * n + k]!;
        for (let k = 0; k < truth.length; k += 1) union += similarity[k * n + b]!;
        if (union > EPSILON) fit[i * tracks + j]! += value / union;
      }
    }
  }
  for (let i = 0; i < truths; i += 1) {
    for (let j = 0; j < tracks; j += 1) {
      const shared = fit[i * tracks + j]!;
      fit[i * tracks + j] = shared / (truthFrames[i]! + trackFrames[j]! - shared);
    }
  }
  const matches = ALPHAS.map(() => new Float64Array(truths * tracks));
  for (const { truth, tracks: shown, similarity } of frames) {
    const n = shown.length;
    const columnOf = assign(
      similarity.map((value, k) => -value * fit[truth[Math.floor(k / n)]! * tracks + shown[k % n]!]!),
      truth.length,
      n,
    );
    for (const [k, alpha] of ALPHAS.entries()) {
      let count = 0;
      for (const [a, b] of columnOf.entries()) {
        if (b < 0 || similarity[a * n + b]! < alpha - EPSILON) continue;
        count += 1;
        matches[k]![truth[a]! * tracks + shown[b]!]! += 1;
      }
      sums.matched[k]! += count;
      sums.missed[k]! += truth.length - count;
      sums.extra[k]! += n - count;
    }
  }
  for (const [k, counts] of matches.entries()) {
    for (let i = 0; i < truths; i += 1) {
      for (let j = 0; j < tracks; j += 1) {
        const count = counts[i * tracks + j]!;
        if (count > 0) sums.association[k]! += (count * count) / Math.max(1, truthFrames[i]! + trackFrames[j]! - count);
      }
    }
  }
}
