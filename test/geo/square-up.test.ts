import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signedArea, squareUp } from '../../src/geo/square-up.js';

type Point = [number, number];
const turned = (ring: readonly Point[], angle: number): Point[] =>
  ring.map(([x, y]) => [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)]);

/** Cosines of the corners' angles. */
const corners = (ring: readonly (readonly [number, number])[]) =>
  ring.map(([x, y], k) => {
    const [px, py] = ring.at(k - 1)!;
    const [nx, ny] = ring[(k + 1) % ring.length]!;
    return ((x - px) * (nx - x) + (y - py) * (ny - y)) / (Math.hypot(x - px, y - py) * Math.hypot(nx - x, ny - y));
  });

describe('squaring an outline', () => {
  it('gives an L with noisy corners its right angles back, at any angle', () => {
    const noise = fc.array(fc.double({ min: -0.8, max: 0.8, noNaN: true }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(noise, fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }), (shifts, angle) => {
        const shape: Point[] = [
          [0, 0],
          [40, 0],
          [40, 20],
          [20, 20],
          [20, 50],
          [0, 50],
        ];
        const noisy = shape.map(([x, y], k): Point => [x + shifts[2 * k]!, y + shifts[2 * k + 1]!]);
        const squared = squareUp(turned(noisy, angle));
        expect(squared).toHaveLength(6);
        for (const cosine of corners(squared)) expect(Math.abs(cosine)).toBeLessThan(1e-9);
        expect(Math.abs(signedArea(squared) / signedArea(shape) - 1)).toBeLessThan(0.12);
      }),
    );
  });

  it('keeps an exact rectangle, and joins the pieces of a straight side', () => {
    const rectangle: Point[] = [
      [0, 0],
      [30, 0],
      [30, 10],
      [14, 10],
      [0, 10],
    ];
    const squared = squareUp(turned(rectangle, 0.3)).map((point) =>
      turned([point as Point], -0.3)[0]!.map((value) => Math.round(value * 1e9) / 1e9 + 0),
    );
    expect(squared.map(String).sort()).toEqual(['0,0', '0,10', '30,0', '30,10']);
  });

  it('leaves what is no building as it is', () => {
    const disc = Array.from({ length: 16 }, (_, k): Point => [20 * Math.cos((k * Math.PI) / 8), 20 * Math.sin((k * Math.PI) / 8)]);
    const triangle: Point[] = [
      [0, 0],
      [40, 3],
      [10, 30],
    ];
    expect(squareUp(triangle)).toEqual(triangle);
    const area = Math.abs(signedArea(squareUp(disc)));
    expect(area / Math.abs(signedArea(disc))).toBeGreaterThan(0.85);
  });
});
