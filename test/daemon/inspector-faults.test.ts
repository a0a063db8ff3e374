/** Triggers that come too fast, twice, or while the clock steps: each accepted one has its verdict, in order. */
import { afterEach, expect, it, vi } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { Frame } from '../../src/domain/frame.js';
import { recipeSchema } from '../../src/domain/recipe.js';
import type { FrameResult } from '../../src/domain/result.js';
import { type Station, station } from '../helpers/station.js';

const SIDE = 64;
const QUEUE = 8;
const RECIPE = recipeSchema.parse({
  recipe: 'asked',
  edge: 'mask',
  trigger: { type: 'mqtt', timeoutMs: 600_000, queue: QUEUE },
  objects: { part: {} },
  checks: [{ id: 'none', absent: 'part' }],
});
const open: Station[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

/** A station before an empty frame; `shoot` takes it. */
function emptyStation() {
  const opened = station(RECIPE);
  open.push(opened);
  const pixels = native().createFrame(new Uint8Array(3 * SIDE * SIDE), { width: SIDE, height: SIDE, format: 'rgb' });
  const frame = { pixels, width: SIDE, height: SIDE } as unknown as Frame;
  let sequence = 0;
  /** A frame that was captured now. */
  const shoot = () => {
    sequence += 1;
    const result = {
      sequence,
      captured: { wallMs: Date.now(), monotonicNs: process.hrtime.bigint() },
      model: { name: 'm', backend: 'onnxruntime', inputWidth: 64, inputHeight: 64, labels: [] },
      geometry: {
        frameWidth: SIDE,
        frameHeight: SIDE,
        inputWidth: 64,
        inputHeight: 64,
        left: 0,
        top: 0,
        contentWidth: 64,
        contentHeight: 64,
      },
      segments: {
        count: 0,
        width: SIDE,
        height: SIDE,
        boxes: new Float32Array(),
        scores: new Float32Array(),
        classes: new Int32Array(),
        areas: new Uint32Array(),
        runs: new Uint32Array(),
        offsets: Uint32Array.of(0),
      },
      answers: [],
    } as unknown as FrameResult;
    return opened.inspector.take(result, frame);
  };
  return { ...opened, shoot };
}

it('gives each of 1,000 triggers at once a verdict: those that may wait are judged, the others are missed', async () => {
  const { inspector, database, verdicts, shoot, state } = emptyStation();
  const asked = Array.from({ length: 1000 }, (_, k) => inspector.trigger({ name: `t-${k}`, wait: true }));
  await vi.waitFor(() => expect(verdicts.length).toBe(1000 - QUEUE), { timeout: 20_000 });
  await shoot();
  const answers = await Promise.all(asked);
  expect(answers.map(({ inspection }) => inspection)).toEqual(Array.from({ length: 1000 }, (_, k) => k + 1));
  const byNumber = new Map(verdicts.map((verdict) => [verdict.inspection, verdict]));
  expect(byNumber.size).toBe(1000);
  for (const { inspection, verdict } of answers) expect(verdict).toEqual(byNumber.get(inspection));
  expect(verdicts.filter(({ verdict }) => verdict === 'OK').map(({ inspection }) => inspection)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(verdicts.filter(({ reasons }) => reasons[0] === 'MISSED_TRIGGER')).toHaveLength(1000 - QUEUE);
  expect(state().counts).toMatchObject({ triggers: 1000, ok: QUEUE, unsure: 1000 - QUEUE, missed: 1000 - QUEUE });
  expect(database.call('pending', null)).toEqual([]);
  expect(database.call('verify', {}).problem).toBeUndefined();
});

it('answers the same name the same, however often and in whatever order it comes', async () => {
  const { inspector, verdicts, shoot } = emptyStation();
  const names = ['a', 'b', 'a', 'c', 'b', 'a', 'c', 'a'];
  const waiting = names.map((name) => inspector.trigger({ name, wait: true }));
  await vi.waitFor(() => expect(inspector.trigger({ name: 'c', wait: false })).resolves.toEqual({ inspection: 3 }), { timeout: 20_000 });
  await shoot();
  const first = await Promise.all(waiting);
  const again = await Promise.all([...names].reverse().map((name) => inspector.trigger({ name, wait: false })));
  expect(first.map(({ inspection }) => inspection)).toEqual([1, 2, 1, 3, 2, 1, 3, 1]);
  expect(again).toEqual([...first].reverse());
  expect(verdicts.map(({ inspection }) => inspection)).toEqual([1, 2, 3]);
});

it('picks frames by the monotonic clock: steps of the wall clock neither lose nor delay a verdict', async () => {
  const { inspector, verdicts, shoot } = emptyStation();
  const DAY = 86_400_000;
  const real = Date.now.bind(Date);
  let step = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => real() + step);
  for (const [k, offset] of [0, -30 * DAY, 400 * DAY, 0, 3_600_000].entries()) {
    const asked = inspector.trigger({ name: `t-${k}`, wait: true });
    await vi.waitFor(async () => expect(await inspector.trigger({ name: `t-${k}`, wait: false })).toMatchObject({ inspection: k + 1 }), {
      timeout: 20_000,
    });
    // Between the trigger and its frame.
    step = offset;
    await shoot();
    const { verdict } = await asked;
    expect(verdict).toMatchObject({ inspection: k + 1, verdict: 'OK', recorded: true });
    expect(verdict!.latencyMs.total).toBeLessThan(60_000);
  }
  expect(verdicts.map(({ inspection }) => inspection)).toEqual([1, 2, 3, 4, 5]);
});
