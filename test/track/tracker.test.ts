import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { Frame } from '../../src/domain/frame.js';
import type { Prompt } from '../../src/domain/prompt.js';
import type { Segments } from '../../src/domain/segments.js';
import { applyPrompts } from '../../src/prompt/apply.js';
import { openSource } from '../../src/source/open.js';
import { CameraMotionEstimator } from '../../src/track/camera-motion.js';
import { TrackStage } from '../../src/track/stage.js';
import { openTracker } from '../../src/track/tracker.js';

type Box = readonly [number, number, number, number];

/** Objects with their whole box as mask. */
function segmentsOf(boxes: readonly Box[], scores: readonly number[] = boxes.map(() => 0.8), width = 320, height = 180): Segments {
  const runs: number[] = [];
  const offsets = [0];
  for (const [x1, y1, x2, y2] of boxes) {
    for (let x = x1; x < x2; x += 1) runs.push(x * height + y1, x * height + y2);
    offsets.push(runs.length / 2);
  }
  return {
    count: boxes.length,
    width,
    height,
    boxes: Float32Array.from(boxes.flat()),
    scores: Float32Array.from(scores),
    classes: new Int32Array(boxes.length),
    areas: Uint32Array.from(boxes, ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1)),
    runs: Uint32Array.from(runs),
    offsets: Uint32Array.from(offsets),
  };
}

describe('a tracker', () => {
  it('names objects at their second sighting and keeps the name', async () => {
    const tracker = openTracker();
    const at = (k: number) => segmentsOf([[20 + 4 * k, 20, 60 + 4 * k, 60]], [0.6]);
    expect([...(await tracker.update(at(0), { timeMs: 0 })).ids]).toEqual([0]);
    for (let k = 1; k < 20; k += 1) {
      const tracks = await tracker.update(at(k), { timeMs: 33.3 * k });
      expect([...tracks.ids]).toEqual([1]);
      expect(tracks.stats).toMatchObject({ live: 1, born: 0 });
    }
  });

  it('takes one frame at a time', async () => {
    const tracker = openTracker();
    const first = tracker.update(segmentsOf([]), { timeMs: 0 });
    await expect(tracker.update(segmentsOf([]), { timeMs: 1 })).rejects.toMatchObject({ code: 'MISUSE' });
    await first;
    await tracker.update(segmentsOf([]), { timeMs: 1 });
  });

  it('is free again after an error', async () => {
    const tracker = openTracker();
    const broken = { ...segmentsOf([[0, 0, 10, 10]]), offsets: Uint32Array.of(0, 99) };
    await expect(tracker.update(broken, { timeMs: 0 })).rejects.toMatchObject({ code: 'MISUSE' });
    const odd = { ...segmentsOf([[0, 0, 10, 10]]), areas: new Uint32Array(5) };
    await expect(tracker.update(odd, { timeMs: 0 })).rejects.toMatchObject({ code: 'MISUSE' });
    await tracker.update(segmentsOf([]), { timeMs: 0 });
  });

  it('refuses options out of range', () => {
    expect(() => openTracker({ keepMs: -1 })).toThrow(expect.objectContaining({ code: 'MISUSE' }));
    expect(() => openTracker({ birthScore: 2 })).toThrow(expect.objectContaining({ code: 'MISUSE' }));
  });
});

