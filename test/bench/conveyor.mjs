/**
 * `make bench-track`, second part: tracks of the drawn belt through the demo model against the scene's own truth, and crossings of a line
 * in the middle. FRAMES a scene (default 160), SCENES (default 20: in three are 58 crossings, of which 2 % is one), SIZE (default 640x640,
 * the model's own). Seeds and steps are fixed beforehand.
 *
 * Truth: every part of which 15 % or more is visible, at masks. Rows at each rate, from the strictest to the mildest:
 *
 * - `every track`: every track that is at no part counts as a mistake, second tracks of a part too. The ceiling beside it is what the same
 *   objects score when the truth names them: a part is missing where the network shows none at IoU 0.5, and there is nothing else.
 * - `shown parts`: the same, of the parts that the network shows in that frame.
 * - `matched`: boxes, parts of which 25 % or more is visible; in every frame only the tracks that are matched one to one with a part.
 * - `named, from S on`: what the objects of score S and more would score like the row above, and count, if the truth named them: of each part
 *   the one that shows it (mask IoU 0.5) with the best box.
 * - ByteTrack's published rule scored like the row above it, at thresholds 0.6 (its own) and 0.25 (Ultralytics'), the better of both.
 */
import { native } from '../../dist/addon/addon.js';
import { assign } from '../../dist/eval/tracking/assignment.js';
import { scoreTracking } from '../../dist/eval/tracking/scores.js';
import { createZones, openEngine, openTracker, SEGMENTATION_DEFAULTS, TRACKER_DEFAULTS } from '../../dist/index.js';
import { ByteTrack } from './byte-track.mjs';
import { keepGoal } from './goals.mjs';
import { boxOverlap, maskOverlaps } from './overlaps.mjs';

const FRAMES = Number(process.env.FRAMES || 160);
const SEEDS = Array.from({ length: Number(process.env.SCENES || 20) }, (_, k) => Number(process.env.SEED || 8_000_001) + k);
const [WIDTH, HEIGHT] = (process.env.SIZE || '640x640').split('x').map(Number);
const FPS = 20;
/** Mean step of the irregular frames. */
const MEAN_STEP = 4.5;
const LINE = { id: 'gate', from: [WIDTH / 2, 0], to: [WIDTH / 2, HEIGHT] };
/** A part is on a side once it is this far from the line, as a line's `margin` has it by default. */
const MARGIN = 0.01 * Math.min(WIDTH, HEIGHT);
const MATCH = 0.5;
/** Scores from which on the truth names objects. 0.4 begins a track. */
const NAMED_FROM = [TRACKER_DEFAULTS.continueScore, 0.25, TRACKER_DEFAULTS.birthScore];
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

/** What one frame scores: tracks [{ id, similar: part by part }] against these parts. */
function scored(parts, tracks) {
  const similarity = Float64Array.from(parts.flatMap((part) => tracks.map(({ similar }) => similar[part.index])));
  return { truth: parts.map(({ id }) => id), tracks: tracks.map(({ id }) => id), similarity };
}

/** Only the tracks that are matched with a part, one to one. */
function matchedOnly(frame) {
  const n = frame.tracks.length;
  const columns = assign(
    frame.similarity.map((value) => (value < MATCH ? 0 : -value)),
    frame.truth.length,
    n,
  );
  const kept = [...columns].flatMap((j, i) => (j >= 0 && frame.similarity[i * n + j] >= MATCH ? [j] : []));
  return {
    truth: frame.truth,
    tracks: kept.map((j) => frame.tracks[j]),
    similarity: Float64Array.from(frame.truth.flatMap((_, i) => kept.map((j) => frame.similarity[i * n + j]))),
  };
}

