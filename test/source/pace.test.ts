import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/source/pace.js';

describe('Pace', () => {
  it('never hands out more frames than the rate allows, and on average as many', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 50 }),
        (fps, gaps) => {
          const pace = new Pace(fps);
          const period = 1000 / fps;
          let now = 1000;
          const taken = gaps.map((gap) => {
            // The source is quicker than the rate: it is late by less than a period.
            now += Math.min(gap, period * 0.9);
            now += pace.next(now);
            return now;
          });
          const elapsed = taken.at(-1)! - taken[0]!;
          expect(taken.length - 1).toBeLessThanOrEqual(elapsed / period + 1);
          expect(taken.length - 1).toBeGreaterThanOrEqual(Math.floor(elapsed / period) - 1);
        },
      ),
    );
  });

  it('does not catch up after a pause', () => {
    const pace = new Pace(10);
    expect([pace.next(1000), pace.next(1000)]).toEqual([0, 100]);
    expect([pace.next(60_000), pace.next(60_000), pace.next(60_100)]).toEqual([0, 100, 100]);
  });

  it('holds nothing back without a rate', () => {
    expect(new Pace(undefined).next(5)).toBe(0);
  });
});
