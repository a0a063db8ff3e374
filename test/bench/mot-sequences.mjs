/** MOTChallenge sequences with given detections, and how fastsamd tracks them: what the benches on them share. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assign } from '../../dist/eval/tracking/assignment.js';
import { parseMot, scoreMotFrame } from '../../dist/eval/tracking/mot.js';
import { openTracker } from '../../dist/index.js';

const FORMATS = { '05': { fps: 14, width: 640, height: 480 }, 13: { fps: 25, width: 1920, height: 1080 } };
const MOT17 = { fps: 30, width: 1920, height: 1080 };
/** ByteTrack's thresholds for these detections, and its buffer of 30 frames at 30 Hz. */
const OPTIONS = { continueScore: 0.1, strongScore: 0.6, birthScore: 0.7, keepMs: 1000 };

/**
 * The sequences of the folder that TRACKING names (default ../shared/tracking/mot17): each has det.txt, gt.txt and gmc.txt (camera motion,
 * frame by frame). Without the folder, or without sequences in it, the bench says so and ends.
 */
export function readSequences(bench) {
  const folder = process.env.TRACKING || '../shared/tracking/mot17';
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'det.txt'))) : [];
  if (names.length === 0) {
    process.stdout.write(`${bench}: no sequences in ${folder}; set TRACKING to a folder of MOT17 sequences\n`);
    process.exit(process.env.TRACKING ? 2 : 0);
  }
  return names.sort().map((name) => {
    const read = (file) => readFileSync(join(folder, name, file), 'utf8');
    const detections = parseMot(read('det.txt'), 'det.txt');
    const truth = parseMot(read('gt.txt'), 'gt.txt');
    const motion = new Map(
      read('gmc.txt')
        .trim()
        .split('\n')
        .map((line) => {
          const [index, ...affine] = line.trim().split(/\s+/).map(Number);
          return [index + 1, affine];
        }),
    );
    const number = name.match(/\d+/g)?.at(-1) ?? '';
    return { name, detections, truth, motion, frames: Math.max(...truth.keys()), ...(FORMATS[number] ?? MOT17) };
  });
}

/** The frames that are looked at; `random` draws the steps of irregular ones. */
export function framesOf(count, step, seed) {
  let state = seed;
  // mulberry32
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const frames = [];
  for (let frame = 1; frame <= count; frame += step || 1 + Math.floor(5 * random())) frames.push(frame);
  return frames;
}

/** b after a. */
function compose(a, b) {
  const [p, q, r, s, t, u] = a;
  const [A, B, C, D, E, F] = b;
  return [A * p + B * s, A * q + B * t, A * r + B * u + C, D * p + E * s, D * q + E * t, D * r + E * u + F];
}

/** Tracks by frame; `see(frame, boxes, tracks)` gets all that the tracker says of a frame. */
export async function byTracker({ detections, motion, fps, width, height }, frames, useMotion, see) {
  const tracker = openTracker(OPTIONS);
  const result = new Map();
  let before = 0;
  for (const frame of frames) {
    const boxes = detections.get(frame) ?? [];
    const segments = {
      count: boxes.length,
      width,
      height,
      boxes: Float32Array.from(boxes.flatMap((b) => [b.x, b.y, b.x + b.width, b.y + b.height])),
      scores: Float32Array.from(boxes, ({ score }) => score),
      classes: new Int32Array(boxes.length),
      areas: new Uint32Array(boxes.length),
      runs: new Uint32Array(0),
      offsets: new Uint32Array(boxes.length + 1),
    };
    let affine = [1, 0, 0, 0, 1, 0];
    for (let k = before + 1; k <= frame; k += 1) affine = compose(affine, motion.get(k) ?? [1, 0, 0, 0, 1, 0]);
    const cameraMotion = useMotion && before > 0 ? { cameraMotion: { affine, sure: true } } : {};
    const tracks = await tracker.update(segments, { timeMs: (1000 * frame) / fps, ...cameraMotion });
    see?.(frame, boxes, tracks);
    const { ids } = tracks;
    result.set(
      frame,
      boxes.map((box, i) => ({ ...box, id: ids[i] })).filter(({ id }) => id !== 0),
    );
    before = frame;
  }
  return result;
}

/** Of each box the object that it shows: the id of the true one that it is matched with, one to one; 0 for none. */
export function namesOf(truth, boxes) {
  const frame = scoreMotFrame(
    truth,
    boxes.map((box, i) => ({ ...box, id: i })),
  );
  const n = frame.tracks.length;
  const columns = assign(
    frame.similarity.map((value) => (value < 0.5 ? 0 : -value)),
    frame.truth.length,
    n,
  );
  const names = boxes.map(() => 0);
  for (const [i, j] of columns.entries()) if (j >= 0 && frame.similarity[i * n + j] >= 0.5) names[frame.tracks[j]] = frame.truth[i];
  return names;
}

/** What perfect naming makes of the detections from `least` on, without those that show nobody. */
export function byTruth({ detections, truth }, frames, least) {
  return new Map(
    frames.map((frame) => {
      const boxes = (detections.get(frame) ?? []).filter(({ score }) => score >= least);
      const names = namesOf(truth.get(frame) ?? [], boxes);
      return [frame, boxes.map((box, i) => ({ ...box, id: names[i] })).filter(({ id }) => id !== 0)];
    }),
  );
}
