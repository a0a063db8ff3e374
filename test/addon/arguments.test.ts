import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { PixelLayout } from '../../src/addon/frame.js';
import type { DecodeOptions, RawOutputs } from '../../src/addon/network.js';
import type { LetterboxGeometry } from '../../src/domain/geometry.js';
import type { Segments } from '../../src/domain/segments.js';
import { FastsamError } from '../../src/errors.js';

type Call = (...args: unknown[]) => unknown;

const detached = new Float32Array(8);
structuredClone(detached.buffer, { transfer: [detached.buffer] });

const garbage: readonly unknown[] = [
  undefined,
  null,
  true,
  -1,
  0,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  10n,
  '',
  'videotestsrc',
  Symbol('s'),
  () => 1,
  {},
  [],
  [{}],
  new Date(),
  new Proxy({}, {}),
  new Uint8Array(0),
  new Float32Array(3),
  new Float64Array(3),
  new Uint32Array([7]),
  new DataView(new ArrayBuffer(4)),
  detached,
];

/** What a call does, as one word; anything but a value or a FastsamError fails the test. */
async function outcome(call: Call, args: readonly unknown[]): Promise<string> {
  try {
    await call(...args);
    return 'accepted';
  } catch (error) {
    expect(error).toBeInstanceOf(FastsamError);
    return (error as FastsamError).code;
  }
}

const geometry = native().letterboxGeometry(64, 32, 64, 64);
const frame = await native().renderShapes(0, { width: 64, height: 32, seed: 1 });
const outputs: RawOutputs = {
  detections: new Float32Array(37 * 84),
  anchors: 84,
  classes: 1,
  proto: new Float32Array(32 * 16 * 16),
};
const options: DecodeOptions = { conf: 0.4, iou: 0.9, maxDet: 300, snapToBorder: 20 };
const segments: Segments = {
  count: 1,
  width: 64,
  height: 32,
  boxes: new Float32Array([1, 2, 3, 4]),
  scores: new Float32Array([0.5]),
  classes: new Int32Array([0]),
  areas: new Uint32Array([4]),
  runs: new Uint32Array([34, 36, 66, 68]),
  offsets: new Uint32Array([0, 2]),
};
const layout: PixelLayout = { width: 4, height: 4, format: 'nv12' };

/** Every function with arguments that it accepts. */
const valid: Record<string, readonly unknown[]> = {
  createFrame: [new Uint8Array(24), layout],
  renderConveyor: [0, { width: 16, height: 16, fps: 25, seed: 0 }],
  conveyorTruth: [0, { width: 16, height: 16, fps: 25, seed: 0 }],
  renderShapes: [0, { width: 16, height: 16, seed: 0, twins: true, leave: true, pieces: true, camera: 'pan', bar: 0.2, light: 0.1 }],
  shapesTruth: [0, { width: 16, height: 16, seed: 0 }],
  toRgb: [frame],
  ordinaryView: [new Float32Array(new SharedArrayBuffer(16))],
  letterboxGeometry: [64, 32, 64, 64],
  letterbox: [frame, new Float32Array(3 * 64 * 64), 64, 64],
  decode: [outputs, geometry, options],
  selectObjects: [segments, new Uint32Array([0])],
  encodeRle: [segments, new Uint32Array([0])],
  decodeRle: ['P20', 32, 32],
  polygons: [segments, new Uint32Array([0]), 1],
  maskBitmap: [segments, 0],
  drawOverlay: [
    frame,
    segments,
    [{ index: 0, color: 0xff0000, label: { alpha: new Uint8Array(4), width: 2, height: 2, left: 0, top: 0, ink: 0 } }],
  ],
};
const call = (name: string): Call => (native() as unknown as Record<string, Call>)[name]!;

