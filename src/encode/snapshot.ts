/** A frame as a picture file. */
import sharp from 'sharp';
import { type NativeFrame, native } from '../addon/addon.js';
import type { Frame } from '../domain/frame.js';

const JPEG_QUALITY = 85;

/** JPEG of the whole frame. The caller keeps the frame until the promise settles. */
export async function encodeJpeg(frame: Frame): Promise<Buffer> {
  const { width, height } = frame;
  const rgb = await native().toRgb(frame.pixels as NativeFrame);
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: JPEG_QUALITY })
    .toBuffer();
}
