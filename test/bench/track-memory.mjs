/**
 * `make bench-track`, last part: memory of tracking over 100,000 frames (FRAMES): objects that come, hide and go, prompts that follow
 * some of them, a line and a zone. Heap and resident set after a collection, every tenth of the way.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { native } from '../../dist/addon/addon.js';
import { createZones, SEGMENTATION_DEFAULTS, TRACKER_DEFAULTS } from '../../dist/index.js';
import { applyPrompts } from '../../dist/prompt/apply.js';
import { TrackStage } from '../../dist/track/stage.js';
import { keepGoal } from './goals.mjs';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const FRAMES = Number(process.env.FRAMES || 100_000);
const [WIDTH, HEIGHT] = [320, 180];
const FPS = 30;
const OBJECTS = 40;
const say = (line) => process.stdout.write(`${line}\n`);

/** Rectangles that drift across the picture at speeds that never meet, each missing in about one frame of ten. */
function segmentsAt(frame) {
  const [boxes, runs, offsets, areas] = [[], [], [0], []];
  for (let k = 0; k < OBJECTS; k += 1) {
    if ((frame * 7919 + k * 104_729) % 97 < 9) continue;
    const [w, h] = [12 + (k % 5) * 6, 10 + (k % 7) * 3];
    const x0 = Math.round(((frame * (1 + k / OBJECTS) + k * 83) % (WIDTH + 2 * w)) - w);
    const y0 = (k * 37) % (HEIGHT - h);
    const [left, right] = [Math.max(0, x0), Math.min(WIDTH, x0 + w)];
    if (left >= right) continue;
    boxes.push(left, y0, right, y0 + h);
    for (let x = left; x < right; x += 1) runs.push(x * HEIGHT + y0, x * HEIGHT + y0 + h);
    areas.push((right - left) * h);
    offsets.push(runs.length / 2);
  }
  const count = areas.length;
  return {
    count,
    width: WIDTH,
    height: HEIGHT,
    boxes: Float32Array.from(boxes),
    scores: new Float32Array(count).fill(0.8),
    classes: new Int32Array(count),
    areas: Uint32Array.from(areas),
    runs: Uint32Array.from(runs),
    offsets: Uint32Array.from(offsets),
  };
}

const { keepMs, continueScore } = TRACKER_DEFAULTS;
const stage = new TrackStage({ keepMs, continueScore, cameraMotion: 'fixed' });
const zones = createZones({
  lines: [{ id: 'gate', from: [WIDTH / 2, 0], to: [WIDTH / 2, HEIGHT] }],
  zones: [
    {
      id: 'left',
      polygon: [
        [0, 0],
        [WIDTH / 2, 0],
        [WIDTH / 2, HEIGHT],
        [0, HEIGHT],
      ],
    },
  ],
});
const prompts = Array.from({ length: 8 }, (_, k) => ({
  type: 'points',
  id: `p${k}`,
  points: [[40 * k + 10, 20 * k + 10]],
  space: 'pixel',
  select: 'best',
  follow: true,
  forgetAfterMs: 10_000,
}));
const pixels = await native().renderShapes(0, { width: WIDTH, height: HEIGHT, seed: 8_300_001 });
const sizes = [];
let lastId = 0;
let crossings = 0;
for (let frame = 0; frame < FRAMES; frame += 1) {
  const captured = { monotonicNs: BigInt(Math.round((1e9 * frame) / FPS)) };
  const picture = { pixels, width: WIDTH, height: HEIGHT, sequence: frame, ptsNs: null, captured };
  const following = stage.begin(picture, true, SEGMENTATION_DEFAULTS);
  const { segments, tracks, timeMs } = await following.follow(segmentsAt(frame), { name: 'scene' });
  // As an operator does whose object has gone: the same prompts come again.
  const asked = frame % 3000 < 2990 ? prompts : [];
  following.answer(asked, applyPrompts(segments, asked), { segments, tracks, timeMs });
  crossings += zones.observe(segments, tracks, timeMs).filter(({ type }) => type === 'line-crossed').length;
  for (const id of tracks.ids) lastId = Math.max(lastId, id);
  if ((frame + 1) % (FRAMES / 10) !== 0) continue;
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  sizes.push({ heapUsed, rss });
}
const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
say(`memory over ${FRAMES} frames, ${lastId} tracks, ${crossings} crossings; each tenth, MiB`);
say(`  heap ${sizes.map(({ heapUsed }) => mib(heapUsed)).join(' ')}`);
say(`  resident ${sizes.map(({ rss }) => mib(rss)).join(' ')}`);
const heaps = sizes.map(({ heapUsed }) => heapUsed);
const growth = heaps.at(-1) / heaps[1] - 1;
// The heap of a running process differs by a few per cent from collection to collection.
keepGoal(
  `6 memory over ${FRAMES} frames: growth of the heap from the second tenth to the last`,
  `${(100 * growth).toFixed(1)} %`,
  'flat (5 %)',
  growth <= 0.05,
);
