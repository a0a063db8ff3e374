/** The five pictures that the Berkeley benchmark comes with, against what its own program computes (with random outliers). */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { boundaryFigures, type Counts, thresholdsOf } from '../../../src/eval/edges/benchmark.js';
import { countMap, readBoundaries } from '../../../src/eval/edges/data.js';
import { readGreyMap } from '../../../src/eval/grey-map.js';

const golden = new URL('../../../../shared/eval/bsds/golden/', import.meta.url).pathname;

it.skipIf(!existsSync(golden))('ODS, OIS and AP of the Berkeley golden set', async () => {
  const thresholds = thresholdsOf(5);
  const expected = [
    ['2018', 0.747654],
    ['3063', 0.747645],
    ['5096', 0.639978],
    ['6046', 0.633046],
    ['8068', 0.839276],
  ] as const;
  const counts: Counts[][] = [];
  for (const [name] of expected)
    counts.push(
      await countMap(
        await readGreyMap(`${golden}png/${name}.png`),
        await readBoundaries(`${golden}groundTruth/${name}.mat`),
        thresholds,
        name,
      ),
    );
  const { ods, ois, ap, pictures } = boundaryFigures(counts, thresholds);
  expect(Math.abs(ods.f - 0.704628)).toBeLessThan(5e-4);
  expect(Math.abs(ois.f - 0.708698)).toBeLessThan(5e-4);
  expect(Math.abs(ap - 0.307563)).toBeLessThan(5e-4);
  for (const [k, [, f]] of expected.entries()) expect(Math.abs(pictures[k]!.f - f)).toBeLessThan(1e-3);
});

describe('boundaryFigures', () => {
  const counts = (recalled: number, precise: number, detected: number): Counts => ({ recalled, annotated: 100, precise, detected });

  it('finds the best F between thresholds and per picture', () => {
    const one = [counts(80, 40, 100), counts(40, 36, 40)];
    const other = [counts(60, 54, 60), counts(10, 10, 10)];
    const { ods, ois, pictures } = boundaryFigures([one, other], thresholdsOf(2));
    // Recall .7, precision 94/160 at the first threshold; .25 and 46/50 at the second.
    expect(ods.f).toBeGreaterThanOrEqual((2 * 0.7 * (94 / 160)) / (0.7 + 94 / 160));
    // Each picture at its own threshold: 40 + 60 of 200, 36 + 54 of 100, or 80 + 60 and 40 + 54 of 160.
    const first = { recall: 0.5, precision: 0.9 };
    const pickOne = (2 * 0.8 * 0.4) / 1.2 >= (2 * 0.4 * 0.9) / 1.3;
    expect(ois.f).toBeCloseTo(pickOne ? (2 * 0.7 * (94 / 160)) / (0.7 + 94 / 160) : (2 * first.recall * first.precision) / 1.4, 12);
    expect(pictures).toHaveLength(2);
  });

  it('is 0 and not NaN when nothing is detected', () => {
    const { ods, ois, ap } = boundaryFigures([[counts(0, 0, 0), counts(0, 0, 0)]], thresholdsOf(2));
    expect([ods.f, ois.f, ap]).toEqual([0, 0, 0]);
  });
});
