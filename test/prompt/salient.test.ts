import { describe, expect, it } from 'vitest';
import { parsePrompts } from '../../src/domain/prompt.js';
import { applyPrompts } from '../../src/prompt/apply.js';
import { salience } from '../../src/prompt/salient.js';
import { rectangle, segmentsOf } from '../helpers/dense-masks.js';

const [WIDTH, HEIGHT] = [40, 20];
/** In falling score, from 0.9: in a corner, in the middle, near the middle. */
const scene = segmentsOf(
  WIDTH,
  HEIGHT,
  (
    [
      [0, 0, 4, 4],
      [18, 8, 22, 12],
      [24, 8, 28, 12],
    ] as const
  ).map((box) => rectangle(WIDTH, HEIGHT, box)),
);
const ask = (prompt: object) => applyPrompts(scene, parsePrompts([{ type: 'salient', ...prompt }]))[0]!;

describe('the salient prompt', () => {
  it('takes the surest object near the middle', () => {
    const { matches } = ask({});
    expect(matches).toEqual([{ index: 1, score: expect.closeTo(0.89, 6) }]);
  });

  it('weighs a score by the distance of the centroid, with each side as 1', () => {
    // The third is 6 of 40 columns off the middle; the first 18 of 40 and 8 of 20 rows.
    expect(salience(scene, 2)).toBeCloseTo(0.88 * Math.exp(-(0.15 ** 2) / 0.125), 6);
    expect(salience(scene, 0)).toBeCloseTo(0.9 * Math.exp(-(0.45 ** 2 + 0.4 ** 2) / 0.125), 6);
  });

  it('takes all that reach the threshold, the most salient first, or says what came nearest', () => {
    expect(ask({ select: 'all' }).matches.map(({ index }) => index)).toEqual([1, 2]);
    expect(ask({ select: 'all', threshold: 0 }).matches.map(({ index }) => index)).toEqual([1, 2, 0]);
    expect(ask({ threshold: 0.95 })).toMatchObject({ matches: [], bestScore: expect.closeTo(0.89, 6) });
    expect(applyPrompts(segmentsOf(4, 4, []), parsePrompts([{ type: 'salient' }]))[0]).toMatchObject({ matches: [], bestScore: 0 });
  });

  it('is refused with what it does not know', () => {
    expect(() => ask({ select: 'merge' })).toThrow(/select/);
    expect(() => ask({ follow: true })).toThrow(/follow/);
  });
});
