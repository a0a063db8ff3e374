import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CameraMeter } from '../../src/telemetry/meter.js';

describe('camera meter', () => {
  it('reads zero rates and no latencies before the first frame', () => {
    expect(new CameraMeter('belt').read(5)).toEqual({ id: 'belt', fpsIn: 0, fpsOut: 0, dropped: {}, latencyMs: {} });
  });

  it('counts frames per second in and out, and drops by reason', () => {
    const meter = new CameraMeter('belt');
    let now = 3000;
    // 30 frames a second come in, every third is dropped.
    for (let frame = 0; frame < 900; frame += 1) {
      now = 3000 + (frame * 1000) / 30;
      if (frame % 3 === 2) meter.record({ latencyMs: { infer: 10 }, dropped: { busy: 1 } }, now);
      else if (frame % 3 === 0) meter.record({ latencyMs: { infer: 10 }, dropped: {} }, now);
    }
    const reading = meter.read(now);
    expect(reading.fpsIn).toBeCloseTo(30, 0);
    expect(reading.fpsOut).toBeCloseTo(20, 0);
    expect(reading.dropped).toEqual({ busy: 300 });
    expect(meter.read(now + 60_000)).toMatchObject({ fpsIn: 0, fpsOut: 0, dropped: { busy: 300 } });
  });

  it('has the nearest-rank percentiles of the latest 512 frames', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 1200 }), (values) => {
        const meter = new CameraMeter('belt');
        for (const [index, infer] of values.entries()) meter.record({ latencyMs: { infer }, dropped: {} }, index);
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