describe('the tracking stage', () => {
  const model = { name: 'm', backend: 'onnxruntime', inputWidth: 320, inputHeight: 192, labels: [] } as const;
  const options = { keepMs: 2000, continueScore: 0.1, cameraMotion: 'fixed' } as const;
  let pixels: object;
  beforeAll(() => {
    pixels = native().createFrame(new Uint8Array(320 * 180 * 3), { width: 320, height: 180, format: 'rgb' });
  });
  const frameAt = (ptsMs: number | null): Frame => ({
    pixels,
    width: 320,
    height: 180,
    format: 'rgb' as const,
    sequence: 0,
    captured: { wallMs: 0, monotonicNs: 0n },
    ptsNs: ptsMs === null ? null : BigInt(Math.round(ptsMs * 1e6)),
    origin: 'x',
    retain: () => frameAt(ptsMs),
    [Symbol.dispose]: () => {},
  });
  const base = { conf: 0.4, iou: 0.9, maxDet: 300, snapToBorder: 0 };

  it('decodes down to what continues a track, and shows weak objects only with one', async () => {
    const stage = new TrackStage(options);
    const boxes: Box[] = [
      [20, 20, 60, 60],
      [200, 20, 240, 60],
    ];
    for (let k = 0; k < 3; k += 1) await stage.begin(frameAt(33 * k), false, base).follow(segmentsOf(boxes, [0.8, 0.2]), model);
    const following = stage.begin(frameAt(100), false, base);
    expect(following.segmentation.conf).toBe(0.1);
    const { segments, tracks } = await following.follow(segmentsOf(boxes, [0.15, 0.2]), model);
    expect(segments.count).toBe(1);
    expect([...tracks.ids]).toEqual([1]);
    expect(segments).toEqual(segmentsOf(boxes.slice(0, 1), [0.15]));
  });

  it('takes a file by its presentation time: a slow network does not make objects slow', async () => {
    const stage = new TrackStage(options);
    let velocity = 0;
    for (let k = 0; k < 12; k += 1) {
      const { tracks } = await stage.begin(frameAt(100 * k), false, base).follow(segmentsOf([[20 + 10 * k, 20, 60 + 10 * k, 60]]), model);
      velocity = tracks.velocities[0]!;
    }
    expect(velocity).toBeCloseTo(100, -1);
  });

  it.each([
    { forgetAfterMs: 0, isFound: true },
    { forgetAfterMs: 150_000, isFound: true },
    { forgetAfterMs: undefined, isFound: false },
  ])('keeps what a prompt follows as long as the prompt waits: forgetAfterMs $forgetAfterMs', async ({ forgetAfterMs, isFound }) => {
    const stage = new TrackStage(options);
    const prompt: Prompt = {
      type: 'points',
      id: 'it',
      points: [[40, 40]],
      space: 'pixel',
      select: 'best',
      follow: true,
      ...(forgetAfterMs === undefined ? {} : { forgetAfterMs }),
    };
    const look = async (timeMs: number, boxes: Box[]) => {
      const following = stage.begin(frameAt(timeMs), false, base);
      const { segments, tracks } = await following.follow(segmentsOf(boxes), model);
      const { answers } = following.answer([prompt], applyPrompts(segments, [prompt]), { segments, tracks, timeMs });
      return answers[0]!.follow;
    };
    const box: Box = [20, 20, 60, 60];
    for (let k = 0; k < 20; k += 1) await look(50 * k, [box]);
    for (let k = 0; k < 240; k += 1) await look(1000 + 500 * k, []);
    const found = await look(121_000, [box]);
    expect(found?.state).toBe(isFound ? 'locked' : 'gone');
    expect(found?.track).toBe(1);
  });

  it('gives stills no tracks', async () => {
    const stage = new TrackStage(options);
    for (let k = 0; k < 3; k += 1) {
      const { tracks } = await stage.begin(frameAt(null), false, base).follow(segmentsOf([[20, 20, 60, 60]]), model);
      expect([...tracks.ids]).toEqual([0]);
    }
  });
});

describe('camera motion', () => {
  const source = openSource('test:conveyor?width=640&height=360&fps=20&realtime=false');
  afterAll(async () => (await source).stop());
  it('of a picture that does not move is none', async () => {
    const estimator = new CameraMotionEstimator();
    const frame = await first(await source);
    const [alone, again] = await Promise.all([estimator.next(frame), estimator.next(frame)]);
    expect(alone).toEqual({ affine: [1, 0, 0, 0, 1, 0], sure: true });
    expect(again.sure).toBe(true);
    expect(Math.abs(again.affine[2]!)).toBeLessThan(0.01);
    frame[Symbol.dispose]();
  });
});

async function first<T>(items: AsyncIterable<T>): Promise<T> {
  for await (const item of items) return item;
  throw new Error('expected an item');
}
