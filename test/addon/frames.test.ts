import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { PixelLayout } from '../../src/addon/frame.js';
import type { PixelFormat } from '../../src/domain/frame.js';
import { FastsamError } from '../../src/errors.js';
import { SourceFrame } from '../../src/source/source.js';

const rgb = (width: number, height: number): PixelLayout => ({ width, height, format: 'rgb' });

describe('frames', () => {
  it('wraps pixels without copying them', async () => {
    const pixels = new Uint8Array(2 * 2 * 3).fill(7);
    const frame = native().createFrame(pixels, rgb(2, 2));
    pixels[0] = 200;
    expect([...(await native().toRgb(frame))]).toEqual([200, ...new Array<number>(11).fill(7)]);
    expect({ width: frame.width, height: frame.height, format: frame.format }).toEqual({ width: 2, height: 2, format: 'rgb' });
  });

  it.each<[PixelFormat, number[], number[]]>([
    ['bgr', [3, 2, 1], [1, 2, 3]],
    ['rgba', [1, 2, 3, 99], [1, 2, 3]],
    ['nv12', [126, 128, 128], [128, 128, 128]],
    ['i420', [126, 128, 128], [128, 128, 128]],
  ])('converts %s', async (format, pixel, expected) => {
    const frame = native().createFrame(Uint8Array.from(pixel), { width: 1, height: 1, format });
    expect([...(await native().toRgb(frame))]).toEqual(expected);
  });

  it('honours strides and needs no padding after the last row', async () => {
    const pixels = Uint8Array.from([1, 2, 3, 0, 0, 4, 5, 6]);
    const frame = native().createFrame(pixels, { ...rgb(1, 2), strides: [5] });
    expect([...(await native().toRgb(frame))]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('takes full range and another matrix into account', async () => {
    const pixels = Uint8Array.from([180, 100, 160]);
    const convert = async (layout: Partial<PixelLayout>) =>
      [...(await native().toRgb(native().createFrame(pixels, { width: 1, height: 1, format: 'i420', ...layout })))].join();
    const results = await Promise.all([
      convert({}),
      convert({ range: 'full' }),
      convert({ matrix: 'bt709' }),
      convert({ matrix: 'bt2020' }),
    ]);
    expect(new Set(results).size).toBe(4);
  });

  it('refuses any use after release, which may happen twice', async () => {
    const frame = native().createFrame(new Uint8Array(12), rgb(2, 2));
    frame.release();
    frame.release();
    expect(() => frame.width).toThrow(expect.objectContaining({ code: 'MISUSE' }));
    await expect(native().toRgb(frame)).rejects.toMatchObject({ code: 'MISUSE' });
  });

  it('keeps the pixels for calls under way when the frame is released meanwhile', async () => {
    const size = { width: 640, height: 480, seed: 3 };
    const reference = await native().renderShapes(5, size);
    const expected = new Float32Array(3 * 320 * 320);
    await native().letterbox(reference, expected, 320, 320);

    const inputs = Array.from({ length: 8 }, () => new Float32Array(3 * 320 * 320));
    const frames = await Promise.all(inputs.map(() => native().renderShapes(5, size)));
    const calls = frames.map((frame, index) => native().letterbox(frame, inputs[index]!, 320, 320));
    for (const frame of frames) frame.release();
    await Promise.all(calls);
    for (const input of inputs) expect(Buffer.compare(Buffer.from(input.buffer), Buffer.from(expected.buffer))).toBe(0);
  });

  it('notices that the buffer behind a frame was transferred away', async () => {
    const pixels = new Uint8Array(12);
    const frame = native().createFrame(pixels, rgb(2, 2));
    structuredClone(pixels.buffer, { transfer: [pixels.buffer] });
    await expect(native().toRgb(frame)).rejects.toMatchObject({ code: 'MISUSE', message: expect.stringContaining('transferred') });
  });

  it('renders the same picture for the same seed and another one for the next index', async () => {
    const render = async (index: number) =>
      Buffer.from(await native().toRgb(await native().renderShapes(index, { width: 64, height: 48, seed: 1 })));
    const [first, again, next] = await Promise.all([render(10), render(10), render(11)]);
    expect(first.equals(again!)).toBe(true);
    expect(first.equals(next!)).toBe(false);
  });

  it('cannot be forged', async () => {
    const frame = native().createFrame(new Uint8Array(12), rgb(2, 2));
    const Forged = frame.constructor as new (...args: unknown[]) => object;
    expect(() => new Forged({}, 1)).toThrow(FastsamError);
    for (const imposter of [
      {},
      Object.create(frame),
      Object.create(Object.getPrototypeOf(frame)),
      { width: 2, height: 2, format: 'rgb' },
    ]) {
      await expect(native().toRgb(imposter as never)).rejects.toMatchObject({ code: 'MISUSE' });
    }
    expect(() => frame.release.call({} as never)).toThrow(TypeError);
  });
});

describe('a retained frame', () => {
  it('has its pixels until the last holder releases it, however often each does', async () => {
    const pixels = native().createFrame(new Uint8Array(12), { width: 2, height: 2, format: 'rgb' });
    const frame = new SourceFrame(pixels, 0, { wallMs: 0, monotonicNs: 0n }, 'x');
    const other = frame.retain();
    frame[Symbol.dispose]();
    frame[Symbol.dispose]();
    expect(() => frame.retain()).toThrow(expect.objectContaining({ code: 'MISUSE' }));
    expect(await native().toRgb(other.pixels)).toHaveLength(12);
    other[Symbol.dispose]();
    await expect(async () => native().toRgb(other.pixels)).rejects.toMatchObject({ code: 'MISUSE' });
  });
});
