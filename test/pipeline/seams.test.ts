import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PixelRegion } from '../../src/domain/frame.js';
import { type MaskRuns, maskArea, maskInBox, maskMoved, maskOf } from '../../src/domain/mask.js';
import { joinTiles, type Tile, type TileObject } from '../../src/pipeline/seams.js';
import { tilesOf } from '../../src/pipeline/tiled-engine.js';

const WIDTH = 160;
const HEIGHT = 120;

/** The mask of a disc in the whole picture. */
function disc(cx: number, cy: number, radius: number): MaskRuns {
  const runs: number[] = [];
  for (let x = 0; x < WIDTH; x += 1) {
    for (let y = 0; y < HEIGHT; y += 1) {
      if ((x - cx) ** 2 + (y - cy) ** 2 > radius ** 2) continue;
      const pixel = x * HEIGHT + y;
      if (runs.at(-1) === pixel) runs[runs.length - 1] = pixel + 1;
      else runs.push(pixel, pixel + 1);
    }
  }
  return Uint32Array.from(runs);
}

function boxAround(mask: MaskRuns): [number, number, number, number] {
  const box: [number, number, number, number] = [WIDTH, HEIGHT, 0, 0];
  for (let k = 0; k < mask.length; k += 2) {
    for (let pixel = mask[k]!; pixel < mask[k + 1]!; pixel += 1) {
      const [x, y] = [Math.floor(pixel / HEIGHT), pixel % HEIGHT];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
    }
  }
  return box;
}

/** What a perfect network sees of the objects in one tile. */
function seen(region: PixelRegion, masks: readonly MaskRuns[], scoreOf = (k: number) => 0.9 - 0.01 * k): Tile {
  const { x, y, width, height } = region;
  const objects = masks.flatMap((mask, k): TileObject[] => {
    const part = maskInBox(mask, HEIGHT, x, y, x + width, y + height);
    return part.length === 0 ? [] : [{ box: boxAround(part), score: scoreOf(k), classIndex: 0, mask: part }];
  });
  return { region, objects };
}

describe('tiles', () => {
  it('cover every pixel of any picture, begin at even pixels and have one size where the picture allows', () => {
    const sides = fc.integer({ min: 1, max: 700 });
    fc.assert(
      fc.property(
        sides,
        sides,
        fc.integer({ min: 64, max: 300 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (width, height, size, overlap) => {
          const tiles = tilesOf(width, height, { size, overlap });
          const covered = new Uint8Array(width * height);
          for (const { x, y, width: w, height: h } of tiles) {
            expect([x % 2, y % 2]).toEqual([0, 0]);
            expect(Math.abs(w - Math.min(size, width))).toBeLessThanOrEqual(1);
            expect(Math.abs(h - Math.min(size, height))).toBeLessThanOrEqual(1);
            for (let row = y; row < y + h; row += 1) covered.fill(1, row * width + x, row * width + x + w);
          }
          expect(covered.indexOf(0)).toBe(-1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are as SAHI has them: 1024 and 0.2 take 15 × 11 of 12,000 × 9,000', () => {
    expect(tilesOf(12_000, 9000, { size: 1024, overlap: 0.2 })).toHaveLength(15 * 11);
  });
});

describe('joining tiles', () => {
  it('gives back whole discs, whatever tiles cut them', () => {
    const spots = fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(spots, fc.integer({ min: 5, max: 17 }), fc.integer({ min: 64, max: 100 }), (places, radius, size) => {
        // On a grid, so that discs do not touch.
        const discs = places.map((place) => disc(20 + 40 * (place % 4), 20 + 40 * Math.floor(place / 4), radius));
        const tiles = tilesOf(WIDTH, HEIGHT, { size, overlap: 0.3 }).map((region) => seen(region, discs));
        const joined = joinTiles(tiles, WIDTH, HEIGHT);
        const masks = Array.from({ length: joined.count }, (_, k) => Array.from(maskOf(joined, k)));
        expect(masks).toEqual(discs.map((mask) => Array.from(mask)));
        expect(Array.from(joined.areas)).toEqual(discs.map(maskArea));
      }),
      { numRuns: 60 },
    );
  });

  const left = { x: 0, y: 0, width: 90, height: HEIGHT };
  const right = { x: 70, y: 0, width: 90, height: HEIGHT };

  it('puts an object together that no tile holds, with the highest score and the box around all', () => {
    const large = disc(80, 60, 50);
    const joined = joinTiles([seen(left, [large], () => 0.6), seen(right, [large], () => 0.8)], WIDTH, HEIGHT);
    expect(joined.count).toBe(1);
    expect(joined.scores[0]).toBeCloseTo(0.8, 6);
    expect(Array.from(joined.boxes)).toEqual(boxAround(large));
    expect(Array.from(maskOf(joined, 0))).toEqual(Array.from(large));
  });

  it('drops a fragment that its tile cuts off and that is part of an object of the neighbour', () => {
    const object = disc(105, 60, 34);
    const sliver: TileObject = { box: [84, 50, 90, 70], score: 0.9, classIndex: 0, mask: maskInBox(object, HEIGHT, 84, 50, 90, 70) };
    const joined = joinTiles([{ region: left, objects: [sliver] }, seen(right, [object])], WIDTH, HEIGHT);
    expect(joined.count).toBe(1);
    expect(joined.areas[0]).toBe(maskArea(object));
  });

  it('keeps a small object inside of a large one, objects side by side, and objects of other classes apart', () => {
    const [outer, inner] = [disc(80, 60, 40), disc(80, 60, 6)];
    expect(joinTiles([seen(left, [outer, inner]), seen(right, [outer, inner])], WIDTH, HEIGHT).count).toBe(2);
    const twins = [disc(74, 60, 4), disc(84, 60, 4)];
    expect(joinTiles([seen(left, twins), seen(right, twins)], WIDTH, HEIGHT).count).toBe(2);
    const tile = seen(right, [inner]);
    const other = { ...tile, objects: tile.objects.map((object) => ({ ...object, classIndex: 3 })) };
    expect(joinTiles([seen(left, [inner]), other], WIDTH, HEIGHT).count).toBe(2);
  });
});

describe('masks', () => {
  it('move to a larger picture and back, pixel for pixel', () => {
    const mask = disc(30, 25, 22);
    const moved = maskMoved(mask, HEIGHT, 12, 7, 200);
    expect(maskArea(moved)).toBe(maskArea(mask));
    expect(Math.floor(moved[0]! / 200)).toBe(Math.floor(mask[0]! / HEIGHT) + 12);
    expect(moved[0]! % 200).toBe((mask[0]! % HEIGHT) + 7);
    // Runs over the end of a column are cut there and joined again where columns stay as long.
    const full = Uint32Array.of(0, 3 * HEIGHT);
    expect(Array.from(maskMoved(full, HEIGHT, 2, 0, HEIGHT))).toEqual([2 * HEIGHT, 5 * HEIGHT]);
    expect(Array.from(maskMoved(full, HEIGHT, 0, 0, 200))).toEqual([0, 120, 200, 320, 400, 520]);
  });
});
