/** The governor on a simulated machine: heat that follows the work, with inertia, in simulated time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { governorSchema } from '../../../src/config/sections/governor.js';
import { FrameGate, gated } from '../../../src/daemon/governor/gate.js';
import { Governor, type Step } from '../../../src/daemon/governor/governor.js';
import { degradationLevels } from '../../../src/daemon/governor/levels.js';
import { pressureOf } from '../../../src/daemon/governor/pressure.js';
import { governedEngine } from '../../../src/daemon/node-engine.js';
import { SEGMENTATION_DEFAULTS } from '../../../src/domain/segmentation.js';
import { NO_READINGS, type SensorReadings } from '../../../src/telemetry/sensors/readings.js';
import { EMPTY, FakeFrame, FakeSource, fakeEngine } from '../../helpers/fakes.js';

const config = governorSchema.parse({ smallModel: 'small.onnx', everyNth: 4, minFps: 2 });
const LOOK_MS = 5000;
const CAMERA_FPS = 30;

function hot(celsius: number): SensorReadings {
  return { ...NO_READINGS, zones: [{ name: 'tj', celsius, throttleCelsius: 99, criticalCelsius: 104 }] };
}

interface Moment {
  readonly minute: number;
  readonly celsius: number;
  readonly fps: number;
}

/** A board whose temperature approaches ambient + heat × work, where the work is frames × their cost, with a time constant of two minutes. */
function simulate(minutes: number, ambient: (minute: number) => number, settings = config): { steps: Step[]; moments: Moment[] } {
  const governor = new Governor({ levels: degradationLevels(settings), limits: settings });
  const gate = new FrameGate();
  const steps: Step[] = [];
  const moments: Moment[] = [];
  let celsius = 50;
  let frame = 0;
  for (let now = 0; now < minutes * 60_000; now += LOOK_MS) {
    const step = governor.update(pressureOf({ readings: hot(celsius), latencyMs: null }, settings), now);
    if (step) steps.push(step);
    let passed = 0;
    for (; frame < ((now + LOOK_MS) / 1000) * CAMERA_FPS; frame += 1)
      if (gate.passes(governor.degradation, (frame * 1000) / CAMERA_FPS)) passed += 1;
    const fps = passed / (LOOK_MS / 1000);
    const work = (fps / CAMERA_FPS) * (governor.degradation.smallModel ? 0.6 : 1);
    const target = ambient(now / 60_000) + 45 * work;
    celsius += (target - celsius) * (1 - Math.exp(-LOOK_MS / 120_000));
    moments.push({ minute: now / 60_000, celsius, fps });
  }
  return { steps, moments };
}

describe('degradation levels', () => {
  it('has what the configuration allows, the least harmful first', () => {
    expect(degradationLevels(config).map(({ name }) => name)).toEqual([
      '',
      'small model',
      'small model, every 2nd frame',
      'small model, every 4th frame',
      'small model, every 4th frame, at most 2 frames a second',
    ]);
    expect(degradationLevels(governorSchema.parse({})).map(({ everyNth }) => everyNth)).toEqual([1, 2, 4]);
    expect(degradationLevels(governorSchema.parse({}), true)[1]).toMatchObject({
      name: 'fewer looks for text prompts',
      textShare: 0.5,
      everyNth: 1,
    });
    expect(degradationLevels(governorSchema.parse({ everyNth: 3 })).map(({ name }) => name)).toEqual([
      '',
      'every 2nd frame',
      'every 3rd frame',
    ]);
    expect(degradationLevels(governorSchema.parse({ everyNth: 1 }))).toHaveLength(1);
    expect(degradationLevels(governorSchema.parse({ enabled: false, minFps: 2 }))).toHaveLength(1);
  });
});

describe('pressure', () => {
  const rail = { name: 'VDD_IN', volts: 5, amps: 3, watts: 15, maxAmps: 5, critAmps: 5, maxAlarm: false, critAlarm: false };
  it.each([
    ['cold', hot(60), {}, 'calm'],
    ['warm', hot(90), {}, 'between'],
    ['hot', hot(94), {}, 'high'],
    ['hot by the configuration', hot(71), { highC: 70 }, 'high'],
    ['no longer cold by the configuration', hot(66), { highC: 70, lowC: 65 }, 'between'],
    ['throttled', { ...NO_READINGS, cooling: { active: true, devices: ['gpu-throttle-alert'] } }, {}, 'high'],
    ['a rail above its limit', { ...NO_READINGS, rails: [{ ...rail, maxAlarm: true }] }, {}, 'high'],
    ['too much power', { ...NO_READINGS, rails: [rail] }, { maxWatts: 14 }, 'high'],
    ['nearly too much power', { ...NO_READINGS, rails: [rail] }, { maxWatts: 16 }, 'between'],
    ['little power', { ...NO_READINGS, rails: [rail] }, { maxWatts: 25 }, 'calm'],
    ['nothing known', NO_READINGS, {}, 'calm'],
  ])('%s', (_, readings, limits, level) => {
    expect(pressureOf({ readings, latencyMs: null }, limits).level).toBe(level);
  });

  it('slow results', () => {
    const at = (latencyMs: number) => pressureOf({ readings: NO_READINGS, latencyMs }, { maxLatencyMs: 100 });
    expect([at(40).level, at(80).level, at(120)]).toEqual(['calm', 'between', { level: 'high', reason: 'results take 120 ms' }]);
  });
});

