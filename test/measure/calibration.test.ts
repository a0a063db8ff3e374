import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { Point } from '../../src/domain/box.js';
import type { Frame } from '../../src/domain/frame.js';
import { fromDots, fromPoints, fromScale, type Reference } from '../../src/measure/calibrate.js';
import {
  type Calibration,
  calibrationSchema,
  lengthUncertainty,
  localScale,
  nominalScale,
  straightLens,
  toPicture,
  toPlane,
} from '../../src/measure/calibration.js';
import { orderDots } from '../../src/measure/dot-grid.js';
import { measureObjects } from '../../src/measure/measures.js';
import { segmentsOf } from '../helpers/dense-masks.js';
import { drawPlane } from '../helpers/plane-picture.js';

const AT = '2027-01-15T08:00:00.000Z';
const FRAME = { width: 480, height: 360 };
/** About 0.25 mm a pixel, the far side 30 % smaller than the near one; a lens that bends 2 px at the corners. */
const SLANTED = {
  frame: FRAME,
  homography: [0.25, 0.01, -10, -0.008, 0.27, -15, 0.0001, 0.0007, 1],
  lens: { k1: 0.012, k2: -0.004, centre: [251, 170] as [number, number] },
};

const inFrame = fc.tuple(fc.double({ min: 0, max: 480, noNaN: true }), fc.double({ min: 0, max: 360, noNaN: true }));

/** A grid on the plane of SLANTED, as the camera sees it. */
function gridOf(columns: number, rows: number, pitch: number, noise = 0): Reference[] {
  let seed = 1;
  const random = () => {
    // Two uniform numbers make a normal one.
    const next = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    return Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  };
  return Array.from({ length: columns * rows }, (_, k) => {
    const mm: Point = [(k % columns) * pitch, Math.floor(k / columns) * pitch];
    const [x, y] = toPicture(SLANTED, mm, [240, 180]);
    return { px: [x + noise * random(), y + noise * random()], mm };
  });
}

describe('a calibration', () => {
  it('leads to the plane and back', () => {
    fc.assert(
      fc.property(inFrame, (place) => {
        const [x, y] = toPicture(SLANTED, toPlane(SLANTED, place), [240, 180]);
        expect(Math.hypot(x - place[0], y - place[1])).toBeLessThan(1e-6);
      }),
    );
  });

  it('is found again from the dots of a grid: plane, lens and centre', () => {
    const found = fromDots(FRAME, gridOf(9, 7, 9), 9, AT);
    expect(calibrationSchema.parse(found)).toEqual(found);
    expect(found.residual.rmsPx).toBeLessThan(1e-6);
    fc.assert(
      fc.property(inFrame, (place) => {
        const [x, y] = toPlane(found, place);
        const [tx, ty] = toPlane(SLANTED, place);
        expect(Math.hypot(x - tx, y - ty)).toBeLessThan(1e-3);
      }),
    );
  });

  it('says how good it is: places are as uncertain as the dots were off', () => {
    const noise = 0.03;
    const found = fromDots(FRAME, gridOf(11, 8, 8, noise), 8, AT);
    const scale = nominalScale(SLANTED);
    expect(found.placeUncertainty! / (noise * scale)).toBeGreaterThan(0.7);
    expect(found.placeUncertainty! / (noise * scale)).toBeLessThan(1.5);
    expect(found.residual.rmsPx).toBeLessThan(0.06);
    for (const place of [
      [60, 60],
      [240, 180],
      [420, 300],
    ] as const) {
      const [x, y] = toPlane(found, place);
      const [tx, ty] = toPlane(SLANTED, place);
      expect(Math.hypot(x - tx, y - ty)).toBeLessThan(2 * found.placeUncertainty!);
    }
    expect(lengthUncertainty(found, 100)).toBeCloseTo(Math.SQRT2 * found.placeUncertainty!, 12);
    expect(lengthUncertainty(found, 4)).toBeCloseTo((Math.SQRT2 * found.placeUncertainty!) / 2, 12);
  });

  it('is made of four places, and refuses those that fix no plane', () => {
    const straight = { ...SLANTED, lens: straightLens(FRAME) };
    const corners: Reference[] = (
      [
        [10, 10],
        [470, 20],
        [460, 350],
        [20, 340],
      ] as const
    ).map((px) => ({ px, mm: toPlane(straight, px) }));
    const found = fromPoints(FRAME, corners, 0.02, AT);
    const [x, y] = toPlane(found, [200, 100]);
    const [tx, ty] = toPlane(straight, [200, 100]);
    expect(Math.hypot(x - tx, y - ty)).toBeLessThan(1e-6);
    expect(found.placeUncertainty).toBe(0.02);
    expect(fromPoints(FRAME, corners, undefined, AT).placeUncertainty).toBeNull();
    const line = [0, 100, 200, 300].map((at): Reference => ({ px: [at, at], mm: [at, at] }));
    expect(() => fromPoints(FRAME, line, undefined, AT)).toThrow(/four places or more, no three of four on one straight line/);
  });

  it('is made of one length', () => {
    const found = fromScale(FRAME, { pixels: 800, millimetres: 40, uncertainty: 0.02 }, AT);
    expect(nominalScale(found)).toBeCloseTo(0.05, 12);
    expect(localScale(found, [3, 5])).toBeCloseTo(0.05, 9);
    expect(lengthUncertainty(found, 40)).toBeCloseTo(0.02, 12);
    expect(lengthUncertainty(found, 20)).toBeCloseTo(0.01, 12);
    expect(lengthUncertainty(fromScale(FRAME, { pixels: 800, millimetres: 40 }, AT), 40)).toBeNaN();
  });
});