describe('arguments', () => {
  it.each(Object.keys(valid).filter((name) => name !== 'decodeRle'))('%s accepts what it documents', async (name) => {
    expect(await outcome(call(name), valid[name]!)).toBe('accepted');
  });

  it.each(Object.keys(valid))('%s answers garbage in any place with a FastsamError', async (name) => {
    expect(await outcome(call(name), [])).toBe('MISUSE');
    for (const [place, good] of valid[name]!.entries()) {
      for (const wrong of garbage) {
        const args = valid[name]!.with(place, wrong);
        expect(await outcome(call(name), args)).toMatch(/^(MISUSE|PROMPT_INVALID|accepted)$/);
        if (typeof good !== 'object' || good === null || ArrayBuffer.isView(good) || good === frame) continue;
        for (const member of Object.keys(good)) {
          expect(await outcome(call(name), valid[name]!.with(place, { ...good, [member]: wrong }))).toMatch(/^(MISUSE|accepted)$/);
        }
      }
    }
  });

  const withGeometry = (change: Partial<LetterboxGeometry>) => [outputs, { ...geometry, ...change }, options];
  const withSegments = (change: Partial<Segments>) => [{ ...segments, ...change }, new Uint32Array([0])];
  it.each<[string, string, readonly unknown[]]>([
    ['pixels too short for the layout', 'createFrame', [new Uint8Array(23), layout]],
    ['a stride below one row', 'createFrame', [new Uint8Array(99), { ...layout, strides: [3, 4] }]],
    ['a stride too few', 'createFrame', [new Uint8Array(99), { ...layout, strides: [4] }]],
    ['a side beyond the limit', 'createFrame', [new Uint8Array(9), { ...layout, width: 40_000 }]],
    ['an unknown format', 'createFrame', [new Uint8Array(99), { ...layout, format: 'yuy2' }]],
    ['memory that could be moved away', 'ordinaryView', [new Float32Array(4)]],
    ['an input of another size', 'letterbox', [frame, new Float32Array(3 * 64 * 64 + 1), 64, 64]],
    ['an input that is no multiple of 32', 'letterbox', [frame, new Float32Array(3 * 65 * 64), 65, 64]],
    ['anchors that do not fit the detections', 'decode', [{ ...outputs, anchors: 85 }, geometry, options]],
    ['proto masks of another input', 'decode', withGeometry({ inputWidth: 96 })],
    ['content beyond the input', 'decode', withGeometry({ left: 60 })],
    ['an unknown confidence', 'decode', [outputs, geometry, { ...options, conf: Number.NaN }]],
    ['an index out of range', 'encodeRle', [segments, new Uint32Array([1])]],
    ['runs beyond the frame', 'encodeRle', withSegments({ runs: new Uint32Array([34, 36, 66, 9999]) })],
    ['runs that descend', 'encodeRle', withSegments({ runs: new Uint32Array([66, 68, 34, 36]) })],
    ['an odd number of run ends', 'encodeRle', withSegments({ runs: new Uint32Array([34, 36, 66]) })],
    ['offsets that descend', 'encodeRle', withSegments({ offsets: new Uint32Array([9, 2]) })],
    ['offsets beyond the runs', 'maskBitmap', [{ ...segments, offsets: new Uint32Array([0, 0xffffffff]) }, 0]],
    ['a frame of another size', 'drawOverlay', [frame, { ...segments, width: 32, height: 64 }, []]],
    [
      'a label whose bytes are missing',
      'drawOverlay',
      [frame, segments, [{ index: 0, color: 0, label: { alpha: new Uint8Array(3), width: 2, height: 2, left: 0, top: 0, ink: 0 } }]],
    ],
  ])('refuses %s (%s)', async (_what, name, args) => {
    expect(await outcome(call(name), args)).toBe('MISUSE');
  });

  it('passes on what a getter of the caller throws', async () => {
    const trap = {
      get width() {
        throw new RangeError('mine');
      },
    };
    await expect(native().renderShapes(0, trap as never)).rejects.toThrow(RangeError);
  });

  it('refuses RLE strings that do not describe the frame', () => {
    for (const counts of ['', 'P20', '~~~', '\u0000', 'é', 'o'.repeat(1000)]) {
      expect(() => native().decodeRle(counts, 4, 4)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/PROMPT_INVALID|MISUSE/) }),
      );
    }
  });
});

describe('masks of a small segmentation', () => {
  it('come back as bitmap, RLE and polygon alike', async () => {
    const bitmap = await native().maskBitmap(segments, 0);
    const inside = [...bitmap.keys()].filter((pixel) => bitmap[pixel] === 255);
    expect(inside).toEqual([2 * 64 + 1, 2 * 64 + 2, 3 * 64 + 1, 3 * 64 + 2]);

    const [counts] = await native().encodeRle(segments, new Uint32Array([0]));
    expect(native().decodeRle(counts!, 64, 32)).toEqual(segments.runs);

    const [polygons] = await native().polygons(segments, new Uint32Array([0]), 0);
    expect(polygons).toHaveLength(1);
    expect(polygons![0]).toHaveLength(1);
    const ring = polygons![0]![0]!;
    expect(ring.at(-1)).toEqual(ring[0]);
    expect(ring.slice(1).sort((a, b) => a[0] - b[0] || a[1] - b[1])).toEqual([
      [1, 2],
      [1, 4],
      [3, 2],
      [3, 4],
    ]);
  });

  it('are drawn over the frame where they lie, and only there', async () => {
    const plain = await native().toRgb(frame);
    const drawn = await native().drawOverlay(frame, segments, [{ index: 0, color: 0xff00ff }]);
    const changed = [...plain.keys()].filter((byte) => plain[byte] !== drawn[byte]).map((byte) => Math.floor(byte / 3));
    expect(new Set(changed)).toEqual(new Set([2 * 64 + 1, 2 * 64 + 2, 3 * 64 + 1, 3 * 64 + 2]));
  });
});