/** The tracks of one frame whose objects from `least` on the truth names; a part that none of them shows has none. */
function namedByTruth({ segments, parts, masks, boxes }, least) {
  const { count, scores } = segments;
  const ids = new Uint32Array(count);
  for (const { id, index } of parts) {
    const showing = [...scores.keys()].filter((j) => scores[j] >= least && masks[index * count + j] >= MATCH);
    if (showing.length === 0) continue;
    const best = showing.reduce((a, b) => (boxes[index * count + b] > boxes[index * count + a] ? b : a));
    // 0 is no track.
    ids[best] = id + 1;
  }
  return {
    ids,
    parents: new Uint32Array(count),
    agesMs: new Float32Array(count),
    velocities: new Float32Array(2 * count),
    lost: [],
    ended: [],
    stats: { live: 0, born: 0, reacquired: 0, ms: 0 },
  };
}

/** Tracks these frames of a scene. */
async function follow(scene, frames) {
  const tracker = openTracker();
  const byteTracks = [{}, { high: 0.25, birth: 0.25 }].map(
    (options) => new ByteTrack(frames.length === FRAMES ? FPS : FPS / MEAN_STEP, options),
  );
  const zones = createZones({ lines: [LINE] });
  const namedZones = NAMED_FROM.map(() => createZones({ lines: [LINE] }));
  const sides = new Map();
  const truthCrossings = { in: 0, out: 0 };
  const rows = { every: [], ceiling: [], shown: [], matched: [], named: NAMED_FROM.map(() => []), byteTracks: byteTracks.map(() => []) };
  for (const index of frames) {
    const { segments, parts, masks, boxes, pixels } = scene[index];
    const timeMs = (1000 * index) / FPS;
    const tracks = await tracker.update(segments, { timeMs, frame: { pixels }, model: 'demo' });
    zones.observe(segments, tracks, timeMs);
    const { count } = segments;
    const placed = (ids, overlaps) =>
      [...ids.keys()].filter((j) => ids[j] !== 0).map((j) => ({ id: ids[j], similar: parts.map((_, i) => overlaps[i * count + j]) }));
    const at = (overlaps) => placed(tracks.ids, overlaps);
    const shown = parts.filter((_, i) => [...segments.scores.keys()].some((j) => masks[i * count + j] >= MATCH));
    const large = parts.filter(({ visibleFraction }) => visibleFraction >= 0.25);
    rows.every.push(scored(parts, at(masks)));
    rows.shown.push(scored(shown, at(masks)));
    rows.matched.push(matchedOnly(scored(large, at(boxes))));
    rows.ceiling.push(
      scored(
        parts,
        shown.map((part) => ({ id: part.id, similar: parts.map((_, i) => (i === part.index ? 1 : 0)) })),
      ),
    );
    for (const [k, least] of NAMED_FROM.entries()) {
      const named = namedByTruth(scene[index], least);
      namedZones[k].observe(segments, named, timeMs);
      rows.named[k].push(matchedOnly(scored(large, placed(named.ids, boxes))));
    }
    for (const [k, byteTrack] of byteTracks.entries()) {
      const found = byteTrack.update([...segments.scores].map((score, j) => byteBox(segments.boxes.subarray(4 * j, 4 * j + 4), score)));
      const similar = ([x, y, w, h]) => parts.map(({ box }) => boxOverlap(box, [x, y, x + w, y + h]));
      rows.byteTracks[k].push(
        matchedOnly(
          scored(
            large,
            found.map(({ id, box }) => ({ id, similar: similar(box) })),
          ),
        ),
      );
    }
    for (const { id, box } of parts) {
      const beyond = (box[0] + box[2]) / 2 - LINE.from[0];
      // As the line counts, with perfect tracks: who is upon the line when the film begins or ends has not crossed.
      const side = Math.abs(beyond) <= MARGIN ? 0 : Math.sign(beyond);
      const before = sides.get(id);
      if (before && side && before !== side) truthCrossings[side > 0 ? 'in' : 'out'] += 1;
      if (side) sides.set(id, side);
    }
  }
  return { rows, counted: zones.counts.lines.gate, named: namedZones.map(({ counts }) => counts.lines.gate), truthCrossings };
}

