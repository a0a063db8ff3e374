import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { encodeJpeg, sizeWithin } from '../../src/encode/snapshot.js';
import { captureTime, SourceFrame } from '../../src/source/source.js';

async function scene(): Promise<SourceFrame> {
  const pixels = await native().renderConveyor(30, { width: 322, height: 181, fps: 15, seed: 1 });
  return new SourceFrame(pixels, 0, captureTime(), 'scene');
}

describe('encodeJpeg', () => {
  it('writes the whole frame, or a smaller one in proportion', async () => {
    using frame = await scene();
    const whole = await sharp(await encodeJpeg(frame)).metadata();
    expect(whole).toMatchObject({ format: 'jpeg', width: 322, height: 181 });
    const small = await sharp(await encodeJpeg(frame, { maxWidth: 160, quality: 60 })).metadata();
    expect(small).toMatchObject({ format: 'jpeg', width: 160, height: 90 });
    const never = await sharp(await encodeJpeg(frame, { maxWidth: 2000 })).metadata();
    expect(never).toMatchObject({ width: 322, height: 181 });
  });

  it('shows the colours of the frame', async () => {
    using frame = await scene();
    const exact = await native().toRgb(frame.pixels as never);
    const shown = await sharp(await encodeJpeg(frame, { quality: 95 }))
      .raw()
      .toBuffer();
    let squares = 0;
    for (const [i, value] of exact.entries()) squares += (value - shown[i]!) ** 2;
    expect(10 * Math.log10(255 ** 2 / (squares / exact.length))).toBeGreaterThan(30);
  });

  it('keeps the proportions of tall and of tiny frames', () => {
    expect(sizeWithin({ width: 1080, height: 1920 }, 640)).toEqual({ width: 640, height: 1138 });
    expect(sizeWithin({ width: 4000, height: 1 }, 100)).toEqual({ width: 100, height: 1 });
  });
});
