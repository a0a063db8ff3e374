/** What is measured for a recipe: as little as its checks ask for, and never with another judgement. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { MEASURES } from '../../src/domain/measure.js';
import { type Recipe, type RecipeInput, recipeSchema } from '../../src/domain/recipe.js';
import type { FrameResult } from '../../src/domain/result.js';
import { inspectFrame } from '../../src/inspect/inspect.js';
import { extentOf, needsOf } from '../../src/inspect/plan.js';
import { COLOURS, frameOfParts, grid, segmentsOfParts } from '../helpers/parts.js';

const [WIDTH, HEIGHT] = [240, 160];
const colours = Object.keys(COLOURS) as (keyof typeof COLOURS)[];
/** Parts of several sizes beside each other, one at the border of the frame; three have pieces on them. */
const parts = [
  ...grid(['red', 'white', 'blue', 'black'], 4, 30),
  { colour: 'yellow', box: [10, 60, 90, 120] },
  { colour: 'green', box: [20, 70, 40, 90] },
  { colour: colours[0]!, box: [55, 75, 80, 95] },
  { colour: 'white', box: [120, 70, 200, 150] },
  { colour: 'black', box: [130, 80, 160, 120] },
] as const;
const segments = withHoles();

/** The last but one has the hole that the last one fills. */
function withHoles() {
  const whole = segmentsOfParts(WIDTH, HEIGHT, parts);
  const [x1, y1, x2, y2] = parts.at(-1)!.box;
  const runs: number[] = [];
  const offsets = [0];
  const areas: number[] = [];
  for (let k = 0; k < whole.count; k += 1) {
    let area = 0;
    for (let r = whole.offsets[k]!; r < whole.offsets[k + 1]!; r += 1) {
      const [start, end] = [whole.runs[2 * r]!, whole.runs[2 * r + 1]!];
      const x = Math.floor(start / HEIGHT);
      const holed = k === whole.count - 2 && x >= x1 && x < x2;
      const pieces = holed
        ? [
            [start, x * HEIGHT + y1],
            [x * HEIGHT + y2, end],
          ]
        : [[start, end]];
      for (const [from, to] of pieces) {
        runs.push(from!, to!);
        area += to! - from!;
      }
    }
    offsets.push(runs.length / 2);
    areas.push(area);
  }
  return { ...whole, runs: Uint32Array.from(runs), offsets: Uint32Array.from(offsets), areas: Uint32Array.from(areas) };
}

const geometry = { frameWidth: WIDTH, frameHeight: HEIGHT, contentWidth: WIDTH, contentHeight: HEIGHT } as FrameResult['geometry'];
const result = { segments, geometry, answers: [], model: { name: 'drawn', labels: null } as never };

const OBJECTS = {
  all: {},
  large: { minArea: 2000 },
  holes: { kind: 'hole', within: 'large' },
  wide: { kind: 'hole', within: 'large', minArea: 1250 },
  pieces: { within: 'large' },
  left: {
    zone: [
      [0, 0],
      [110, 0],
      [110, HEIGHT],
      [0, HEIGHT],
    ],
  },
} as const satisfies RecipeInput['objects'];
const NAMES = Object.keys(OBJECTS);

const set = fc.constantFrom(...NAMES);
const reference = fc.oneof(
  set,
  fc.tuple(set, fc.nat(3)).map(([name, k]) => `${name}[${k}]`),
);
const limits = fc.oneof(
  fc.record({ min: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ max: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ max: fc.integer({ min: 50, max: 5000 }) }),
);
const check = fc.oneof(
  fc.tuple(set, limits).map(([count, limit]) => ({ count, ...limit })),
  set.map((present) => ({ present })),
  set.map((absent) => ({ absent })),
  fc.tuple(fc.constantFrom(...MEASURES), set, limits).map(([measure, of, limit]) => ({ measure, of, each: true, ...limit })),
  fc
    .tuple(fc.constantFrom('distance', 'gap'), reference, reference, limits)
    .map(([measure, a, b, limit]) => ({ measure, between: [a, b], ...limit })),
);
const recipes = fc
  .record({
    objects: fc.constant(OBJECTS),
    checks: fc.array(check, { minLength: 1, maxLength: 4 }).map((checks) => checks.map((each, k) => ({ id: `c${k}`, ...each }))),
    datum: fc.option(fc.record({ origin: reference, axis: reference }), { nil: undefined }),
    edge: fc.constantFrom('refined', 'mask'),
  })
  .map(({ datum, ...rest }) => recipeSchema.parse({ recipe: 'r', ...rest, ...(datum ? { datum } : {}) }));

