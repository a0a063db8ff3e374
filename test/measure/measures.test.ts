import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { Frame } from '../../src/domain/frame.js';
import { maskOf } from '../../src/domain/mask.js';
import { DIMENSION, MEASURES } from '../../src/domain/measure.js';
import type { Segments } from '../../src/domain/segments.js';
import { measureObjects, protoCell } from '../../src/measure/measures.js';
import { coverageOf, distanceBetween, gapBetween, placeInDatum, positionError } from '../../src/measure/relations.js';

const [WIDTH, HEIGHT] = [200, 120];

/** Two discs of radius 20 and 15.3 in the colour of `red`, on grey; their masks a pixel to the right. */
function scene(): { frame: Frame; segments: Segments } {
  const discs = [
    [50.25, 60, 20],
    [120, 60.5, 15.3],
  ] as const;
  const rgb = new Uint8Array(WIDTH * HEIGHT * 3).fill(90);
  const masks: number[][] = discs.map(() => []);
  for (let x = 0; x < WIDTH; x += 1) {
    for (let y = 0; y < HEIGHT; y += 1) {
      for (const [k, [cx, cy, r]] of discs.entries()) {
        let inside = 0;
        for (let s = 0; s < 64; s += 1) {
          if (Math.hypot(x + ((s % 8) + 0.5) / 8 - cx, y + (Math.floor(s / 8) + 0.5) / 8 - cy) < r) inside += 1 / 64;
        }
        for (let c = 0; c < 3; c += 1) rgb[3 * (y * WIDTH + x) + c]! += Math.round(inside * ((c === 0 ? 200 : 30) - 90));
        const pixel = x * HEIGHT + y;
        const runs = masks[k]!;
        if (Math.hypot(x - 0.5 - cx, y + 0.5 - cy) >= r) continue;
        if (runs.at(-1) === pixel) runs[runs.length - 1] = pixel + 1;
        else runs.push(pixel, pixel + 1);
      }
    }
  }
  const offsets = Uint32Array.of(0, masks[0]!.length / 2, (masks[0]!.length + masks[1]!.length) / 2);
  const segments: Segments = {
    count: 2,
    width: WIDTH,
    height: HEIGHT,
    boxes: Float32Array.of(30, 40, 72, 80, 104, 45, 137, 76),
    scores: Float32Array.of(0.9, 0.8),
    classes: new Int32Array(2),
    areas: Uint32Array.of(1257, 735),
    runs: Uint32Array.from(masks.flat()),
    offsets,
  };
  const pixels = native().createFrame(rgb, { width: WIDTH, height: HEIGHT, format: 'rgb' });
  return { frame: { pixels, width: WIDTH, height: HEIGHT } as unknown as Frame, segments };
}

