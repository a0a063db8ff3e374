/** The worked example of "Measurement Systems Analysis" (AIAG, 4th edition, chapter III section B): 10 parts, 3 appraisers, 3 trials. */
import { describe, expect, it } from 'vitest';
import { fDistribution, type GaugeValue, gaugeStudy, repeatability } from '../../src/inspect/gauge.js';

const TRIALS: Record<string, number[][]> = {
  A: [
    [0.29, -0.56, 1.34, 0.47, -0.8, 0.02, 0.59, -0.31, 2.26, -1.36],
    [0.41, -0.68, 1.17, 0.5, -0.92, -0.11, 0.75, -0.2, 1.99, -1.25],
    [0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31],
  ],
  B: [
    [0.08, -0.47, 1.19, 0.01, -0.56, -0.2, 0.47, -0.63, 1.8, -1.68],
    [0.25, -1.22, 0.94, 1.03, -1.2, 0.22, 0.55, 0.08, 2.12, -1.62],
    [0.07, -0.68, 1.34, 0.2, -1.28, 0.06, 0.83, -0.34, 2.19, -1.5],
  ],
  C: [
    [0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49],
    [-0.11, -1.13, 1.09, 0.2, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77],
    [-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16],
  ],
};
const VALUES: GaugeValue[] = Object.entries(TRIALS).flatMap(([by, trials]) =>
  trials.flatMap((trial) => trial.map((value, part) => ({ part: String(part + 1), by, value }))),
);

describe('gaugeStudy', () => {
  it('agrees with the handbook to its digits', () => {
    const study = gaugeStudy(VALUES, { tolerance: 6 });
    const rows = study.table.map(({ source, df, ss, ms, f }) => [source, df, ss.toFixed(4), ms.toFixed(5), f?.toFixed(2)]);
    expect(rows.map(([source, df, ss, ms]) => [source, df, ss, ms])).toEqual([
      ['by', 2, '3.1673', '1.58363'],
      ['part', 9, '88.3619', '9.81799'],
      ['by × part', 18, '0.3590', '0.01994'],
      ['repeat', 60, '2.7589', '0.04598'],
    ]);
    expect(rows[2]![4]).toBe('0.43');
    expect(study.interacts).toBe(false);
    expect(study.equipment.sd).toBeCloseTo(0.199933, 6);
    expect(study.conditionsVary.sd).toBeCloseTo(0.226838, 6);
    expect(study.gauge.sd).toBeCloseTo(0.30237, 5);
    expect(study.part.sd).toBeCloseTo(1.042327, 6);
    expect([study.equipment, study.conditionsVary, study.gauge, study.part].map(({ ofTotal }) => ofTotal.toFixed(1))).toEqual([
      '18.4',
      '20.9',
      '27.9',
      '96.0',
    ]);
    expect(study.categories).toBe(4);
    expect(study.gauge.ofTolerance).toBeCloseTo(30.237, 3);
    expect(study).toMatchObject({ parts: 10, conditions: 3, trials: 3 });
  });

  it('takes parts without conditions, and counts an interaction where there is one', () => {
    const alone = gaugeStudy(VALUES.filter(({ by }) => by === 'A'));
    expect(alone).toMatchObject({ conditions: 1, interacts: false, conditionsVary: { sd: 0 }, gauge: { ofTolerance: null } });
    expect(alone.table.map(({ source }) => source)).toEqual(['part', 'repeat']);
    const turned = VALUES.map((each) => ({ ...each, value: each.value * (each.by === 'A' ? -1 : 1) }));
    expect(gaugeStudy(turned)).toMatchObject({ interacts: true });
  });

  it('refuses uneven trials and says which', () => {
    expect(() => gaugeStudy(VALUES.slice(1))).toThrow('part "1" under "A" has 2 values; expected 3, as every part');
    expect(() => gaugeStudy(VALUES.filter(({ part }) => part === '1'))).toThrow('at least 2 parts');
  });
});

describe('repeatability', () => {
  it('gives Cg and Cgk', () => {
    const { n, mean, sd, cg, cgk } = repeatability([9.99, 10, 10.01, 10.02], { tolerance: 0.5, reference: 10 });
    expect(n).toBe(4);
    expect(mean).toBeCloseTo(10.005, 12);
    expect(sd).toBeCloseTo(0.0129099, 7);
    expect(cg).toBeCloseTo(0.1 / (6 * sd), 12);
    expect(cgk).toBeCloseTo((0.05 - 0.005) / (3 * sd), 9);
    expect(repeatability([1, 2])).toMatchObject({ cg: null, cgk: null });
    expect(() => repeatability([1])).toThrow('at least 2');
  });
});

// Of the tables of the F distribution: the 95 % points.
it.each([
  [4.964603, 1, 10],
  [3.492828, 2, 20],
  [1.778446, 18, 60],
])('knows the F distribution: %d is the 95 per cent point of %d and %d', (f, df1, df2) => {
  expect(fDistribution(f, df1, df2)).toBeCloseTo(0.95, 4);
});
