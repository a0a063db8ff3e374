/** A frame as a picture file. */
import sharp from 'sharp';
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame } from '../domain/frame.js';

const JPEG_QUALITY = 85;

export interface JpegOptions {
  /** Largest width in pixels; a wider frame is shrunk, its sides kept in proportion. The frame's own when absent. */
  readonly maxWidth?: number;
  /** 1…100; default 85. */
  readonly quality?: number;
}

/** JPEG of the whole frame, encoded off the JS thread. The caller keeps the frame until the promise settles. */
export async function encodeJpeg(
  frame: Pick<Frame, 'pixels' | 'width' | 'height'>,
  { maxWidth = frame.width, quality = JPEG_QUALITY }: JpegOptions = {},
): Promise<Buffer> {
  const { width, height } = sizeWithin(frame, maxWidth);
  const addon = native();
  const pixels = frame.pixels as NativeFrame;
  if (addon.encodeJpeg) {
    const { buffer, byteOffset, byteLength } = await addon.encodeJpeg(pixels, width, height, quality);
    return Buffer.from(buffer, byteOffset, byteLength);
  }
  // A build without libturbojpeg.
  const rgb = await addon.toRgb(pixels);
  return sharp(rgb, { raw: { width: frame.width, height: frame.height, channels: 3 } })
    .resize(width, height)
    .jpeg({ quality })
    .toBuffer();
}

/** PNG of the whole frame, as it is. The caller keeps the frame until the promise settles. */
export async function encodePng({ pixels, width, height }: Pick<Frame, 'pixels' | 'width' | 'height'>): Promise<Buffer> {
  const rgb = await native().toRgb(pixels as NativeFrame);
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** The size of a picture of `frame` that is at most `maxWidth` wide. */
export function sizeWithin(
  frame: { readonly width: number; readonly height: number },
  maxWidth: number,
): { readonly width: number; readonly height: number } {
  if (frame.width <= maxWidth) return { width: frame.width, height: frame.height };
  // Even sides: chroma is shared by two pixels a side, and planes then need no way through RGB.
  const even = (value: number, most: number) => Math.max(1, Math.min(most, 2 * Math.round(value / 2)));
  return { width: even(maxWidth, frame.width), height: even((frame.height * maxWidth) / frame.width, frame.height) };
}