const byteBox = ([x1, y1, x2, y2], score) => [x1, y1, x2 - x1, y2 - y1, score];

const engine = await openEngine({ model: 'models/demo.onnx' });
const scenes = [];
for (const seed of SEEDS) {
  const scene = [];
  for (let index = 0; index < FRAMES; index += 1) {
    const options = { width: WIDTH, height: HEIGHT, fps: FPS, seed };
    const pixels = await native().renderConveyor(index, options);
    const conf = TRACKER_DEFAULTS.continueScore;
    const { segments } = await engine.segment(
      { pixels, width: WIDTH, height: HEIGHT },
      { ...SEGMENTATION_DEFAULTS, conf },
      { coefficients: true },
    );
    const truth = await native().conveyorTruth(index, options);
    const parts = truth.instances.map((part, k) => ({ ...part, index: k }));
    const boxes = parts.flatMap(({ box }) =>
      [...segments.scores.keys()].map((j) => boxOverlap(box, segments.boxes.subarray(4 * j, 4 * j + 4))),
    );
    scene.push({ segments, parts, masks: maskOverlaps(truth, segments), boxes, pixels });
  }
  scenes.push(scene);
}
await engine.stop();
say(`drawn belt, ${WIDTH}x${HEIGHT}, ${SEEDS.length} scenes of ${FRAMES} frames at ${FPS} fps, seeds from ${SEEDS[0]}`);
for (const [name, goal, framesOf] of [
  ['20 fps', 96, () => Array.from({ length: FRAMES }, (_, k) => k)],
  ['irregular 1-8', 91, (k) => irregular(k + 1)],
]) {
  const runs = [];
  for (const [k, scene] of scenes.entries()) runs.push(await follow(scene, framesOf(k)));
  const scoresOf = (pick) => scoreTracking(runs.map(({ rows }) => pick(rows)));
  const row = (what, s, more = '') =>
    say(
      `${name.padEnd(14)} ${what.padEnd(22)} IDF1 ${(100 * s.idf1).toFixed(1).padStart(5)}  switches ${String(s.switches).padStart(3)}  misses ${String(s.misses).padStart(5)}  extra ${String(s.falsePositives).padStart(5)}${more}`,
    );
  row(
    'every track',
    scoresOf((r) => r.every),
    `  (ceiling ${(100 * scoresOf((r) => r.ceiling).idf1).toFixed(1)})`,
  );
  row(
    'shown parts',
    scoresOf((r) => r.shown),
  );
  const matched = scoresOf((r) => r.matched);
  row('matched', matched);
  for (const [k, least] of NAMED_FROM.entries()) {
    const crossings = runs.reduce((sum, { named }) => sum + named[k].in + named[k].out, 0);
    row(
      `named, from ${least} on`,
      scoresOf((r) => r.named[k]),
      `  line ${crossings}`,
    );
  }
  const idf1 = 100 * matched.idf1;
  keepGoal(`3 belt, ${name}: IDF1`, idf1.toFixed(1), String(goal), idf1 >= goal);
  row(
    'ByteTrack, matched',
    [0, 1].map((k) => scoresOf((r) => r.byteTracks[k])).reduce((a, b) => (a.idf1 >= b.idf1 ? a : b)),
  );
  const total = (pick) => runs.reduce((sum, run) => sum + pick(run), 0);
  const counted = total((r) => r.counted.in + r.counted.out);
  const crossed = total((r) => r.truthCrossings.in + r.truthCrossings.out);
  keepGoal(`3 belt, ${name}: crossings of a line`, `${counted} of ${crossed}`, 'within 2 %', Math.abs(counted - crossed) <= 0.02 * crossed);
  say(
    `${name.padEnd(14)} line: in ${total((r) => r.counted.in)} of ${total((r) => r.truthCrossings.in)}, out ${total((r) => r.counted.out)} of ${total((r) => r.truthCrossings.out)}`,
  );
}
