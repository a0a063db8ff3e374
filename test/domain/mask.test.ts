import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskArea, maskAreaInBox, maskContains, maskIntersection, maskIou, maskSubtract, maskUnion } from '../../src/domain/mask.js';
import { denseOf, runsOf, scenes } from '../helpers/dense-masks.js';

const pairs = scenes(2).filter(({ masks }) => masks.length === 2);

describe('mask runs behave like bitmaps', () => {
  it('for union, intersection and difference', () => {
    fc.assert(
      fc.property(pairs, ({ masks }) => {
        const [a = [], b = []] = masks;
        const [runsA, runsB] = [runsOf(a), runsOf(b)];
        expect(denseOf(maskUnion(runsA, runsB), a.length)).toEqual(a.map((is, k) => is || b[k]));
        expect(denseOf(maskIntersection(runsA, runsB), a.length)).toEqual(a.map((is, k) => is && b[k]));
        expect(denseOf(maskSubtract(runsA, runsB), a.length)).toEqual(a.map((is, k) => is && !b[k]));
      }),
    );
  });

  it('and the results are runs that ascend and never touch', () => {
    fc.assert(
      fc.property(pairs, ({ masks }) => {
        const union = maskUnion(runsOf(masks[0]!), runsOf(masks[1]!));
        for (let k = 1; k < union.length; k += 1) expect(union[k]!).toBeGreaterThan(union[k - 1]!);
      }),
    );
  });

  it('for area, overlap with a box, and single pixels', () => {
    const withBox = scenes(1)
      .filter(({ masks }) => masks.length === 1)
      .chain((scene) =>
        fc.tuple(fc.nat(scene.width), fc.nat(scene.width), fc.nat(scene.height), fc.nat(scene.height)).map(([xa, xb, ya, yb]) => ({
          ...scene,
          x1: Math.min(xa, xb),
          x2: Math.max(xa, xb),
          y1: Math.min(ya, yb),
          y2: Math.max(ya, yb),
        })),
      );
    fc.assert(
      fc.property(withBox, ({ height, masks, x1, y1, x2, y2 }) => {
        const [mask = []] = masks;
        const runs = runsOf(mask);
        const inBox = (pixel: number) => {
          const [x, y] = [Math.floor(pixel / height), pixel % height];
          return x >= x1 && x < x2 && y >= y1 && y < y2;
        };
        expect(maskArea(runs)).toBe(mask.filter(Boolean).length);
        expect(maskAreaInBox(runs, height, x1, y1, x2, y2)).toBe(mask.filter((is, pixel) => is && inBox(pixel)).length);
        for (const [pixel, is] of mask.entries()) expect(maskContains(runs, pixel)).toBe(is);
      }),
    );
  });

  it('for intersection over union', () => {
    expect(maskIou(Uint32Array.of(0, 10), Uint32Array.of(5, 15))).toBeCloseTo(5 / 15);
    expect(maskIou(new Uint32Array(), new Uint32Array())).toBe(1);
  });
});
