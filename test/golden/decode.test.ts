import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { maskOf } from '../../src/domain/mask.js';
import { compareMasks } from '../helpers/masks.js';
import { readNpy } from '../helpers/npy.js';

const golden = new URL('../../../shared/golden/', import.meta.url).pathname;

interface GoldenObject {
  readonly bbox: readonly [number, number, number, number];
  readonly score: number;
  readonly cls: number;
  readonly mask: { readonly size: readonly [height: number, width: number]; readonly counts: string };
}

interface GoldenFile {
  readonly conf: number;
  readonly iou: number;
  readonly maxDet: number;
  readonly snapToBorder: number;
  readonly images: readonly { readonly file: string; readonly width: number; readonly height: number; readonly objects: GoldenObject[] }[];
}

describe.skipIf(!existsSync(golden))('decoding the raw outputs behind zidane.jpg (needs ../shared/golden)', () => {
  it('gives the objects and masks of the golden file, in its order', async () => {
    const file = JSON.parse(readFileSync(`${golden}agnostic-conf0.05-iou0.9-snap20.json`, 'utf8')) as GoldenFile;
    const image = file.images.find((entry) => entry.file === 'zidane.jpg')!;
    const output0 = readNpy(`${golden}yolov8n-seg-agnostic.zidane.640x640.output0.npy`);
    const output1 = readNpy(`${golden}yolov8n-seg-agnostic.zidane.640x640.output1.npy`);
    // Recognised by rank: detections have three axes, proto masks four.
    const [detections, proto] = output0.shape.length === 3 ? [output0, output1] : [output1, output0];
    const [, rows, anchors] = detections.shape as [number, number, number];

    const { conf, iou, maxDet, snapToBorder } = file;
    const segments = await native().decode(
      { detections: detections.data, anchors, classes: rows - 4 - 32, proto: proto.data },
      native().letterboxGeometry(image.width, image.height, 640, 640),
      { conf, iou, maxDet, snapToBorder },
    );

    expect(segments).toMatchObject({ count: image.objects.length, width: image.width, height: image.height });
    for (const [index, object] of image.objects.entries()) {
      const box = segments.boxes.subarray(4 * index, 4 * index + 4);
      for (const [side, expected] of object.bbox.entries()) expect(Math.abs(box[side]! - expected)).toBeLessThanOrEqual(0.05);
      expect(Math.abs(segments.scores[index]! - object.score)).toBeLessThanOrEqual(1e-4);
      expect(segments.classes[index]).toBe(object.cls);

      const expected = native().decodeRle(object.mask.counts, image.width, image.height);
      const difference = compareMasks(maskOf(segments, index), expected);
      expect(difference.iou >= 0.9995 || difference.pixels <= 2, `object ${index}: ${JSON.stringify(difference)}`).toBe(true);
    }
  });
});