describe('governor in simulated time', () => {
  it('follows a heat ramp down and back, keeps below the limit, and says each step with its reason', () => {
    // A shed whose roof heats up in the morning, and cools down in the evening: 30 → 62 → 30 °C.
    const ambient = (minute: number) =>
      minute < 60 ? 30 + (32 * minute) / 60 : minute < 240 ? 62 : Math.max(62 - (32 * (minute - 240)) / 60, 30);
    const { steps, moments } = simulate(420, ambient);
    const down = steps.filter(({ direction }) => direction === 'down');
    expect(down.length).toBeGreaterThan(0);
    expect(down[0]).toMatchObject({
      from: 0,
      to: 1,
      degradation: { name: 'small model' },
      reason: expect.stringMatching(/^tj is at 9\d °C$/),
    });
    // Half of this is overshoot of the board's inertia, the kernel's limit of 99 °C is never met.
    expect(Math.max(...moments.map(({ celsius }) => celsius))).toBeLessThan(97);
    expect(moments[0]!.fps).toBeCloseTo(CAMERA_FPS, 0);
    expect(moments.at(-1)!.fps).toBeCloseTo(CAMERA_FPS, 0);
    expect(steps.at(-1)).toMatchObject({ direction: 'up', to: 0 });
  });

  it('goes all the way down when that is what it takes, with the frame rate of each level', () => {
    const { steps, moments } = simulate(60, () => 95);
    expect(steps.map(({ to }) => to).slice(0, 4)).toEqual([1, 2, 3, 4]);
    const rates = [30, 15, 7.5, 2];
    for (const { fps } of moments) expect(Math.min(...rates.map((rate) => Math.abs(fps - rate)))).toBeLessThanOrEqual(0.7);
    for (const rate of rates) expect(moments.some(({ fps }) => Math.abs(fps - rate) <= 0.5)).toBe(true);
    expect(moments.at(-1)!.fps).toBeCloseTo(2, 0);
  });

  it('does not swing: where one level is too hot and the next is cool, its patience doubles', () => {
    const { steps } = simulate(24 * 60, () => 55);
    const perHour = (from: number, to: number) =>
      (simulate(to * 60, () => 55).steps.length - simulate(from * 60, () => 55).steps.length) / (to - from);
    expect(steps.length).toBeGreaterThan(0);
    // Half an hour and more for each way down and up again.
    expect(perHour(6, 24)).toBeLessThan(4);
  });

  it('never skips a level, never leaves their range, and holds between steps down', () => {
    const levels = fc.array(fc.constantFrom('high', 'between', 'calm'), { maxLength: 400 });
    fc.assert(
      fc.property(levels, (sequence) => {
        const levels = degradationLevels(config);
        const governor = new Governor({ levels, limits: config });
        let lastDown = Number.NEGATIVE_INFINITY;
        for (const [index, level] of sequence.entries()) {
          const now = index * 1000;
          const before = governor.level;
          const step = governor.update({ level, reason: level }, now);
          expect(Math.abs(governor.level - before)).toBe(step ? 1 : 0);
          expect(governor.degradation).toBe(levels[governor.level]);
          expect(governor.summary === null).toBe(governor.level === 0);
          if (step?.direction === 'down') {
            expect(now - lastDown).toBeGreaterThanOrEqual(config.holdS * 1000);
            lastDown = now;
          }
        }
      }),
    );
  });
});

describe('what the steps do', () => {
  const degradation = { name: '', textShare: 1, smallModel: false, everyNth: 3, maxFps: null };

  it('leaves out frames of a live source, releases and counts them; a file loses nothing', async () => {
    const left: string[] = [];
    const camera = Object.assign(new FakeSource(9, true), { discard: (reason: string) => void left.push(reason) });
    const frames = gated(camera, () => degradation);
    const passed = [];
    for await (const frame of frames) passed.push(frame.sequence);
    expect(passed).toEqual([2, 5, 8]);
    expect(left).toEqual(Array.from({ length: 6 }, () => 'governor'));
    expect(camera.handedOut.map(({ released }) => released)).toEqual([1, 1, 0, 1, 1, 0, 1, 1, 0]);

    const file = gated(new FakeSource(9), () => degradation);
    let count = 0;
    for await (const _ of file) count += 1;
    expect([count, file.dropped()]).toEqual([9, {}]);
  });

  it('turns to the small engine and back, and results say which it was', async () => {
    let small = false;
    const named = (name: string) => ({ ...fakeEngine(async () => EMPTY), model: { ...fakeEngine(async () => EMPTY).model, name } });
    const engine = governedEngine(named('main'), named('small'), () => small);
    const names = [];
    for (const use of [false, true, false]) {
      small = use;
      names.push([engine.model.name, (await engine.segment(new FakeFrame(0), SEGMENTATION_DEFAULTS)).model?.name]);
    }
    expect(names).toEqual([
      ['main', 'main'],
      ['small', 'small'],
      ['main', 'main'],
    ]);
  });
});
