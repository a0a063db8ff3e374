import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { Segments } from '../../src/domain/segments.js';

const WIDTH = 320;
const HEIGHT = 256;
const ANCHORS = (320 * 320) / 64 + (320 * 320) / 256 + (320 * 320) / 1024;

/** What an engine hands out: three boxes, each mask its whole box. */
async function decoded(): Promise<Segments> {
  const boxes = [
    [100, 100, 80, 60],
    [220, 150, 90, 90],
    [60, 200, 40, 40],
  ];
  const detections = new Float32Array(37 * ANCHORS);
  for (const [index, box] of boxes.entries()) {
    for (const [row, value] of [...box, 0.9 - index / 10, 1].entries()) detections[row * ANCHORS + index] = value;
  }
  const geometry = native().letterboxGeometry(WIDTH, HEIGHT, 320, 320);
  const proto = new Float32Array((32 * 320 * 320) / 16).fill(1);
  const options = { conf: 0.25, iou: 0.9, maxDet: 300, snapToBorder: 0, coefficients: true };
  return native().decode({ detections, anchors: ANCHORS, classes: 1, proto }, geometry, options);
}

const all = Uint32Array.of(0, 1, 2);

describe('segments of an engine', () => {
  it('are read as the same segments in plain arrays are', async () => {
    const segments = await decoded();
    const plain = { ...segments };
    expect(segments.count).toBe(3);
    for (const call of [
      (s: Segments) => native().encodeRle(s, all),
      (s: Segments) => native().polygons(s, all, 1),
      (s: Segments) => native().maskBitmap(s, 1),
      (s: Segments) => native().selectObjects(s, Uint32Array.of(2, 0)),
    ]) {
      expect(await call(segments)).toEqual(await call(plain));
    }
  });

  it('are frozen, and what is written to their arrays does not reach native code', async () => {
    const segments = await decoded();
    const counts = await native().encodeRle(segments, all);
    expect(() => Object.assign(segments, { count: 1 })).toThrow(TypeError);
    segments.runs.fill(0xffff_ffff);
    segments.offsets.fill(7);
    expect(await native().encodeRle(segments, all)).toEqual(counts);
    await expect(native().encodeRle({ ...segments }, all)).rejects.toMatchObject({ code: 'MISUSE' });
  });

  it('are checked like any others once they have been copied by structuredClone', async () => {
    const segments = await decoded();
    expect(await native().encodeRle(structuredClone(segments), all)).toEqual(await native().encodeRle(segments, all));
  });

  it('refuse an object that they do not have', async () => {
    const segments = await decoded();
    await expect(native().encodeRle(segments, Uint32Array.of(3))).rejects.toMatchObject({ code: 'MISUSE' });
    await expect(native().maskBitmap(segments, 3)).rejects.toMatchObject({ code: 'MISUSE' });
  });

  it('are selected with their coefficients, in the order asked', async () => {
    const segments = await decoded();
    const selected = await native().selectObjects(segments, Uint32Array.of(2, 0));
    expect(selected.count).toBe(2);
    expect([...selected.boxes]).toEqual([...segments.boxes.subarray(8, 12), ...segments.boxes.subarray(0, 4)]);
    expect([...selected.areas]).toEqual([segments.areas[2], segments.areas[0]]);
    expect(selected.coefficients).toHaveLength(64);
    const counts = await native().encodeRle(segments, all);
    expect(await native().encodeRle(selected, Uint32Array.of(0, 1))).toEqual([counts[2], counts[0]]);
  });
});
