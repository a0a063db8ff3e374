/**
 * `make bench-inspect`: parts of a drawn belt, through the demo model, the tracker and the crossing trigger, against the scene's own truth.
 * PARTS (default 1000). The belt runs at its own speed, at FPS (default 4) pictures a second. Seeds and recipe are fixed beforehand.
 */
import { native } from '../../dist/addon/addon.js';
import { loadRecipe } from '../../dist/config/load.js';
import { openEngine, openTracker, SEGMENTATION_DEFAULTS, TRACKER_DEFAULTS } from '../../dist/index.js';
import { combine } from '../../dist/inspect/combine.js';
import { Crossing } from '../../dist/inspect/crossing.js';
import { inspectFrame } from '../../dist/inspect/inspect.js';
import { objectsOf } from '../../dist/inspect/scene.js';
import { anchorOf } from '../../dist/zone/anchor.js';

const PARTS = Number(process.env.PARTS || 1000);
const FPS = Number(process.env.FPS || 4);
const SIDE = 640;
/** Scenes of one seed are alike in every size: what is true is asked of a small one, which is drawn quickly. */
const SMALL = 160;
const say = (line) => process.stdout.write(`${line}\n`);

const recipe = await loadRecipe('config/recipes/plate.yaml');
const engine = await openEngine({ model: 'models/demo.onnx' });
/** Verdicts by part, and what the renderer knows of each part that has gone by whole. */
const verdicts = new Map();
const truth = new Map();
const unknown = [];
let frames = 0;
let unseen = 0;
const began = performance.now();
const judgeMs = [];

for (let seed = 9_000_001; truth.size < PARTS; seed += 1) await runBelt(seed, Math.min(PARTS - truth.size, 500));

/** One scene until `wanted` parts have crossed its line. */
async function runBelt(seed, wanted) {
  const options = { width: SIDE, height: SIDE, fps: FPS, seed, plates: true };
  const tracker = openTracker();
  const crossing = new Crossing(recipe.trigger);
  const before = new Set();
  const crossed = new Set();
  for (let index = 0; crossed.size < wanted; index += 1) {
    frames += 1;
    const pixels = await native().renderConveyor(index, options);
    const frame = { pixels, width: SIDE, height: SIDE };
    const segmentation = { ...SEGMENTATION_DEFAULTS, conf: TRACKER_DEFAULTS.continueScore, iou: 0.7, snapToBorder: 0 };
    const { segments, geometry } = await engine.segment(frame, segmentation, { coefficients: true });
    const tracks = await tracker.update(segments, { timeMs: (1000 * index) / FPS, frame, model: 'demo' });
    const result = { segments, geometry, model: engine.model, answers: [] };
    const set = recipe.trigger.of;
    for (const due of crossing.measure(segments, tracks, new Set(objectsOf(recipe, set, result)))) {
      const inspected = await inspectFrame(recipe, frame, result, { only: { set, index: due.index } });
      judgeMs.push(inspected.measureMs + inspected.decideMs);
      due.keep({ inspected, place: anchorOf(segments, due.index, 'centroid'), index });
    }
    for (const { kept, lost } of crossing.passed(segments, tracks)) {
      const [nearest] = kept;
      const judged =
        nearest && !lost ? combine(kept.map(({ inspected }) => inspected)) : { verdict: 'UNSURE', reasons: ['TRACK_LOST'], checks: [] };
      const part = nearest && (await partAt(seed, nearest.index, nearest.place, options));
      if (part === undefined) unknown.push({ seed, index, judged });
      else verdicts.set(part, [...(verdicts.get(part) ?? []), judged]);
    }
    for (const { id, defect, box } of await partsAt(index, options)) {
      const key = `${seed} ${id}`;
      const middle = (box[0] + box[2]) / 2;
      if (middle < SIDE / 2) before.add(id);
      // A belt's width behind the line: whatever is to be said of it has been said.
      else if (before.has(id) && middle > 0.8 * SIDE && !crossed.has(id)) {
        crossed.add(id);
        truth.set(key, defect);
      }
    }
  }
  unseen += crossing.unseen;
}

async function partsAt(index, options) {
  const { instances } = await native().conveyorTruth(index, { ...options, width: SMALL, height: SMALL });
  return instances.map(({ id, defect, box }) => ({ id, defect, box: box.map((side) => (side * SIDE) / SMALL) }));
}

async function partAt(seed, index, [x, y], options) {
  let best;
  for (const { id, box } of await partsAt(index, options)) {
    const away = Math.hypot((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y);
    if (away < 60 && (!best || away < best.away)) best = { id, away };
  }
  return best && `${seed} ${best.id}`;
}

await engine.stop();
const table = {};
let missed = 0;
let double = 0;
for (const [part, defect] of truth) {
  const said = verdicts.get(part) ?? [];
  if (said.length === 0) missed += 1;
  if (said.length > 1) double += 1;
  table[defect] ??= { OK: 0, NOK: 0, UNSURE: 0, reasons: {} };
  for (const { verdict, reasons } of said.slice(0, 1)) {
    table[defect][verdict] += 1;
    for (const reason of verdict === 'OK' ? [] : reasons) table[defect].reasons[reason] = (table[defect].reasons[reason] ?? 0) + 1;
  }
}
const seconds = (performance.now() - began) / 1000;
say(
  `${truth.size} parts, ${frames} frames in ${seconds.toFixed(0)} s; missed ${missed}, double ${double}, verdicts of no part ${unknown.length}, first seen behind the line ${unseen}`,
);
for (const [defect, { OK, NOK, UNSURE, reasons }] of Object.entries(table)) {
  const why = Object.entries(reasons).map(([reason, count]) => `${reason} ${count}`);
  say(`${defect.padEnd(14)} OK ${OK}  NOK ${NOK}  UNSURE ${UNSURE}  ${why.join(', ')}`);
}
const sorted = judgeMs.sort((a, b) => a - b);
say(`measured and judged in ${sorted[sorted.length >> 1].toFixed(2)} ms, p95 ${sorted[Math.floor(sorted.length * 0.95)].toFixed(2)} ms`);
if (process.env.VERBOSE) {
  for (const [part, defect] of truth)
    for (const { verdict, reasons, checks } of verdicts.get(part) ?? [])
      if ((verdict === 'OK') !== (defect === 'none'))
        say(`${part} ${defect}: ${verdict} ${reasons} ${checks.map(({ id, value }) => `${id} ${value}`).join(' ')}`);
}
