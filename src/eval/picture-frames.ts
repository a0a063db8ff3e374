/** Pictures of an evaluation as a source of frames: in order, none of them skipped. */
import sharp from 'sharp';
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import { type DepthOptions, decodeImage, openPictureParts } from '../addon/picture.js';
import type { Frame } from '../domain/frame.js';
import type { PipelineSource } from '../pipeline/segment-frames.js';
import { captureTime, SourceFrame } from '../source/source.js';

/** One frame for each item, opened when its turn comes. Errors: those of `open`, after the frames before have been handed out. */
export function pictureFrames<T>(items: Iterable<T>, open: (item: T) => Promise<Frame>): PipelineSource {
  let stopped = false;
  return {
    live: false,
    dropped: () => ({}),
    stop: async () => {
      stopped = true;
    },
    async *[Symbol.asyncIterator]() {
      for (const item of items) {
        if (stopped) return;
        yield await open(item);
      }
    },
  };
}

/** A picture's pixels; the caller releases them. Errors: SOURCE_NOT_FOUND, SOURCE_CORRUPT. */
export async function pictureFrame(path: string): Promise<Frame> {
  return new SourceFrame(await decodeImage(path, path), 0, captureTime(), path);
}

/** Pixels that are decoded at once for a smaller copy. */
const BAND_PIXELS = 2 ** 24;

/**
 * A picture of any size as a frame with sides of `longest` at most, and the factor by which it is smaller; the caller releases the
 * frame. Memory: a band of the picture's rows. Errors: SOURCE_CORRUPT, SOURCE_UNSUPPORTED.
 */
export async function shrunkFrame(
  path: string,
  longest: number,
  stretch: DepthOptions['stretch'],
): Promise<{ frame: NativeFrame; scale: number }> {
  const parts = await openPictureParts(path, { stretch });
  const scale = Math.min(1, longest / Math.max(parts.width, parts.height));
  const [width, height] = [Math.max(Math.round(parts.width * scale), 1), Math.max(Math.round(parts.height * scale), 1)];
  const rgb = new Uint8Array(3 * width * height);
  const rows = Math.max(Math.floor((BAND_PIXELS / parts.width) * scale), 1);
  for (let top = 0; top < height; top += rows) {
    const bottom = Math.min(top + rows, height);
    const [y, end] = [Math.round((top * parts.height) / height), Math.round((bottom * parts.height) / height)];
    const band = await parts.read({ x: 0, y, width: parts.width, height: end - y });
    try {
      const raw = { width: parts.width, height: end - y, channels: 3 as const };
      const small = sharp(await native().toRgb(band), { raw }).resize(width, bottom - top, { fit: 'fill' });
      rgb.set(await small.raw().toBuffer(), 3 * width * top);
    } finally {
      band.release();
    }
  }
  return { frame: native().createFrame(rgb, { width, height, format: 'rgb' }), scale };
}