describe('the dots of a grid', () => {
  it('are told apart at any angle, in any order, at a slant', () => {
    const grid = fc.record({ columns: fc.integer({ min: 3, max: 9 }), rows: fc.integer({ min: 3, max: 9 }) });
    fc.assert(
      fc.property(grid, fc.double({ min: -40, max: 40, noNaN: true }), fc.integer(), ({ columns, rows }, degrees, seed) => {
        const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
        const places = Array.from({ length: columns * rows }, (_, k): Point => {
          const [x, y] = [((k % columns) - columns / 2) * 20, (Math.floor(k / columns) - rows / 2) * 20];
          const depth = 1 + 0.0008 * (s * x + c * y);
          return [300 + (c * x - s * y) / depth, 200 + (s * x + c * y) / depth];
        });
        const order = places.map((_, k) => k).sort((a, b) => ((a * 7919 + seed) % 31) - ((b * 7919 + seed) % 31));
        const found = orderDots(
          order.map((k) => places[k]!),
          columns,
          rows,
          5,
        );
        for (const [k, { px, mm }] of found.entries()) {
          expect(k).toBeLessThan(columns * rows);
          const at = places.indexOf(px);
          expect(mm).toEqual([(at % columns) * 5, Math.floor(at / columns) * 5]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are refused when one is missing', () => {
    const places = gridOf(5, 4, 9).map(({ px }) => px);
    expect(() => orderDots(places.slice(1), 5, 4, 9)).toThrow(/expected 5x4 dots, found 19 dots in a grid of 5x4/);
    expect(() => orderDots([], 5, 4, 9)).toThrow(/found none/);
  });
});

it('measures in millimetres what a slanted camera sees, wherever it lies', async () => {
  // Discs of 12 mm across, and a strip of 30 x 8 mm.
  const discs: readonly Point[] = [
    [12, 8],
    [45, 12],
    [80, 10],
    [14, 48],
  ];
  const shapes: readonly ((place: Point) => boolean)[] = [
    ...discs.map(
      ([cx, cy]) =>
        ([x, y]: Point) =>
          Math.hypot(x - cx, y - cy) < 6,
    ),
    ([x, y]) => Math.abs(x - 70) < 15 && Math.abs(y - 46) < 4,
  ];
  const { width, height } = FRAME;
  const calibration: Calibration = fromDots(FRAME, gridOf(9, 7, 9), 9, AT);
  const pixels = native().createFrame(
    drawPlane(SLANTED, (place) => shapes.some((isIn) => isIn(place))),
    { ...FRAME, format: 'rgb' },
  );
  const frame = { pixels, ...FRAME, format: 'rgb' } as unknown as Frame;
  const masks = shapes.map((isIn) =>
    Array.from({ length: width * height }, (_, k) => isIn(toPlane(SLANTED, [Math.floor(k / height) + 0.5, (k % height) + 0.5]))),
  );
  const segments = segmentsOf(width, height, masks);
  const all = Uint32Array.from([0, 1, 2, 3, 4]);
  const unit = nominalScale(calibration);
  for (const [edge, within] of [
    ['refined', 0.03],
    ['mask', 0.3],
  ] as const) {
    const measured = await measureObjects(frame, segments, all, { edge, cell: 4, calibration });
    for (const [k, [x, y]] of discs.entries()) {
      const { values, uncertainties } = measured[k]!;
      expect(Math.abs(values.diameter * unit - 12)).toBeLessThan(within);
      expect(Math.hypot(values.x * unit - x, values.y * unit - y)).toBeLessThan(within);
      expect(values.circularity).toBeGreaterThan(0.98);
      expect(uncertainties.diameter > 0).toBe(edge === 'refined');
      expect(values.major / values.minor).toBeLessThan(1.02);
    }
    const strip = measured[4]!;
    expect(Math.abs(strip.values.length * unit - 30)).toBeLessThan(within);
    expect(Math.abs(strip.values.width * unit - 8)).toBeLessThan(within);
    expect(Math.abs(strip.values.orientation)).toBeLessThan(0.5);
  }
  // Without the calibration the same discs differ by what the slant makes of them.
  const plain = await measureObjects(frame, segments, all, { cell: 4 });
  const diameters = plain.slice(0, 4).map(({ values }) => values.diameter);
  expect(Math.max(...diameters) / Math.min(...diameters)).toBeGreaterThan(1.08);
  pixels.release();
});
