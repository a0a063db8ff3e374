import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSchema } from '../../src/domain/recipe.js';
import { teachLimits } from '../../src/inspect/limits.js';

const length = checkSchema.parse({ id: 'length', measure: 'length', of: 'part', target: 100, tol: 1 });
const rule = { sigma: 4, least: 0 };

describe('teachLimits', () => {
  it('takes the median and robust deviation, and rounds outwards', () => {
    // Deviations from 100: 0, 0.1 twice, 0.2 twice; their median is 0.1, so sd = 0.14826.
    const values = [99.8, 99.9, 100, 100.1, 100.2];
    expect(teachLimits(length, values, rule)).toEqual({
      check: 'length',
      n: 5,
      median: 100,
      sd: expect.closeTo(0.14826, 4),
      lsl: 99.4,
      usl: 100.6,
      outside: 0,
      outsideNow: 0,
    });
  });

  it('lets one bad part among the good ones not widen the limits, and says that it is outside', () => {
    const values = [99.8, 99.9, 99.95, 100, 100.05, 100.1, 100.2, 130];
    const { usl, outside, outsideNow } = teachLimits(length, values, rule);
    expect(usl).toBeLessThan(101);
    expect([outside, outsideNow]).toEqual([1, 1]);
  });

  it('is never narrower than what can be measured', () => {
    expect(teachLimits(length, [100, 100, 100, 100, 100], { sigma: 4, least: 0.05 })).toMatchObject({ lsl: 99.8, usl: 100.2 });
  });

  it('takes the ordinary deviation where most values are equal', () => {
    const { sd } = teachLimits(length, [4, 4, 4, 4, 5], rule);
    expect(sd).toBeCloseTo(0.4472, 4);
  });

  it('gives measures that are best at 0 an upper limit alone', () => {
    const difference = checkSchema.parse({ id: 'golden', measure: 'difference', max: 100 });
    const { lsl, usl } = teachLimits(difference, [0, 0, 0, 0, 6], { sigma: 4, least: 4 });
    expect(lsl).toBeUndefined();
    expect(usl).toBe(16);
  });

  it('has every value inside that is nearer than sigma deviations', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 5, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.double({ min: 1, max: 10, noNaN: true }), (all, sigma) => {
        const { lsl, usl, median, sd, outside } = teachLimits(length, all, { sigma, least: 1e-3 });
        const far = all.filter((value) => Math.abs(value - median) > sigma * sd * (1 + 1e-9) + 1e-9).length;
        expect(outside).toBeLessThanOrEqual(far);
        expect(lsl!).toBeLessThanOrEqual(median - sigma * sd + 1e-6);
        expect(usl!).toBeGreaterThanOrEqual(median + sigma * sd - 1e-6);
      }),
    );
  });
});
