import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { LetterboxGeometry } from '../../src/domain/geometry.js';
import { learnPatches, type Patches, patchDistances, patchesOf, surfaceScore } from '../../src/measure/patch-memory.js';

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

describe('patchesOf', () => {
  it('takes the cells whose middle is in the content, smoothed, coarser maps repeated', () => {
    const { columns, rows, dims, values } = patchesOf([map(2, 8), map(1, 4)], geometry);
    expect([columns, rows, dims]).toEqual([8, 4, 3]);
    const patch = (x: number, y: number) => [...values.subarray((y * columns + x) * dims, (y * columns + x + 1) * dims)];
    // Cell (3, 3) of the fine map and (1, 1) of the coarse one: planes, so that their mean is their middle.
    expect(patch(3, 1)).toEqual([33, 1033, 11]);
    // At the left border the mean is of two columns.
    expect(patch(0, 1)).toEqual([30.5, 1030.5, expect.closeTo(10.5)]);
    expect(patch(3, 2)[2]).toBe(21);
  });
});

const rowsOf = (dims: number) =>
  fc.array(fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: dims, maxLength: dims }), { minLength: 1, maxLength: 40 });
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
  });
});

describe('a memory of patches', () => {
  it('knows what it has learnt, and scores what it has not by the highest hundredth', async () => {
    const picture = (shift: number): Patches => ({
      columns: 10,
      rows: 20,
      dims: 2,
      values: Float32Array.from({ length: 400 }, (_, k) => (k % 2 === 0 ? k % 14 : Math.floor(k / 40)) + shift),
    });
    async function* good() {
      yield picture(0);
      yield picture(0);
    }
    const memory = await learnPatches(good(), 2);
    expect(memory.rows.length / 2).toBeLessThanOrEqual(200);
    const known = await patchDistances(picture(0), memory);
    expect(Math.max(...known)).toBeLessThan(1e-4);
    const strange = picture(0);
    strange.values.set([1000, 1000, 1000, 1000], 100);
    expect(surfaceScore(await patchDistances(strange, memory))).toBeGreaterThan(100);
    expect(surfaceScore(Float32Array.of(1, 2, 3))).toBe(3);
  });
});
