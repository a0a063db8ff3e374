/**
 * `make bench-track`, second part: tracks of the drawn belt through the demo model against the scene's own truth, by kind of error, and the
 * crossings of a line in the middle. FRAMES a scene (default 60), SCENES (default 3). Seeds and steps are fixed beforehand.
 */
import { native } from '../../dist/addon/addon.js';
import { scoreTracking } from '../../dist/eval/tracking/scores.js';
import { createZones, openEngine, openTracker, SEGMENTATION_DEFAULTS, TRACKER_DEFAULTS } from '../../dist/index.js';

const FRAMES = Number(process.env.FRAMES || 60);
const SEEDS = Array.from({ length: Number(process.env.SCENES || 3) }, (_, k) => 8_000_001 + k);
const SIZE = { width: 640, height: 360 };
const FPS = 20;
const LINE = { id: 'gate', from: [SIZE.width / 2, 0], to: [SIZE.width / 2, SIZE.height] };
const say = (line) => process.stdout.write(`${line}\n`);

/** Frames of irregular steps of 1 to 8 (mulberry32). */
function irregular(seed) {
  let state = seed;
  const frames = [];
  for (let frame = 0; frame < FRAMES; ) {
    frames.push(frame);
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    frame += 1 + (((t ^ (t >>> 14)) >>> 0) % 8);
  }
  return frames;
}

/** Mask IoU of every true part with every object: [parts × objects]. */
function overlaps({ labels, instances }, segments) {
  const { count, offsets, runs, areas, height, width } = segments;
  const partAreas = new Float64Array(instances.length + 1);
  for (const label of labels) partAreas[label] += 1;
  const shared = new Float64Array(instances.length * count);
  for (let j = 0; j < count; j += 1) {
    for (let k = offsets[j]; k < offsets[j + 1]; k += 1) {
      for (let pixel = runs[2 * k]; pixel < runs[2 * k + 1]; pixel += 1) {
        const label = labels[(pixel % height) * width + Math.floor(pixel / height)];
        if (label > 0) shared[(label - 1) * count + j] += 1;
      }
    }
  }
  for (let i = 0; i < instances.length; i += 1) {
    for (let j = 0; j < count; j += 1) {
      const both = shared[i * count + j];
      shared[i * count + j] = both / (partAreas[i + 1] + areas[j] - both);
    }
  }
  return shared;
}

/** Tracks `frames` of a scene: what is scored, with and without the tracks that are at no labelled part, and the crossings. */
async function follow(scene, frames) {
  const tracker = openTracker();
  const zones = createZones({ lines: [LINE] });
  const sides = new Map();
  const truthCrossings = { in: 0, out: 0 };
  const scored = { all: [], matched: [] };
  let undetected = 0;
  let parts = 0;
  for (const index of frames) {
    const { segments, truth, similarity, pixels } = scene[index];
    const tracks = await tracker.update(segments, { timeMs: (1000 * index) / FPS, frame: { pixels }, model: 'demo' });
    zones.observe(segments, tracks, (1000 * index) / FPS);
    const ids = truth.instances.map(({ id }) => id);
    const tracked = [...tracks.ids.keys()].filter((j) => tracks.ids[j] !== 0);
    const at = (columns) => Float64Array.from(ids.flatMap((_, i) => columns.map((j) => similarity[i * segments.count + j])));
    const near = tracked.filter((j) => ids.some((_, i) => similarity[i * segments.count + j] >= 0.5));
    scored.all.push({ truth: ids, tracks: tracked.map((j) => tracks.ids[j]), similarity: at(tracked) });
    scored.matched.push({ truth: ids, tracks: near.map((j) => tracks.ids[j]), similarity: at(near) });
    parts += ids.length;
    undetected += ids.filter((_, i) => ![...segments.scores.keys()].some((j) => similarity[i * segments.count + j] >= 0.5)).length;
    for (const { id, box } of truth.instances) {
      const x = (box[0] + box[2]) / 2;
      const side = Math.sign(x - LINE.from[0]);
      const before = sides.get(id);
      if (before && side && before !== side) truthCrossings[side > 0 ? 'in' : 'out'] += 1;
      if (side) sides.set(id, side);
    }
  }
  return { scored, undetected, parts, counted: zones.counts.lines.gate, truthCrossings };
}

const engine = await openEngine({ model: 'models/demo.onnx' });
const scenes = [];
for (const seed of SEEDS) {
  const scene = [];
  for (let index = 0; index < FRAMES; index += 1) {
    const options = { ...SIZE, fps: FPS, seed };
    const pixels = await native().renderConveyor(index, options);
    const frame = { pixels, width: SIZE.width, height: SIZE.height };
    const conf = TRACKER_DEFAULTS.continueScore;
    const { segments } = await engine.segment(frame, { ...SEGMENTATION_DEFAULTS, conf }, { coefficients: true });
    const truth = await native().conveyorTruth(index, options);
    scene.push({ segments, truth, similarity: overlaps(truth, segments), pixels });
  }
  scenes.push(scene);
}
for (const [name, framesOf] of [
  ['20 fps', () => Array.from({ length: FRAMES }, (_, k) => k)],
  ['irregular 1-8', (k) => irregular(k + 1)],
]) {
  const runs = [];
  for (const [k, scene] of scenes.entries()) runs.push(await follow(scene, framesOf(k)));
  const total = (pick) => runs.reduce((sum, run) => sum + pick(run), 0);
  for (const which of ['all', 'matched']) {
    const s = scoreTracking(runs.map(({ scored }) => scored[which]));
    const what = which === 'all' ? 'every track' : 'tracks at labelled parts';
    say(
      `${name.padEnd(14)} ${what.padEnd(25)} IDF1 ${(100 * s.idf1).toFixed(1)}  switches ${s.switches}  misses ${s.misses}  extra ${s.falsePositives}`,
    );
  }
  const lines = `in ${total((r) => r.counted.in)} of ${total((r) => r.truthCrossings.in)}, out ${total((r) => r.counted.out)} of ${total((r) => r.truthCrossings.out)}`;
  say(
    `${' '.repeat(15)}parts ${total((r) => r.parts)}, of which the network shows none at IoU 0.5: ${total((r) => r.undetected)}; line: ${lines}`,
  );
}
await engine.stop();