describe('measureObjects', () => {
  it('names the measures as the addon does', () => {
    expect(native().measureNames()).toEqual(MEASURES);
    expect(Object.keys(DIMENSION)).toEqual(MEASURES);
  });

  it('measures many objects on several cores as it measures each alone, in the order asked for', async () => {
    const { frame, segments } = scene();
    const options = { cell: 4, colour: true, outlines: true } as const;
    const alone = (await Promise.all([0, 1].map((index) => measureObjects(frame, segments, Uint32Array.of(index), options)))).flat();
    const order = [1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1, 1];
    const runs = order.map((index) => segments.runs.subarray(2 * segments.offsets[index]!, 2 * segments.offsets[index + 1]!));
    const ends = runs.map((_, k) => runs.slice(0, k + 1).reduce((sum, { length }) => sum + length / 2, 0));
    const many: Segments = {
      ...segments,
      count: order.length,
      boxes: Float32Array.from(order.flatMap((index) => [...segments.boxes.subarray(4 * index, 4 * index + 4)])),
      scores: Float32Array.from(order, (index) => segments.scores[index]!),
      classes: new Int32Array(order.length),
      areas: Uint32Array.from(order, (index) => segments.areas[index]!),
      runs: Uint32Array.from(runs.flatMap((each) => [...each])),
      offsets: Uint32Array.from([0, ...ends]),
    };
    const all = Uint32Array.from(order.keys());
    const expected = order.map((index, k) => ({ ...alone[index], index: k }));
    expect(await measureObjects(frame, many, all, options)).toEqual(expected);
    expect(await measureObjects(frame, many, all.reverse(), options)).toEqual(expected.reverse());
  });

  it('measures the mask, or what the picture shows', async () => {
    const { frame, segments } = scene();
    const [byMask] = await measureObjects(frame, segments, Uint32Array.of(0), { edge: 'mask', cell: 4 });
    expect(byMask).toMatchObject({ index: 0, edge: 'mask', doubts: [] });
    expect(byMask!.values.x).toBeCloseTo(51.25, 1);
    expect(byMask!.uncertainties.diameter).toBeNaN();
    expect(byMask!.lab).toBeUndefined();

    const measured = await measureObjects(frame, segments, Uint32Array.of(1, 0), { cell: 4, colour: true, outlines: true });
    expect(measured.map(({ index, edge }) => [index, edge])).toEqual([
      [1, 'refined'],
      [0, 'refined'],
    ]);
    const [small, large] = measured as [(typeof measured)[0], (typeof measured)[0]];
    expect(Math.abs(large.values.diameter - 40)).toBeLessThan(0.1);
    expect(Math.abs(small.values.diameter - 30.6)).toBeLessThan(0.1);
    expect(Math.abs(large.values.x - 50.25)).toBeLessThan(0.05);
    expect(large.uncertainties.diameter).toBeLessThan(0.05);
    expect(large.outlines).toHaveLength(1);
    expect(large.holeOutlines).toEqual([]);
    expect(large.outlines![0]!.length).toBeGreaterThan(200);
    // sRGB 200, 30, 30: Y is .1330, so L* is 116 · .1330^(1/3) − 16.
    expect(Math.abs(large.lab![0] - 43.2)).toBeLessThan(0.3);
    expect(large.lab![1]).toBeGreaterThan(55);

    expect(Math.abs(distanceBetween(small, large) - Math.hypot(69.75, 0.5))).toBeLessThan(0.1);
    const gap = await gapBetween(large, small, 0);
    expect(Math.abs(gap.distance - (Math.hypot(69.75, 0.5) - 35.3))).toBeLessThan(0.15);
    expect(gap.from[0]).toBeLessThan(gap.to[0]);
    expect((await gapBetween(large, small, 3)).distance).toBe(0);
  });

  it.each(['refined', 'mask'] as const)('measures some things as it measures all (%s)', async (edge) => {
    const { frame, segments } = scene();
    // Where the picture has no edge the mask is measured.
    const blank = { ...frame, pixels: native().createFrame(new Uint8Array(3 * frame.width * frame.height), { ...frame, format: 'rgb' }) };
    for (const picture of [frame, blank]) {
      const all = await measureObjects(picture, segments, Uint32Array.of(0, 1), { edge, cell: 4 });
      for (const measures of [[], ['area'], ['width', 'x'], ['circleDiameter'], ['holes', 'convexity', 'circleRms']] as const) {
        const some = await measureObjects(picture, segments, Uint32Array.of(0, 1), { edge, cell: 4, measures });
        const of = (values: (typeof some)[0]['values']) => Object.fromEntries(measures.map((name) => [name, values[name]]));
        expect(some).toEqual(all.map((each) => ({ ...each, values: of(each.values), uncertainties: of(each.uncertainties) })));
      }
    }
  });

  it('refuses a frame of another size and an index out of range', async () => {
    const { frame, segments } = scene();
    const other = { ...frame, pixels: native().createFrame(new Uint8Array(300), { width: 10, height: 10, format: 'rgb' }) };
    await expect(measureObjects(other, segments, Uint32Array.of(0), { cell: 4 })).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(measureObjects(frame, segments, Uint32Array.of(2), { cell: 4 })).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().contourGap(Float64Array.of(), Float64Array.of(1, 2))).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().contourGap(Float64Array.of(1, Number.NaN), Float64Array.of(1, 2))).rejects.toMatchObject({ code: 'MISUSE' });
  });
});

describe('relations', () => {
  it('tell the share of a zone that is covered', () => {
    const { segments } = scene();
    const zone = native().polygonMask([[0, 0, 51, 0, 51, 120, 0, 120]], WIDTH, HEIGHT);
    expect(coverageOf(maskOf(segments, 0), zone)).toBeCloseTo((Math.PI * 200) / (51 * 120), 2);
  });

  it('place a point in a datum frame', () => {
    const datum = { origin: [10, 20], degrees: 90 } as const;
    const [x, y] = placeInDatum([10, 25], datum);
    expect(x).toBeCloseTo(5);
    expect(y).toBeCloseTo(0);
    expect(positionError([10, 25], [5, 2], datum)).toBeCloseTo(2);
  });

  it('know a proto cell in pixels of the frame', () => {
    const geometry = { frameWidth: 1280, frameHeight: 720, inputWidth: 640, inputHeight: 640, contentWidth: 640, contentHeight: 360 };
    expect(protoCell({ ...geometry, left: 0, top: 140 })).toBe(8);
  });
});
