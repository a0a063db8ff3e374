import fc from 'fast-check';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { maskPolygons } from '../../src/encode/mask-encodings.js';
import { labelMapPng, maskPng } from '../../src/encode/mask-pictures.js';
import { yoloPolygons } from '../../src/encode/yolo-polygons.js';
import { scenes, segmentsOf } from '../helpers/dense-masks.js';

/** Even-odd fill at pixel centres of an outline in pixels: the rule of OpenCV, Pillow and SVG for lines of no width. */
function filled(outline: readonly (readonly [number, number])[], width: number, height: number): boolean[] {
  const inside: boolean[] = [];
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      let odd = false;
      for (const [k, [ax, ay]] of outline.entries()) {
        const [bx, by] = outline[(k + 1) % outline.length]!;
        if (ay > y + 0.5 !== by > y + 0.5 && x + 0.5 < ((bx - ax) * (y + 0.5 - ay)) / (by - ay) + ax) odd = !odd;
      }
      inside.push(odd);
    }
  }
  return inside;
}

it('a YOLO polygon filled is the mask again, with its holes and separate parts', async () => {
  await fc.assert(
    fc.asyncProperty(scenes(1), async ({ width, height, masks: [a] }) => {
      if (!a) return;
      const segments = segmentsOf(width, height, [a]);
      const [line] = await yoloPolygons(segments, Uint32Array.of(0), 0);
      if (!a.includes(true)) {
        expect(line).toBeUndefined();
        return;
      }
      const [kind, ...numbers] = line!.split(' ').map(Number);
      expect(kind).toBe(0);
      expect(numbers.every((value) => value >= 0 && value <= 1)).toBe(true);
      const outline = Array.from(
        { length: numbers.length / 2 },
        (_, k) => [numbers[2 * k]! * width, numbers[2 * k + 1]! * height] as const,
      );
      const whole = outline.map(([x, y]) => [Math.round(x), Math.round(y)] as const);
      expect(filled(whole, width, height)).toEqual(a);
    }),
    { numRuns: 60 },
  );
});

it('polygons are rings as GeoJSON has them: closed, of four positions at least, outlines and holes turning the other way', async () => {
  const turn = (ring: readonly (readonly [number, number])[]) =>
    ring.slice(1).reduce((sum, [x, y], k) => sum + ring[k]![0] * y - x * ring[k]![1], 0);
  await fc.assert(
    fc.asyncProperty(scenes(2), fc.constantFrom(0, 1, 5), async ({ width, height, masks }, tolerance) => {
      const objects = await maskPolygons(segmentsOf(width, height, masks), undefined, tolerance);
      for (const [outline, ...holes] of objects.flat()) {
        for (const ring of [outline!, ...holes]) {
          expect(ring.length).toBeGreaterThanOrEqual(4);
          expect(ring.at(-1)).toEqual(ring[0]);
        }
        if (tolerance > 0) continue;
        expect(turn(outline!)).toBeGreaterThan(0);
        for (const hole of holes) expect(turn(hole)).toBeLessThan(0);
      }
    }),
    { numRuns: 60 },
  );
});

it('mask pictures hold each object, and a map the smaller one where two overlap', async () => {
  const [width, height] = [4, 3];
  const large = Array.from({ length: 12 }, (_, pixel) => pixel < 9);
  const small = Array.from({ length: 12 }, (_, pixel) => pixel === 4 || pixel === 10);
  const segments = segmentsOf(width, height, [large, small]);
  const grey = await sharp(await maskPng(segments, 1))
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  expect([...grey]).toEqual([0, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0, 0]);
  const map = await sharp(await labelMapPng(segments, Uint32Array.of(0, 1)))
    .toColourspace('grey16')
    .raw({ depth: 'ushort' })
    .toBuffer();
  expect([...new Uint16Array(map.buffer, map.byteOffset, 12)]).toEqual([1, 1, 1, 0, 1, 2, 1, 2, 1, 1, 1, 0]);
});