function recipeWith(checks: readonly object[]): Recipe {
  // A zone goes by the centroids of all objects.
  const { left: _, wide: __, ...objects } = OBJECTS;
  return recipeSchema.parse({ recipe: 'r', objects, checks });
}

describe('what a recipe has measured', () => {
  it('is judged as if all was measured (property)', async () => {
    using frame = frameOfParts(WIDTH, HEIGHT, parts);
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const [whole, planned] = [false, true].map((checksOnly) => inspectFrame(recipe, frame, result, { checksOnly }));
        const { verdict, reasons, checks } = await whole!;
        expect(await planned!).toMatchObject({ verdict, reasons, checks });
      }),
      { numRuns: 300 },
    );
  });

  it('is nothing for counts, masks alone for counts of holes, and each object once', async () => {
    using frame = frameOfParts(WIDTH, HEIGHT, parts);
    const measure = vi.spyOn(native(), 'measureObjects');
    const asked = async (checks: readonly object[]) => {
      measure.mockClear();
      await inspectFrame(recipeWith(checks), frame, result, { checksOnly: true });
      return measure.mock.calls
        .flatMap(([, , indices, { refine }]) => [...indices].map((index) => `${index}${refine ? ' refined' : ''}`))
        .sort();
    };
    try {
      expect(await asked([{ id: 'some', count: 'all', min: 3, max: 20 }])).toEqual([]);
      expect(await asked([{ id: 'holes', count: 'holes', min: 1, max: 1 }])).toEqual(['4', '7']);
      const large = { id: 'size', measure: 'area', of: 'large', each: true, min: 1 };
      const once = ['4 refined', '7 refined'];
      expect(await asked([large, { ...large, id: 'form', measure: 'circularity' }, { id: 'holes', count: 'holes', min: 1 }])).toEqual(once);
      // Where too many are found, the first has a place.
      expect(await asked([{ id: 'none', absent: 'pieces' }])).toContain('5 refined');
    } finally {
      measure.mockRestore();
    }
  });

  it('leaves out holes that are smaller than minArea', async () => {
    using frame = frameOfParts(WIDTH, HEIGHT, parts);
    const counts = async (minArea: number) => {
      const objects = { large: { minArea: 2000 }, holes: { kind: 'hole', within: 'large', minArea } } as const;
      const recipe = recipeSchema.parse({ recipe: 'r', objects, checks: [{ id: 'n', count: 'holes', min: 0 }] });
      return (await inspectFrame(recipe, frame, result, { checksOnly: true })).checks[0]?.value;
    };
    // The hole is 30 x 40 pixels.
    expect([await counts(1000), await counts(1400)]).toEqual([1, 0]);
  });

  it('is what the checks and the datum name, and outlines where something is made of them', () => {
    const extent = (checks: readonly object[], rest: object = {}) =>
      extentOf(recipeSchema.parse({ recipe: 'r', objects: { all: {}, large: { minArea: 2000 } }, checks, ...rest }));
    const size = { id: 'size', measure: 'diameter', of: 'all', each: true, max: 30 };
    expect(extent([size])).toEqual({ measures: ['x', 'y', 'perimeter', 'diameter'], outlines: false });
    expect(extent([size], { datum: { origin: 'large', axis: 'large' } }).measures).toContain('orientation');
    expect(extent([{ id: 'gap', measure: 'gap', between: ['all[0]', 'all[1]'], min: 3 }]).outlines).toBe(true);
    expect(extent([size], { objects: { all: {}, holes: { kind: 'hole', within: 'all' } } }).outlines).toBe(true);
  });

  it('names zones and datums as needed', () => {
    const needs = needsOf(
      recipeSchema.parse({ recipe: 'r', objects: OBJECTS, datum: { origin: 'holes[0]' }, checks: [{ id: 'a', present: 'all' }] }),
    );
    expect(Object.fromEntries(needs)).toEqual({
      all: 'presence',
      large: 'edge',
      holes: 'edge',
      wide: 'edge',
      pieces: 'presence',
      left: 'edge',
    });
  });
});
