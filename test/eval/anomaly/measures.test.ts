/**
 * Measures of drawn maps against what scikit-learn 1.9 (AUROC, F1) and a numpy transcription of MVTec's evaluation code (AUPRO)
 * compute; anomaly.json holds the figures, the maps come from the seed below.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { anomalyFigures, anomalyPicture, auroc, bestF1, regionsOf } from '../../../src/eval/anomaly/measures.js';

interface Case {
  readonly width: number;
  readonly pictures: readonly { readonly map: readonly number[]; readonly mask: readonly number[] | null }[];
  readonly figures: { readonly imageAuroc: number; readonly imageF1: number; readonly pixelAuroc: number; readonly aupro: number };
}
const cases = JSON.parse(readFileSync(new URL('anomaly.json', import.meta.url), 'utf8')) as Record<string, Case>;

describe('anomaly measures', () => {
  it.each(Object.entries(cases))('of "%s" equal the reference', (_, { width, pictures, figures }) => {
    const added = pictures.map(({ map, mask }) =>
      anomalyPicture(Uint16Array.from(map), mask ? Uint8Array.from(mask) : undefined, width, Math.max(...map), mask !== null),
    );
    const own = anomalyFigures(added);
    for (const key of ['imageAuroc', 'imageF1', 'pixelAuroc', 'aupro'] as const) {
      expect(Math.abs(own[key] - figures[key]), key).toBeLessThan(1e-9);
    }
  });

  it('are 1 for a perfect map, and chance for a flat one', () => {
    const mask = Uint8Array.of(0, 0, 0, 1, 1, 0);
    const perfect = anomalyFigures([
      anomalyPicture(Uint16Array.from(mask), mask, 3, 1, true),
      anomalyPicture(new Uint16Array(6), undefined, 3, 0, false),
    ]);
    expect(perfect).toEqual({ imageAuroc: 1, imageF1: 1, pixelAuroc: 1, aupro: 1 });
    const flat = anomalyFigures([
      anomalyPicture(new Uint16Array(6), mask, 3, 0, true),
      anomalyPicture(new Uint16Array(6), undefined, 3, 0, false),
    ]);
    expect(flat.imageAuroc).toBe(0.5);
    expect(flat.pixelAuroc).toBe(0.5);
    expect(flat.aupro).toBeCloseTo(0.15, 12);
  });

  it('say that a figure has no meaning', () => {
    expect(auroc([1, 2], [true, true])).toBeNaN();
    expect(bestF1([1, 2], [false, false])).toBeNaN();
    expect(anomalyFigures([anomalyPicture(new Uint16Array(6), undefined, 3, 0, false)]).aupro).toBeNaN();
  });

  it('count regions whose corners touch as one', () => {
    expect(regionsOf(Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1), 3).count).toBe(3);
  });
});
