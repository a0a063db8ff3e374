import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGreyMap } from '../../../src/eval/grey-map.js';
import { measureSaliency, saliencyFigures } from '../../../src/eval/saliency/measures.js';

const golden = new URL('../../../../shared/eval/sod-golden/', import.meta.url).pathname;

it.skipIf(!existsSync(golden))('equals PySODMetrics on its own three pictures', async () => {
  const measures = [];
  for (const name of ['0001', '19', 'aerial-1867541__340'])
    measures.push(measureSaliency(await readGreyMap(`${golden}preds/${name}.png`), await readGreyMap(`${golden}masks/${name}.png`)));
  const { mae, s, maxF, weightedF, maxE } = saliencyFigures(measures);
  expect(mae).toBeCloseTo(0.0370556, 6);
  expect(s).toBeCloseTo(0.9029762, 6);
  expect(maxF).toBeCloseTo(0.5886785, 6);
  expect(weightedF).toBeCloseTo(0.5579813, 6);
  expect(maxE).toBeCloseTo(0.966954, 6);
});

describe('measureSaliency', () => {
  const map = (width: number, levels: readonly number[]) => ({ width, height: levels.length / width, levels: Uint8Array.from(levels) });
  const mask = map(4, [0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 0, 0]);

  it('is perfect for the mask itself', () => {
    const { mae, s, weightedF, f } = measureSaliency(mask, mask);
    expect(mae).toBe(0);
    expect(s).toBeCloseTo(1, 12);
    expect(weightedF).toBeCloseTo(1, 12);
    expect(Math.max(...f)).toBeCloseTo(1, 12);
  });

  it('stays between 0 and 1 for any map and mask', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(255), { minLength: 12, maxLength: 12 }),
        fc.array(fc.constantFrom(0, 255), { minLength: 12, maxLength: 12 }),
        (levels, truth) => {
          const { mae, s, weightedF, f } = measureSaliency(map(4, levels), map(4, truth));
          for (const value of [mae, s, weightedF, ...f]) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(1 + 1e-9);
          }
        },
      ),
    );
  });
});
