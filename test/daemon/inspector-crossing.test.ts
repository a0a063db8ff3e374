/** The inspection of a camera whose parts cross a line: frames in, one recorded verdict for each part out. */
import { expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { inspectionMessageSchema } from '../../src/contract/messages.js';
import { exposition } from '../../src/daemon/metrics/exposition.js';
import type { Frame } from '../../src/domain/frame.js';
import { recipeSchema } from '../../src/domain/recipe.js';
import type { FrameResult } from '../../src/domain/result.js';
import { station } from '../helpers/station.js';

const SIZE = { width: 320, height: 240 };
const RECIPE = recipeSchema.parse({
  recipe: 'belt',
  edge: 'mask',
  objects: { part: {} },
  trigger: {
    type: 'crossing',
    of: 'part',
    line: [
      [160, 0],
      [160, 240],
    ],
    margin: 30,
  },
  checks: [{ id: 'area', measure: 'area', of: 'part', min: 500 }],
});

/** Squares at these places; each with its track. */
function resultOf(squares: readonly { track: number; x: number; side: number }[], ended: readonly number[] = []): FrameResult {
  const runs = squares.flatMap(({ x, side }) =>
    Array.from({ length: side }, (_, column) => {
      const top = (x - (side >> 1) + column) * SIZE.height + 100;
      return [top, top + side];
    }).flat(),
  );
  const sides = squares.map(({ side }) => side);
  return {
    sequence: 7,
    captured: { wallMs: 1_800_000_000_000, monotonicNs: process.hrtime.bigint() },
    origin: 'test',
    model: { name: 'm', backend: 'onnxruntime', inputWidth: 320, inputHeight: 320, labels: [] },
    geometry: {
      frameWidth: 320,
      frameHeight: 240,
      inputWidth: 320,
      inputHeight: 320,
      left: 0,
      top: 0,
      contentWidth: 320,
      contentHeight: 240,
    },
    segments: {
      ...SIZE,
      count: squares.length,
      boxes: Float32Array.from(squares.flatMap(({ x, side }) => [x - (side >> 1), 100, x - (side >> 1) + side, 100 + side])),
      scores: new Float32Array(squares.length).fill(0.9),
      classes: new Int32Array(squares.length),
      areas: Uint32Array.from(sides, (side) => side * side),
      runs: Uint32Array.from(runs),
      offsets: Uint32Array.from([0, ...sides.map((_, k) => sides.slice(0, k + 1).reduce((sum, side) => sum + side, 0))]),
    },
    promptRevision: 0,
    answers: [],
    tracks: {
      ids: Uint32Array.from(squares, ({ track }) => track),
      parents: new Uint32Array(squares.length),
      agesMs: new Float32Array(squares.length),
      velocities: new Float32Array(2 * squares.length),
      lost: [],
      ended: ended.map((id) => ({ id, box: [0, 0, 1, 1], ageMs: 1, left: false })),
      stats: { live: squares.length, born: 0, reacquired: 0, ms: 0 },
    },
    timings: { wait: 0, preprocess: 0, infer: 0, decode: 0, prompt: 0 },
    dropped: {},
  } as unknown as FrameResult;
}

it('decides each part by itself when it has crossed, and says which was lost', async () => {
  const pixels = await native().renderShapes(0, { ...SIZE, seed: 1 });
  let held = 0;
  let most = 0;
  const frame = {
    ...{ pixels, ...SIZE, format: 'rgb' },
    retain: () => {
      held += 1;
      most = Math.max(most, held);
      return frame;
    },
    [Symbol.dispose]: () => {
      held -= 1;
    },
  } as unknown as Frame;
  const kept: string[] = [];
  const { inspector, database, verdicts, state } = station(RECIPE, {
    evidence: {
      nameFor: (verdict) => (verdict === 'OK' ? undefined : `of ${verdict}`),
      keep: ({ verdict }, { outlines }) => kept.push(`${verdict.inspection} ${verdict.evidence}, ${outlines.length} outlines`),
    },
  });
  for (const x of [100, 140, 155, 170, 200]) {
    const large = { track: 1, x, side: 40 };
    const small = { track: 2, x: x - 60, side: 20 };
    await inspector.take(resultOf([large, small]), frame);
  }
  await inspector.take(resultOf([{ track: 2, x: 165, side: 20 }]), frame);
  await inspector.take(
    resultOf([
      { track: 2, x: 220, side: 20 },
      { track: 3, x: 145, side: 40 },
    ]),
    frame,
  );
  await inspector.take(resultOf([], [3]), frame);
  expect(verdicts).toMatchObject([
    { inspection: 1, verdict: 'OK', track: 1, frames: 3, trigger: { type: 'crossing' }, checks: [{ id: 'area', value: 1600 }] },
    { inspection: 2, verdict: 'NOK', reasons: ['BELOW'], track: 2, checks: [{ value: 400 }] },
    { inspection: 3, verdict: 'UNSURE', reasons: ['TRACK_LOST'], track: 3, checks: [] },
  ]);
  expect(verdicts.map(({ evidence }) => evidence)).toEqual([undefined, 'of NOK', 'of UNSURE']);
  // The part alone, not its neighbours.
  expect(kept).toEqual(['2 of NOK, 1 outlines', '3 of UNSURE, 1 outlines']);
  expect(most).toBeGreaterThan(2);
  expect(held).toBe(0);
  expect(state()).toMatchObject({ trigger: 'crossing', counts: { triggers: 3, ok: 1, nok: 1, unsure: 1 }, last: { inspection: 3 } });
  expect(inspector.statisticsDue).toBe(true);
  const statistics = { id: 'area', n: 2, mean: 1000, sd: 1, sdWithin: null, cp: null, cpk: null, pp: null, ppk: 2, nelson: [1] };
  inspector.setStatistics({ id: 'belt', revision: 9, sha256: 'of another' }, [statistics]);
  expect(state()).not.toHaveProperty('statistics');
  inspector.setStatistics(inspector.identity, [statistics]);
  expect(inspector.statisticsDue).toBe(false);
  expect(inspectionMessageSchema.parse(state())).toMatchObject({ statistics: [{ id: 'area', ppk: 2 }], counts: { unseen: 0 } });
  const lines = exposition(undefined, [], '1', [], [state()]).split('\n');
  const labels = `camera="belt",recipe="belt",revision="1"`;
  expect(lines).toEqual(
    expect.arrayContaining([
      `fastsamd_inspection_ready{camera="belt"} 1`,
      `fastsamd_inspection_verdicts_total{${labels},verdict="nok"} 1`,
      `fastsamd_inspection_unseen_total{${labels}} 0`,
      `fastsamd_inspection_check_ppk{${labels},check="area"} 2`,
      `fastsamd_inspection_check_nelson{${labels},check="area",rule="1"} 1`,
    ]),
  );
  // What is in sight is let go of with the recipe, or at the end.
  await inspector.take(resultOf([{ track: 4, x: 100, side: 40 }]), frame);
  await inspector.take(resultOf([{ track: 4, x: 150, side: 40 }]), frame);
  expect(held).toBe(1);
  // Another recipe has no statistics yet.
  inspector.activate({ recipe: RECIPE, revision: 2, sha256: '1'.repeat(64), atMs: 0, active: true });
  expect(state()).not.toHaveProperty('statistics');
  expect(held).toBe(0);
  await inspector.take(resultOf([{ track: 5, x: 100, side: 40 }]), frame);
  await inspector.take(resultOf([{ track: 5, x: 150, side: 40 }]), frame);
  await inspector.close();
  expect(held).toBe(0);
  expect(database.call('verify', {})).toEqual({ verdicts: 3, pictures: 0 });
  database.close();
});

it('gives a trigger that waits up when it is cancelled, once', async () => {
  const recipe = recipeSchema.parse({ recipe: 'asked', objects: { part: {} }, checks: [{ id: 'one', present: 'part' }] });
  const { inspector, database, verdicts } = station(recipe);
  const waiting = { name: 't-1', wait: false };
  expect(await inspector.trigger(waiting)).toEqual({ inspection: 1 });
  const answered = inspector.trigger({ ...waiting, wait: true });
  const cancelled = { inspection: 1, verdict: { verdict: 'UNSURE', reasons: ['CANCELLED'] } };
  expect(await inspector.cancel('t-1')).toMatchObject(cancelled);
  expect(await answered).toMatchObject(cancelled);
  expect(await inspector.trigger(waiting)).toMatchObject(cancelled);
  await expect(inspector.cancel('t-1')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  expect(verdicts).toHaveLength(1);
  await inspector.close();
  database.close();
});

it('says of a trigger whether its camera was lost, or only sent nothing in time', async () => {
  let streaming = false;
  const recipe = recipeSchema.parse({
    recipe: 'asked',
    trigger: { type: 'mqtt', timeoutMs: 10 },
    objects: { part: {} },
    checks: [{ id: 'one', present: 'part' }],
  });
  const { inspector, database } = station(recipe, { streaming: () => streaming });
  expect(await inspector.trigger({ name: 't-1', wait: true })).toMatchObject({ verdict: { verdict: 'UNSURE', reasons: ['SOURCE_LOST'] } });
  streaming = true;
  expect(await inspector.trigger({ name: 't-2', wait: true })).toMatchObject({ verdict: { verdict: 'UNSURE', reasons: ['TIMEOUT'] } });
  await inspector.close();
  database.close();
});
