import { expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import type { Frame } from '../../src/domain/frame.js';
import { HeldFrames } from '../../src/source/held-frames.js';
import { firstFrames } from '../../src/source/limit.js';
import { openSource } from '../../src/source/open.js';

const SCENE = 'test:shapes?width=64&height=48&fps=20&realtime=false';

async function held(frames: number, bytes = 2 ** 20): Promise<HeldFrames> {
  const source = await openSource(SCENE);
  try {
    return await HeldFrames.of(source, { frames, bytes });
  } finally {
    await source.stop();
  }
}

/** Number, time and pixels of the first frames, each released before the next one is asked for. */
async function look(source: AsyncIterable<Frame>): Promise<{ sequence: number; ms: number; picture: string }[]> {
  const seen = [];
  for await (const frame of source) {
    using picture = frame;
    const rgb = await native().toRgb(picture.pixels as NativeFrame);
    seen.push({ sequence: picture.sequence, ms: Number(picture.ptsNs) / 1e6, picture: Buffer.from(rgb).toString('base64') });
  }
  return seen;
}

it('frames that are held come again, and their numbers and times run on', async () => {
  const first = await look(firstFrames(await openSource(SCENE), 3));
  using frames = await held(3);
  for (let run = 0; run < 2; run += 1) {
    const seen = await look(firstFrames(frames.source(), 7));
    expect(seen.map(({ sequence, ms }) => [sequence, ms])).toEqual([0, 1, 2, 3, 4, 5, 6].map((k) => [k, 50 * k]));
    expect(seen.map(({ picture }) => picture)).toEqual([0, 1, 2, 0, 1, 2, 0].map((k) => first[k]?.picture));
  }
});

it('holds no more bytes than it may, and one frame at least', async () => {
  for (const [bytes, count] of [
    [2 * 64 * 48 * 4, 2],
    [1, 1],
  ] as const) {
    using frames = await held(10, bytes);
    const pictures = (await look(firstFrames(frames.source(), 4))).map(({ picture }) => picture);
    expect(new Set(pictures).size).toBe(count);
  }
});

it('ends when it is stopped, and a frame outlives what held it', async () => {
  const frames = await held(2);
  const source = frames.source();
  const kept = [];
  for await (const frame of source) {
    kept.push(frame);
    if (kept.length === 3) await source.stop();
  }
  frames[Symbol.dispose]();
  expect(kept).toHaveLength(3);
  for (const frame of kept) {
    expect((await native().toRgb(frame.pixels as NativeFrame)).length).toBeGreaterThan(0);
    frame[Symbol.dispose]();
  }
});

it('releases what it holds when the source fails', async () => {
  const scene = await openSource(SCENE);
  const given: Frame[] = [];
  const failing = {
    ...firstFrames(scene, 2),
    async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
      for await (const frame of firstFrames(scene, 2)) {
        given.push(frame);
        yield frame;
      }
      throw new Error('broken');
    },
  };
  await expect(HeldFrames.of(failing, { frames: 3, bytes: 2 ** 20 })).rejects.toThrow('broken');
  expect(given).toHaveLength(2);
  for (const frame of given) expect(() => frame.retain()).toThrow('after its release');
});
