/**
 * `make bench-track`, third part: real detections without classes, on two clips of DAVIS with a mask a frame, beside ByteTrack's published
 * rule. Every frame, every 3rd and every 6th. DAVIS names few of the objects in a picture, so that tracks at none of the named ones are
 * left out; a second track of a named one counts as a mistake. Needs ../shared/tracking/davis and ../shared/models.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { scoreTracking } from '../../dist/eval/tracking/scores.js';
import { openEngine, openSource, openTracker, SEGMENTATION_DEFAULTS, TRACKER_DEFAULTS } from '../../dist/index.js';
import { ByteTrack } from './byte-track.mjs';
import { keepGoal } from './goals.mjs';

const folder = process.env.DAVIS || '../shared/tracking/davis';
const model = process.env.MODEL || '../shared/models/yolov8n-seg-agnostic-640.onnx';
const CLIPS = ['blackswan', 'schoolgirls'];
const FPS = 24;
const STEPS = [1, 3, 6];
const MATCH = 0.5;
/** ByteTrack at its own thresholds, and at Ultralytics'. */
const BYTE_TRACKS = [
  { name: 'ByteTrack, 0.6', options: {} },
  { name: 'ByteTrack, 0.25', options: { high: 0.25, birth: 0.25 } },
];
const say = (line) => process.stdout.write(`${line}\n`);

if (!existsSync(folder) || !existsSync(model)) {
  say(`davis: no clips in ${folder}, or no model ${model}`);
  process.exit(0);
}

/** The named objects of one frame, and the IoU of each with every object that was found: [named × objects]. */
async function truthOf(file, { count, offsets, runs, areas, height, width }) {
  const { data } = await sharp(file).toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const colours = Int32Array.from({ length: width * height }, (_, p) => (data[3 * p] << 16) | (data[3 * p + 1] << 8) | data[3 * p + 2]);
  const sizes = new Map();
  for (const colour of colours) if (colour !== 0) sizes.set(colour, (sizes.get(colour) ?? 0) + 1);
  const named = [...sizes.keys()].sort((a, b) => a - b);
  const overlaps = new Float64Array(named.length * count);
  for (let j = 0; j < count; j += 1) {
    const shared = new Map();
    for (let k = offsets[j]; k < offsets[j + 1]; k += 1) {
      for (let pixel = runs[2 * k]; pixel < runs[2 * k + 1]; pixel += 1) {
        const colour = colours[(pixel % height) * width + Math.floor(pixel / height)];
        shared.set(colour, (shared.get(colour) ?? 0) + 1);
      }
    }
    for (const [i, colour] of named.entries()) {
      const both = shared.get(colour) ?? 0;
      overlaps[i * count + j] = both / (sizes.get(colour) + areas[j] - both);
    }
  }
  return { named, overlaps };
}

function boxOverlap([ax, ay, aw, ah], [bx, by, bw, bh]) {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (aw * ah + bw * bh - width * height);
}

/** Tracks [{ id, object }] of one frame, without those at no named object. */
function scored({ named, overlaps }, count, tracks) {
  const near = tracks.filter(({ object }) => named.some((_, i) => overlaps[i * count + object] >= MATCH));
  const similarity = Float64Array.from(named.flatMap((_, i) => near.map(({ object }) => overlaps[i * count + object])));
  return { truth: named, tracks: near.map(({ id }) => id), similarity };
}

/** ByteTrack tells boxes: the object that each lies on, at most once. */
function objectsOf(tracks, boxes) {
  const taken = new Set();
  return tracks.flatMap(({ id, box }) => {
    const ious = boxes.map((other, j) => (taken.has(j) ? 0 : boxOverlap(box, other)));
    const object = ious.indexOf(Math.max(...ious));
    if (object < 0 || ious[object] === 0) return [];
    taken.add(object);
    return [{ id, object }];
  });
}

const engine = await openEngine({ model });
const rows = new Map();
const keyOf = (step, name) => `${step === 1 ? 'every frame' : `every ${step}${step === 3 ? 'rd' : 'th'}`}`.padEnd(14) + name.padEnd(17);
for (const clip of CLIPS) {
  const masks = readdirSync(join(folder, `${clip}-masks`)).sort();
  const runs = STEPS.map((step) => ({
    step,
    tracker: openTracker(),
    byteTracks: BYTE_TRACKS.map(({ options }) => new ByteTrack(FPS / step, options)),
  }));
  const source = await openSource(join(folder, `${clip}.mp4`));
  let index = 0;
  for await (const frame of source) {
    const conf = TRACKER_DEFAULTS.continueScore;
    const { segments } = await engine.segment(frame, { ...SEGMENTATION_DEFAULTS, conf }, { coefficients: true });
    const truth = await truthOf(join(folder, `${clip}-masks`, masks[index]), segments);
    const boxes = [...segments.scores].map((score, j) => {
      const [x1, y1, x2, y2] = segments.boxes.subarray(4 * j, 4 * j + 4);
      return [x1, y1, x2 - x1, y2 - y1, score];
    });
    const add = (name, step, tracks) => {
      const key = keyOf(step, name);
      const lists = rows.get(key) ?? new Map();
      lists.set(clip, [...(lists.get(clip) ?? []), scored(truth, segments.count, tracks)]);
      rows.set(key, lists);
    };
    for (const { step, tracker, byteTracks } of runs) {
      if (index % step !== 0) continue;
      const { ids } = await tracker.update(segments, { timeMs: (1000 * index) / FPS, frame, model: 'davis' });
      add(
        'fastsamd',
        step,
        [...ids].flatMap((id, object) => (id === 0 ? [] : [{ id, object }])),
      );
      for (const [k, { name }] of BYTE_TRACKS.entries()) add(name, step, objectsOf(byteTracks[k].update(boxes), boxes));
    }
    index += 1;
    frame[Symbol.dispose]();
  }
}
await engine.stop();
say('DAVIS, objects without classes: IDF1 / switches');
for (const [key, lists] of rows) {
  const told = (sequences) => {
    const s = scoreTracking(sequences);
    return `${(100 * s.idf1).toFixed(1).padStart(5)} / ${String(s.switches).padStart(2)}`;
  };
  say(`${key}${[...lists].map(([clip, frames]) => `${clip} ${told([frames])}   `).join('')}both ${told([...lists.values()])}`);
}
for (const step of STEPS) {
  const [own, byteTrack] = ['fastsamd', 'ByteTrack, 0.25'].map((name) => scoreTracking([...rows.get(keyOf(step, name)).values()]));
  const idf1 = 100 * own.idf1;
  keepGoal(
    `2 DAVIS, two clips, ${keyOf(step, '').trim()}: IDF1 / switches`,
    `${idf1.toFixed(1)} / ${own.switches}`,
    `60 / below half of ByteTrack's ${byteTrack.switches}`,
    idf1 >= 60 && 2 * own.switches < byteTrack.switches,
  );
}
