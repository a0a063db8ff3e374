/**
 * `make bench-inspect`: parts of a drawn belt, through the demo model, the tracker and the crossing trigger, against the scene's own truth.
 * PARTS (default 1000) on belts of LANES (1) rows of plates at FPS (4) pictures a second, a new belt with another speed, light and noise
 * every 250 parts, whose seeds count from SEED (9,000,001); TOGETHER (1) belts at a time on THREADS (2). With RESULTS=FILE each finished belt is a line of that file: a run
 * that was ended goes on behind the last one, and PARTS=0 prints what is there. Seeds and recipe are fixed beforehand.
 */
import { appendFile, readFile } from 'node:fs/promises';
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
const LANES = Number(process.env.LANES || 1);
const TOGETHER = Number(process.env.TOGETHER || 1);
const THREADS = Number(process.env.THREADS || 2);
const { RESULTS } = process.env;
const PARTS_A_BELT = 250;
const FIRST_SEED = Number(process.env.SEED || 9_000_001);
const SIDE = 640;
/** Scenes of one seed are alike in every size: what is true is asked of a small one, which is drawn quickly. */
const SMALL = 160;
const say = (line) => process.stdout.write(`${line}\n`);

const recipe = await loadRecipe('config/recipes/plate.yaml');
const setting = { fps: FPS, lanes: LANES };
const done = (await earlierBelts()).filter(({ fps, lanes }) => fps === FPS && lanes === LANES);
const partsOf = (belts) => belts.reduce((sum, { parts }) => sum + parts.length, 0);
if (PARTS > partsOf(done)) await runBelts();
report(done);

/** What an earlier run has written; a line that it was writing when it ended is left out. */
async function earlierBelts() {
  const text = RESULTS ? await readFile(RESULTS, 'utf8').catch(() => '') : '';
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

async function runBelts() {
  const engine = await openEngine({ model: 'models/demo.onnx', onnxruntime: { threads: THREADS } });
  const known = new Set(done.map(({ seed }) => seed));
  let seed = FIRST_SEED;
  let planned = partsOf(done);
  const began = performance.now();
  const before = planned;
  const next = async () => {
    while (planned < PARTS) {
      while (known.has(seed)) seed += 1;
      known.add(seed);
      const wanted = Math.min(PARTS - planned, PARTS_A_BELT);
      planned += wanted;
      const belt = { ...setting, seed, ...(await runBelt(engine, seed, wanted)) };
      done.push(belt);
      if (!RESULTS) continue;
      await appendFile(RESULTS, `${JSON.stringify(belt)}\n`);
      const parts = partsOf(done);
      const hours = ((performance.now() - began) / 3_600_000) * ((PARTS - parts) / (parts - before));
      process.stderr.write(`${parts} of ${PARTS} parts, ${hours.toFixed(1)} h to go; ${summaryOf(done)}\n`);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, next));
  await engine.stop();
}

/** One scene until `wanted` parts have crossed its line. */
async function runBelt(engine, seed, wanted) {
  const options = { width: SIDE, height: SIDE, fps: FPS, seed, plates: true, lanes: LANES };
  const tracker = openTracker({ oneMotion: true });
  const crossing = new Crossing(recipe.trigger);
  const verdicts = new Map();
  const before = new Set();
  const crossed = new Map();
  const strangers = [];
  const judgeMs = [];
  let index = 0;
  for (; crossed.size < wanted; index += 1) {
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
      const part = nearest && (await partAt(nearest.index, nearest.place, options));
      const said = { verdict: judged.verdict, reasons: judged.reasons, values: judged.checks.map(({ value }) => value ?? null), index };
      if (part === undefined) strangers.push(said);
      else verdicts.set(part, [...(verdicts.get(part) ?? []), said]);
    }
    pixels.release();
    for (const { id, defect, box } of await partsAt(index, options)) {
      const middle = (box[0] + box[2]) / 2;
      if (middle < SIDE / 2) before.add(id);
      // A part's length behind the line and more: whatever is to be said of it has been said.
      else if (before.has(id) && middle > 0.8 * SIDE && !crossed.has(id)) crossed.set(id, defect);
    }
  }
  const parts = [...crossed].map(([id, defect]) => ({ id, defect, said: verdicts.get(id) ?? [] }));
  return { frames: index, unseen: crossing.unseen, strangers, judgeMs: judgeMs.map((ms) => Math.round(100 * ms) / 100), parts };
}

async function partsAt(index, options) {
  const { instances } = await native().conveyorTruth(index, { ...options, width: SMALL, height: SMALL });
  return instances.map(({ id, defect, box }) => ({ id, defect, box: box.map((side) => (side * SIDE) / SMALL) }));
}

async function partAt(index, [x, y], options) {
  let best;
  for (const { id, box } of await partsAt(index, options)) {
    const away = Math.hypot((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y);
    if (away < 60 && (!best || away < best.away)) best = { id, away };
  }
  return best?.id;
}

function summaryOf(belts) {
  const parts = belts.flatMap((belt) => belt.parts);
  const count = (are) => parts.filter(are).length;
  const sum = (of) => belts.reduce((total, belt) => total + of(belt), 0);
  return [
    `missed ${count(({ said }) => said.length === 0)}`,
    `double ${count(({ said }) => said.length > 1)}`,
    `verdicts of no part ${sum(({ strangers }) => strangers.length)}`,
    `first seen behind the line ${sum(({ unseen }) => unseen)}`,
  ].join(', ');
}

function report(belts) {
  const table = {};
  for (const { parts } of belts) {
    for (const { defect, said } of parts) {
      table[defect] ??= { OK: 0, NOK: 0, UNSURE: 0, reasons: {} };
      for (const { verdict, reasons } of said.slice(0, 1)) {
        table[defect][verdict] += 1;
        for (const reason of verdict === 'OK' ? [] : reasons) table[defect].reasons[reason] = (table[defect].reasons[reason] ?? 0) + 1;
      }
    }
  }
  const frames = belts.reduce((sum, belt) => sum + belt.frames, 0);
  say(
    `${LANES} lanes, ${FPS} pictures a second: ${partsOf(belts)} parts of ${belts.length} belts, ${frames} pictures; ${summaryOf(belts)}`,
  );
  for (const [defect, { OK, NOK, UNSURE, reasons }] of Object.entries(table)) {
    const why = Object.entries(reasons).map(([reason, count]) => `${reason} ${count}`);
    say(`${defect.padEnd(14)} OK ${OK}  NOK ${NOK}  UNSURE ${UNSURE}  ${why.join(', ')}`);
  }
  const sorted = belts.flatMap(({ judgeMs }) => judgeMs).sort((a, b) => a - b);
  const at = (share) => sorted[Math.floor(share * sorted.length)]?.toFixed(2);
  say(`measured and judged in ${at(0.5)} ms, p95 ${at(0.95)} ms`);
  if (!process.env.VERBOSE) return;
  for (const { seed, parts } of belts)
    for (const { id, defect, said } of parts) {
      if (said.length !== 1) say(`${seed} ${id} ${defect}: ${said.length} verdicts`);
      for (const { verdict, reasons, values, index } of said)
        if ((verdict === 'OK') !== (defect === 'none')) say(`${seed} ${id} ${defect}: ${verdict} ${reasons} ${values} at ${index}`);
    }
}
