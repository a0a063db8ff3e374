import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CameraMeter } from '../../src/telemetry/meter.js';

const NOTHING = { received: 0, dropped: {} };

describe('camera meter', () => {
  it('reads zero rates and no latencies before the first frame', () => {
    expect(new CameraMeter('belt', () => NOTHING).read(5)).toEqual({
      id: 'belt',
      fpsIn: 0,
      fpsOut: 0,
      framesIn: 0,
      framesOut: 0,
      dropped: {},
      latencyMs: {},
      objects: 0,
      prompts: [],
    });
  });

  it('counts frames per second in and out, and drops by reason', () => {
    let received = 0;
    let busy = 0;
    const meter = new CameraMeter('belt', () => ({ received, dropped: { busy } }));
    let now = 3000;
    // 30 frames a second come in, every third is dropped.
    for (let frame = 0; frame < 900; frame += 1) {
      now = 3000 + (frame * 1000) / 30;
      received += 1;
      if (frame % 3 === 1) busy += 1;
      else meter.record({ latencyMs: { infer: 10 }, objects: 2, answers: [] }, now);
    }
    const reading = meter.read(now);
    expect(reading.fpsIn).toBeCloseTo(30, 0);
    expect(reading.fpsOut).toBeCloseTo(20, 0);
    expect(reading).toMatchObject({ framesIn: 900, framesOut: 600, dropped: { busy: 300 }, objects: 1200 });
    expect(reading.latencyMs.infer).toMatchObject({ count: 600, sum: 6000 });
    expect(meter.read(now + 60_000)).toMatchObject({ fpsIn: 0, fpsOut: 0, dropped: { busy: 300 } });
  });

  it('counts the frames in which each prompt in force matched, and forgets those that are gone', () => {
    const meter = new CameraMeter('belt', () => NOTHING);
    const answer = (id: string, found: number, unscored?: number) => ({
      id,
      type: 'text' as const,
      matches: Array.from({ length: found }, (_, index) => ({ index, score: 1 })),
      ...(unscored === undefined ? {} : { unscored }),
    });
    const frames = [[answer('a', 2), answer('b', 0)], [answer('a', 0), answer('b', 0, 3)], [answer('a', 1)], [answer('a', 1)]];
    const seen = frames.map((answers, now) => {
      meter.record({ latencyMs: {}, objects: 3, answers }, now);
      return meter.read(now).prompts;
    });
    expect(seen[1]).toEqual([
      { id: 'a', matched: false, objects: 0, framesMatched: 1 },
      { id: 'b', matched: null, objects: 0, framesMatched: 0 },
    ]);
    expect(seen[3]).toEqual([{ id: 'a', matched: true, objects: 1, framesMatched: 3 }]);
  });

  it('has the nearest-rank percentiles of the latest 512 frames', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 1200 }), (values) => {
        const meter = new CameraMeter('belt', () => NOTHING);
        for (const [index, infer] of values.entries()) meter.record({ latencyMs: { infer }, objects: 0, answers: [] }, index);
        const { p50, p95, p99 } = meter.read(values.length).latencyMs.infer!;
        const sorted = values.slice(-512).sort((a, b) => a - b);
        for (const [share, value] of [
          [0.5, p50],
          [0.95, p95],
          [0.99, p99],
        ] as const) {
          const below = sorted.filter((candidate) => candidate < value).length;
          const upTo = sorted.filter((candidate) => candidate <= value).length;
          expect(sorted).toContain(value);
          expect(below).toBeLessThan(share * sorted.length);
          expect(upTo).toBeGreaterThanOrEqual(share * sorted.length);
        }
      }),
    );
  });
});
