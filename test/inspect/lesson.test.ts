/** What good parts teach, frame by frame. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import type { Frame } from '../../src/domain/frame.js';
import { recipeSchema } from '../../src/domain/recipe.js';
import type { FrameResult } from '../../src/domain/result.js';
import { Lesson } from '../../src/inspect/lesson.js';
import { withLimits } from '../../src/inspect/limits.js';

const [WIDTH, HEIGHT] = [320, 240];
let pixels: NativeFrame;
let held = 0;
const frame = () => {
  held += 1;
  const release = () => {
    held -= 1;
  };
  return { pixels, width: WIDTH, height: HEIGHT, retain: frame, [Symbol.dispose]: release } as unknown as Frame;
};
beforeAll(async () => {
  pixels = await native().renderShapes(0, { width: WIDTH, height: HEIGHT, seed: 1 });
});
afterAll(() => pixels.release());

/** Squares with their left upper corner at (x, 100), each with its track. */
function resultOf(squares: readonly { x: number; side: number; track?: number }[]): FrameResult {
  const columns = squares.flatMap(({ x, side }) =>
    Array.from({ length: side }, (_, k) => [(x + k) * HEIGHT + 100, (x + k) * HEIGHT + 100 + side]),
  );
  const sides = squares.map(({ side }) => side);
  const size = { frameWidth: WIDTH, frameHeight: HEIGHT, inputWidth: 320, inputHeight: 320, left: 0, top: 0 };
  return {
    model: { name: 'm', labels: [] },
    geometry: { ...size, contentWidth: WIDTH, contentHeight: HEIGHT },
    segments: {
      ...{ width: WIDTH, height: HEIGHT, count: squares.length },
      boxes: Float32Array.from(squares.flatMap(({ x, side }) => [x, 100, x + side, 100 + side])),
      scores: new Float32Array(squares.length).fill(0.9),
      classes: new Int32Array(squares.length),
      areas: Uint32Array.from(sides, (side) => side * side),
      runs: Uint32Array.from(columns.flat()),
      offsets: Uint32Array.from([0, ...sides.map((_, k) => sides.slice(0, k + 1).reduce((sum, side) => sum + side, 0))]),
    },
    answers: [],
    tracks: { ids: Uint32Array.from(squares, ({ track = 0 }) => track) },
  } as unknown as FrameResult;
}

const recipeOf = (more: object) => recipeSchema.parse({ recipe: 'square', edge: 'mask', objects: { part: {} }, ...more });
const OPTIONS = { sigma: 4, mostBytes: 2 ** 20 };

describe('Lesson', () => {
  it('takes each whole part on a belt once, and none that the frame cuts off', async () => {
    const line = [
      [160, 0],
      [160, 240],
    ];
    const recipe = recipeOf({
      trigger: { type: 'crossing', of: 'part', line },
      checks: [{ id: 'size', measure: 'area', of: 'part', min: 1 }],
    });
    using lesson = new Lesson(recipe, OPTIONS);
    const belt = (shift: number) =>
      resultOf([
        { x: 280 - shift, side: 40, track: 3 },
        { x: 160 - shift, side: 42, track: 2 },
        { x: 80 - shift, side: 44, track: 1 },
      ]);
    expect(await lesson.add(frame(), belt(0))).toMatchObject({ parts: 2, measured: 2, missing: [] });
    expect(await lesson.add(frame(), belt(10))).toMatchObject({ parts: 1, measured: 1 });
    expect(await lesson.add(frame(), belt(20))).toMatchObject({ parts: 0, measured: 0 });
    for (const [k, side] of [38, 46, 41].entries()) await lesson.add(frame(), resultOf([{ x: 100, side, track: 10 + k }]));
    expect(lesson.parts).toBe(6);
    const { limits } = lesson.propose();
    expect(limits).toMatchObject([{ check: 'size', n: 6, median: (41 ** 2 + 42 ** 2) / 2, outside: 0 }]);
    const [{ lsl, usl } = { lsl: 0, usl: 0 }] = limits;
    expect(withLimits(recipe, limits).checks).toEqual([{ id: 'size', measure: 'area', of: 'part', each: false, lsl, usl }]);
  });

  it('says which checks could not be measured, and counts no part where none could', async () => {
    const recipe = recipeOf({
      checks: [
        { id: 'size', measure: 'area', of: 'part[0]', target: 900, tol: 900 },
        { id: 'pitch', measure: 'distance', between: ['part[0]', 'part[1]'], target: 100, tol: 10 },
      ],
    });
    using lesson = new Lesson(recipe, OPTIONS);
    expect(await lesson.add(frame(), resultOf([{ x: 50, side: 30 }]))).toMatchObject({
      measured: 1,
      missing: [{ check: 'pitch', code: 'NO_PART' }],
    });
    expect(await lesson.add(frame(), resultOf([]))).toMatchObject({
      parts: 1,
      measured: 0,
      missing: [{ check: 'size' }, { check: 'pitch' }],
    });
    expect(lesson.parts).toBe(1);
    for (const side of [31, 32, 33]) await lesson.add(frame(), resultOf([{ x: 50, side }]));
    expect(lesson.propose()).toMatchObject({
      limits: [{ check: 'size', n: 4 }],
      kept: [{ check: 'pitch', reason: expect.stringContaining('0 values') }],
    });
  });

  it('holds the frame of the golden sample until it ends', async () => {
    const recipe = recipeOf({ checks: [{ id: 'print', measure: 'difference', of: 'part', max: 10 }] });
    const before = held;
    {
      using lesson = new Lesson(recipe, OPTIONS);
      using first = frame();
      await lesson.add(first, resultOf([{ x: 50, side: 30 }]));
      expect({ hasGolden: lesson.hasGolden, held: held - before }).toEqual({ hasGolden: true, held: 2 });
      const { file } = await lesson.finish(() => undefined);
      expect(file).toMatchObject({ v: 1, recipe: 'square', parts: 1, golden: { places: { print: { at: [65, 115], degrees: 0 } } } });
    }
    expect(held).toBe(before);
  });
});
