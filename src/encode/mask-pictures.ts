/** Masks as picture files: black and white, as a map of object numbers, or as the object itself on nothing. */
import sharp from 'sharp';
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame } from '../domain/frame.js';
import { boxOf, type Segments } from '../domain/segments.js';

/** PNG of the whole frame, 8 bit grey: 255 inside the mask of object `index`, 0 outside. */
export async function maskPng(segments: Segments, index: number): Promise<Buffer> {
  const bitmap = await native().maskBitmap(segments, index);
  return sharp(bitmap, { raw: { width: segments.width, height: segments.height, channels: 1 } })
    .png({ palette: true, colours: 2, effort: 1 })
    .toBuffer();
}

/**
 * PNG of the whole frame, 16 bit grey: the number of the object + 1, 0 where none of `indices` is. Where objects overlap
 * the smaller one is on top.
 */
export async function labelMapPng(segments: Segments, indices: Uint32Array): Promise<Buffer> {
  const { width, height, runs, offsets, areas } = segments;
  const map = new Uint16Array(width * height);
  for (const index of [...indices].sort((a, b) => areas[b]! - areas[a]!)) {
    for (let run = offsets[index]!; run < offsets[index + 1]!; run += 1) {
      const end = runs[2 * run + 1]!;
      for (let pixel = runs[2 * run]!; pixel < end; pixel += 1) map[(pixel % height) * width + Math.floor(pixel / height)] = index + 1;
    }
  }
  return sharp(map, { raw: { width, height, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
}

/** PNG of grey levels, [height × width] row-major. */
export function greyPng(levels: Uint8Array, width: number, height: number): Promise<Buffer> {
  return sharp(levels, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** PNG of what the box of each object at `indices` holds, transparent off its mask; undefined for an empty box. */
export async function cutoutPngs(frame: Frame, segments: Segments, indices: Uint32Array): Promise<(Buffer | undefined)[]> {
  const { width, height } = segments;
  const rgb = await native().toRgb(frame.pixels as NativeFrame);
  return Promise.all(
    Array.from(indices, async (index) => {
      const [x1, y1, x2, y2] = boxOf(segments, index);
      const left = Math.floor(x1);
      const top = Math.floor(y1);
      const box = { left, top, width: Math.min(Math.ceil(x2), width) - left, height: Math.min(Math.ceil(y2), height) - top };
      if (box.width < 1 || box.height < 1) return undefined;
      const bitmap = await native().maskBitmap(segments, index);
      const alpha = await sharp(bitmap, { raw: { width, height, channels: 1 } })
        .extract(box)
        .toColourspace('b-w')
        .raw()
        .toBuffer();
      return sharp(rgb, { raw: { width, height, channels: 3 } })
        .extract(box)
        .joinChannel(alpha, { raw: { width: box.width, height: box.height, channels: 1 } })
        .png()
        .toBuffer();
    }),
  );
}
