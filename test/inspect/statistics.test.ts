import { describe, expect, it } from 'vitest';
import { nelsonRules, statisticsOf } from '../../src/inspect/statistics.js';

const alternating = (first: number, low: number, high: number) => [
  first,
  ...Array.from({ length: 1000 }, (_, k) => (k % 2 === 0 ? low : high)),
];

describe('statistics', () => {
  // NIST StRD, univariate: certified mean and standard deviation.
  it.each([
    ['NumAcc1', [10_000_001, 10_000_003, 10_000_002], 10_000_002, 1, 15],
    ['NumAcc2', alternating(1.2, 1.1, 1.3), 1.2, 0.1, 14],
    ['NumAcc3', alternating(1_000_000.2, 1_000_000.1, 1_000_000.3), 1_000_000.2, 0.1, 9],
    ['NumAcc4', alternating(10_000_000.2, 10_000_000.1, 10_000_000.3), 10_000_000.2, 0.1, 8],
  ] as const)('of %s are the certified ones', (_, values, mean, sd, digits) => {
    const found = statisticsOf(values, {});
    expect(-Math.log10(Math.abs(found.mean! - mean) / mean + 1e-16)).toBeGreaterThan(13);
    expect(-Math.log10(Math.abs(found.sd! - sd) / sd + 1e-16)).toBeGreaterThan(digits - 0.5);
  });

  it('take capability from the short-term spread, and performance from all', () => {
    // Subgroups of range 2, whose means wander: ranges say nothing about that.
    const values = [0, 10, 20, 30].flatMap((middle) => [-1, 0, 1, 0, 0].map((offset) => middle + offset));
    const { mean, sd, sdWithin, cp, cpk, pp, ppk } = statisticsOf(values, { lsl: -15, usl: 45 });
    expect(mean).toBeCloseTo(15, 12);
    expect(sdWithin).toBeCloseTo(2 / 2.326, 12);
    expect(cp).toBeCloseTo(60 / (6 * sdWithin!), 12);
    expect(cpk).toBeCloseTo(30 / (3 * sdWithin!), 12);
    expect(pp).toBeCloseTo(60 / (6 * sd!), 12);
    expect(ppk).toBeCloseTo(30 / (3 * sd!), 12);
    expect(sd).toBeGreaterThan(10);
    expect(statisticsOf(values, { usl: 45 })).toMatchObject({ cp: null, pp: null, cpk });
    expect(statisticsOf([], {})).toEqual({
      n: 0,
      mean: null,
      sd: null,
      sdWithin: null,
      cp: null,
      cpk: null,
      pp: null,
      ppk: null,
      nelson: [],
    });
    expect(statisticsOf([3, 3, 3], { lsl: 0, usl: 6 })).toMatchObject({ sd: 0, pp: null, nelson: [] });
  });

  it('know the rules 1 to 4 of Nelson by what completes each, and not one value before', () => {
    const rules = (values: number[]) => nelsonRules(values, 0, 1);
    expect(rules([0.5, 3.1])).toEqual([1]);
    expect(rules([0.5, 2.9])).toEqual([]);
    expect(rules(Array(8).fill(0.2))).toEqual([]);
    expect(rules(Array(9).fill(0.2))).toEqual([2]);
    expect(rules([-0.2, -0.1, 0, 0.1, 0.2])).toEqual([]);
    expect(rules([-0.2, -0.1, 0, 0.1, 0.2, 0.3])).toEqual([3]);
    const swing = Array.from({ length: 14 }, (_, k) => (k % 2 === 0 ? 0.1 : -0.1));
    expect(rules(swing.slice(1))).toEqual([]);
    expect(rules(swing)).toEqual([4]);
  });
});
