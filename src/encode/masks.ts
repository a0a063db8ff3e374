/** Masks of several objects in one of the wire's encodings. */
import sharp from 'sharp';
import { native } from '../addon/addon.js';
import type { MaskMessage } from '../contract/result.js';
import type { MaskEncoding } from '../domain/mask.js';
import type { Segments } from '../domain/segments.js';

/** One entry per index, in order; undefined with `bbox`. `tolerance`: pixels a polygon may deviate. */
export async function encodeMasks(
  segments: Segments,
  indices: Uint32Array,
  encoding: MaskEncoding,
  tolerance: number,
): Promise<(MaskMessage | undefined)[]> {
  const size: [number, number] = [segments.height, segments.width];
  switch (encoding) {
    case 'rle':
      return (await native().encodeRle(segments, indices)).map((counts) => ({ size, counts }));
    case 'polygon':
      return (await native().polygons(segments, indices, tolerance)).map((polygons) => ({ size, polygons }));
    case 'png':
      return Promise.all(Array.from(indices, async (index) => ({ size, png: await encodePng(segments, index) })));
    case 'bbox':
      return Array.from(indices, () => undefined);
  }
}

async function encodePng(segments: Segments, index: number): Promise<string> {
  const bitmap = await native().maskBitmap(segments, index);
  const raw = { width: segments.width, height: segments.height, channels: 1 } as const;
  const png = await sharp(bitmap, { raw }).png({ palette: true, colours: 2, effort: 1 }).toBuffer();
  return png.toString('base64');
}

/** A single mask, given as runs, as segments of one object, so that it can be encoded like any other. */
export function asSegments(runs: Uint32Array, width: number, height: number): Segments {
  return {
    count: 1,
    width,
    height,
    boxes: new Float32Array(4),
    scores: new Float32Array(1),
    classes: new Int32Array(1),
    areas: new Uint32Array(1),
    runs,
    offsets: Uint32Array.of(0, runs.length / 2),
  };
}
