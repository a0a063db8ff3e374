import { describe, expect, it } from 'vitest';
import type { Segments } from '../../src/domain/segments.js';
import { agreementOf, compareSegments, shortcomings, total } from '../../src/engine/agreement.js';

/** Filled rectangles x1, y1, x2, y2 with a score, in a 100 × 100 frame. */
function scene(objects: readonly (readonly [number, number, number, number, number])[]): Segments {
  const runs: number[] = [];
  const offsets = [0];
  for (const [x1, y1, x2, y2] of objects) {
    for (let x = x1; x < x2; x += 1) runs.push(x * 100 + y1, x * 100 + y2);
    offsets.push(runs.length / 2);
  }
  return {
    count: objects.length,
    width: 100,
    height: 100,
    boxes: new Float32Array(objects.flatMap((object) => object.slice(0, 4))),
    scores: new Float32Array(objects.map((object) => object[4])),
    classes: new Int32Array(objects.length),
    areas: new Uint32Array(objects.map(([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1))),
    runs: new Uint32Array(runs),
    offsets: new Uint32Array(offsets),
  };
}

const THREE = [
  [0, 0, 20, 20, 0.9],
  [30, 30, 60, 60, 0.8],
  [70, 0, 90, 50, 0.5],
] as const;

describe('agreement of two backends', () => {
  it('of a scene with itself is full', () => {
    const same = compareSegments(scene(THREE), scene(THREE), 0.4);
    expect(same).toEqual({ objects: 6, found: 6, boxIou: 1, maskIou: 1, scoreDifference: 0 });
    expect(shortcomings(same)).toEqual([]);
  });

  it('counts what either side lacks', () => {
    const fewer = compareSegments(scene(THREE), scene(THREE.slice(0, 2)), 0.4);
    expect([fewer.objects, fewer.found]).toEqual([5, 4]);
    expect(compareSegments(scene(THREE.slice(0, 2)), scene(THREE), 0.4)).toEqual(fewer);
    expect(shortcomings(fewer)).toEqual([expect.stringMatching(/^agreement 0\.800, expected ≥ 0\.95/)]);
  });

  it('looks below the threshold for the partner of an object just above it', () => {
    const moved = compareSegments(scene([[0, 0, 20, 20, 0.42]]), scene([[0, 0, 20, 20, 0.38]]), 0.4);
    expect([moved.objects, moved.found]).toEqual([1, 1]);
    expect(moved.scoreDifference).toBeCloseTo(0.04, 5);
  });

  it('measures boxes, masks and scores of partners', () => {
    const off = compareSegments(scene([[0, 0, 20, 20, 0.9]]), scene([[0, 0, 20, 18, 0.6]]), 0.4);
    expect(off.boxIou).toBeCloseTo(0.9, 5);
    expect(off.maskIou).toBeCloseTo(0.9, 5);
    expect(shortcomings(off).join()).toMatch(/score difference 0\.300, expected ≤ 0\.05/);
  });

  it('nothing anywhere is no proof', () => {
    const none = total([compareSegments(scene([]), scene([]), 0.4)]);
    expect(agreementOf(none)).toBe(1);
    expect(shortcomings(none)).toEqual(['no objects in any picture, expected some']);
  });
});
