/**
 * `make bench-track`: tracks by boxes on MOTChallenge sequences with given detections, beside ByteTrack's published rule.
 * TRACKING names a folder of sequences (default ../shared/tracking/mot17), each with det.txt, gt.txt and gmc.txt (camera
 * motion, frame by frame). Frames a second and size are MOT17's, by the sequence's number.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseMot, scoreMotFrame } from '../../dist/eval/tracking/mot.js';
import { scoreTracking } from '../../dist/eval/tracking/scores.js';
import { openTracker } from '../../dist/index.js';
import { ByteTrack } from './byte-track.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

const folder = process.env.TRACKING || '../shared/tracking/mot17';
if (!existsSync(folder)) {
  say(`bench-track: no sequences in ${folder}; set TRACKING to a folder of MOT17 sequences`);
  process.exit(0);
}

const FORMATS = { '05': { fps: 14, width: 640, height: 480 }, 13: { fps: 25, width: 1920, height: 1080 } };
const MOT17 = { fps: 30, width: 1920, height: 1080 };
/** Seeds of the irregular frames, fixed beforehand. */
const SEEDS = [1, 2, 3];
/** ByteTrack's thresholds for these detections, and its buffer of 30 frames at 30 Hz. */
const OPTIONS = { continueScore: 0.1, strongScore: 0.6, birthScore: 0.7, keepMs: 1000 };

const sequences = readdirSync(folder)
  .filter((name) => existsSync(join(folder, name, 'det.txt')))
  .sort()
  .map((name) => {
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

/** The frames that are looked at; `random` draws the steps of irregular ones. */
function framesOf(count, step, seed) {
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

async function byTracker({ detections, motion, fps, width, height }, frames, useMotion) {
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
    const { ids } = await tracker.update(segments, { timeMs: (1000 * frame) / fps, ...cameraMotion });
    result.set(
      frame,
      boxes.map((box, i) => ({ ...box, id: ids[i] })).filter(({ id }) => id !== 0),
    );
    before = frame;
  }
  return result;
}

async function byByteTrack({ detections, fps }, frames, meanStep) {
  const tracker = new ByteTrack(fps / meanStep);
  const result = new Map();
  for (const frame of frames) {
    const boxes = (detections.get(frame) ?? []).map((b) => [b.x, b.y, b.width, b.height, b.score]);
    const tracks = tracker.update(boxes).map(({ id, box: [x, y, w, h] }) => ({ id, x, y, width: w, height: h, score: 1, class: 1 }));
    result.set(frame, tracks);
  }
  return result;
}

const MODES = [
  { name: 'all frames', step: 1 },
  { name: 'every 3rd', step: 3 },
  { name: 'every 6th', step: 6 },
  { name: 'irregular 1-5', step: 0 },
];
const METHODS = [
  { name: 'ByteTrack', run: (s, frames, step) => byByteTrack(s, frames, step || 3) },
  { name: 'fastsamd, camera motion unknown', run: (s, frames) => byTracker(s, frames, false) },
  { name: 'fastsamd, camera motion given', run: (s, frames) => byTracker(s, frames, true) },
];

say(`sequences: ${sequences.map(({ name }) => name).join(', ')}; switches of irregular frames are means of ${SEEDS.length} seeds\n`);
say(
  `${'frames'.padEnd(15)}${'tracker'.padEnd(34)}${'IDF1'.padStart(7)}${'HOTA'.padStart(7)}${'OWTA'.padStart(7)}${'MOTA'.padStart(7)}${'IDSW'.padStart(7)}  by sequence: IDF1/IDSW`,
);
for (const { name, step } of MODES) {
  for (const method of METHODS) {
    const scored = [];
    const bySequence = new Map();
    const seeds = step === 0 ? SEEDS : [0];
    for (const sequence of sequences) {
      for (const seed of seeds) {
        const frames = framesOf(sequence.frames, step, seed);
        const result = await method.run(sequence, frames, step);
        const list = frames.map((frame) => scoreMotFrame(sequence.truth.get(frame) ?? [], result.get(frame)));
        scored.push(list);
        bySequence.set(sequence.name, [...(bySequence.get(sequence.name) ?? []), list]);
      }
    }
    const scores = scoreTracking(scored);
    const percent = (value) => (100 * value).toFixed(1).padStart(7);
    const each = [...bySequence].map(([of, lists]) => {
      const own = scoreTracking(lists);
      return `${of} ${(100 * own.idf1).toFixed(1)}/${Math.round(own.switches / seeds.length)}`;
    });
    say(
      `${name.padEnd(15)}${method.name.padEnd(34)}${percent(scores.idf1)}${percent(scores.hota)}${percent(scores.owta)}${percent(scores.mota)}${String(Math.round(scores.switches / seeds.length)).padStart(7)}  ${each.join(', ')}`,
    );
  }
}
