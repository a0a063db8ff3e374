import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { LetterboxGeometry } from '../../src/domain/geometry.js';
import { learnPatches, type PatchGrid, patchDistances, patchGrid, placeOfCell, surfaceScore } from '../../src/measure/patch-memory.js';

const geometry: LetterboxGeometry = {
  frameWidth: 40,
  frameHeight: 20,
  inputWidth: 64,
  inputHeight: 64,
  left: 0,
  top: 16,
  contentWidth: 64,
  contentHeight: 32,
};

/** A map whose cells are channel · 1000 + row · 10 + column. */
function map(channels: number, side: number) {
  const values = new Float32Array(channels * side * side);
  for (let k = 0; k < values.length; k += 1)
    values[k] = 1000 * Math.floor(k / side ** 2) + 10 * Math.floor((k % side ** 2) / side) + (k % side);
  return { channels, width: side, height: side, values };
}

describe('patches', () => {
  it('are the cells whose middle is in the content, smoothed, coarser maps repeated', async () => {
    const maps = [map(2, 8), map(1, 4)];
    const grid = patchGrid(maps, geometry);
    const { columns, rows, cells } = grid;
    expect([columns, rows, cells[0], cells.at(-1)]).toEqual([8, 4, 16, 47]);
    const values = await native().patchRows(maps, cells);
    const patch = (x: number, y: number) => [...values.subarray((y * columns + x) * 3, (y * columns + x + 1) * 3)];
    // Cell (3, 3) of the fine map and (1, 1) of the coarse one: planes, so that their mean is their middle.
    expect(patch(3, 1)).toEqual([33, 1033, 11]);
    // At the left border the mean is of two columns.
    expect(patch(0, 1)).toEqual([30.5, 1030.5, expect.closeTo(10.5)]);
    expect(patch(3, 2)[2]).toBe(21);
    // Of a picture of 40 × 20 pixels: cells of 5.
    expect(placeOfCell(grid, cells[3 + 8]!)).toEqual([17.5, 7.5]);
    const [mean, sd] = [Float32Array.of(3, 1000, 1), Float32Array.of(2, 1, 10)];
    expect([...(await native().patchRows(maps, Uint32Array.of(cells[3 + 8]!), mean, sd))]).toEqual([15, 33, expect.closeTo(1)]);
  });
});

const rowsOf = (dims: number) =>
  fc.array(fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: dims, maxLength: dims }), { minLength: 1, maxLength: 90 });
const matrix = fc.integer({ min: 1, max: 150 }).chain((dims) => fc.tuple(fc.constant(dims), rowsOf(dims), rowsOf(dims)));
const flat = (rows: number[][]) => Float32Array.from(rows.flat());
const distance = (a: number[], b: number[]) => Math.sqrt(a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0));

describe('the addon, against plain loops', () => {
  it('finds the distance to the nearest row (property)', async () => {
    await fc.assert(
      fc.asyncProperty(matrix, async ([dims, rows, memory]) => {
        const found = await native().patchDistances(flat(rows), flat(memory), dims);
        for (const [k, row] of rows.entries()) {
          const nearest = Math.min(...memory.map((other) => distance(row, other)));
          expect(Math.abs(found[k]! - nearest)).toBeLessThanOrEqual(1e-4 * (1 + nearest));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('finds the rows that are farthest from their nearest one (property)', async () => {
    await fc.assert(
      fc.asyncProperty(matrix, fc.integer({ min: 1, max: 20 }), async ([dims, rows, memory], most) => {
        const found = await native().patchHighest(flat(rows), flat(memory), dims, most);
        const nearest = rows.map((row) => Math.min(...memory.map((other) => distance(row, other))));
        const sorted = [...nearest].sort((a, b) => b - a).slice(0, most);
        expect(found).toHaveLength(2 * sorted.length);
        for (const [k, expected] of sorted.entries()) {
          expect(Math.abs(found[2 * k + 1]! - expected)).toBeLessThanOrEqual(1e-4 * (1 + expected));
          expect(Math.abs(nearest[found[2 * k]!]! - expected)).toBeLessThanOrEqual(1e-4 * (1 + expected));
        }
        expect(new Set(found.filter((_, k) => k % 2 === 0)).size).toBe(sorted.length);
      }),
      { numRuns: 60 },
    );
  });

  it('covers the rows as k-center greedy does (property)', async () => {
    await fc.assert(
      fc.asyncProperty(matrix, fc.integer({ min: 1, max: 20 }), async ([dims, rows], most) => {
        const chosen = [...(await native().patchCoreset(flat(rows), dims, most))];
        expect(chosen[0]).toBe(0);
        expect(new Set(chosen).size).toBe(chosen.length);
        for (let k = 1; k < chosen.length; k += 1) {
          const left = rows.map((row) => Math.min(...chosen.slice(0, k).map((index) => distance(row, rows[index]!))));
          const farthest = Math.max(...left);
          expect(left[chosen[k]!]!).toBeGreaterThanOrEqual(farthest * (1 - 1e-4) - 1e-4);
        }
        const left = rows.map((row) => Math.min(...chosen.map((index) => distance(row, rows[index]!))));
        if (chosen.length < Math.min(most, rows.length)) expect(Math.max(...left)).toBeLessThan(1e-3);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses rows that do not fit', async () => {
    await expect(native().patchDistances(new Float32Array(7), new Float32Array(6), 3)).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().patchDistances(new Float32Array(6), new Float32Array(0), 3)).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().patchHighest(new Float32Array(6), new Float32Array(0), 3, 1)).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().patchRows([map(1, 8), map(1, 3)], Uint32Array.of(0))).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().patchRows([map(1, 8)], Uint32Array.of(64))).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().patchRows([{ ...map(1, 8), height: 9 }], Uint32Array.of(0))).rejects.toMatchObject({ code: 'MISUSE' });
  });
});

describe('a memory of patches', () => {
  it('knows what it has learnt, and scores what it has not by the highest hundredth', async () => {
    const view: LetterboxGeometry = { ...geometry, inputWidth: 160, inputHeight: 160, top: 0, contentWidth: 160, contentHeight: 160 };
    const picture = (spot: number): PatchGrid => {
      const values = Float32Array.from({ length: 400 }, (_, k) => (k % 20) + 3 * Math.floor(k / 20));
      values[210] = values[210]! + spot;
      return patchGrid([{ channels: 1, width: 20, height: 20, values }], view);
    };
    async function* good() {
      yield picture(0);
      yield picture(0);
    }
    const memory = await learnPatches(good(), 2);
    expect(memory.rows.length).toBeLessThanOrEqual(800);
    const { cells } = picture(0);
    expect(Math.max(...(await patchDistances(picture(0), memory)))).toBeLessThan(1e-4);
    const strange = await surfaceScore(picture(9000), cells, memory);
    // The nine patches that look at the spot are alike; the score is the mean of four of them.
    const distances = [...(await patchDistances(picture(9000), memory))].sort((a, b) => b - a);
    expect(strange.score).toBeCloseTo(
      distances.slice(0, 4).reduce((sum, each) => sum + each / 4, 0),
      3,
    );
    expect(strange.score).toBeGreaterThan(50);
    expect([189, 190, 191, 209, 210, 211, 229, 230, 231]).toContain(strange.cell);
    // Elsewhere it is not seen.
    expect((await surfaceScore(picture(9000), cells.slice(0, 100), memory)).score).toBeLessThan(1e-4);
  });
});
