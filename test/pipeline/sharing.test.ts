/** Several cameras on one slow engine: shares, and where every frame went. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import type { SegmentationEngine } from '../../src/engine/engine.js';
import { EngineScheduler } from '../../src/engine/scheduler.js';
import { runPipeline } from '../../src/pipeline/pipeline.js';
import { Camera } from '../../src/source/camera.js';
import { EMPTY } from '../helpers/fakes.js';

const SLOW_MS = 60;

/** A network that takes its time for one frame after the other, as the real ones do. */
function slowEngine(): SegmentationEngine {
  let last = Promise.resolve();
  let inside = 0;
  let begun = 0;
  return {
    model: { name: 'slow', backend: 'onnxruntime', inputWidth: 32, inputHeight: 32, labels: [] },
    depth: 3,
    async segment() {
      if (inside === 0) begun = performance.now();
      inside += 1;
      const before = last;
      last = before.then(async () => {
        await delay(SLOW_MS);
        inside -= 1;
        begun = performance.now();
      });
      await last;
      return EMPTY;
    },
    msUntilFree: () => (inside === 0 ? 0 : Math.max(begun + inside * SLOW_MS - performance.now(), 0)),
    measureNetwork: async () => [],
    stop: async () => {},
  };
}

interface Shared {
  readonly priority?: number;
  readonly maxFps?: number;
  readonly frames?: number;
  readonly fps?: number;
  readonly maxFrameAgeMs?: number;
}

/** Runs the cameras until `results` came out of all of them together, or until they end. */
async function share(cameras: readonly Shared[], results = Number.POSITIVE_INFINITY) {
  const engine = slowEngine();
  const scheduler = new EngineScheduler(engine);
  let total = 0;
  const tasks = cameras.map(({ priority, maxFps, fps = 30, frames, maxFrameAgeMs }) => {
    const uri = `test:shapes?width=1280&height=720&fps=${fps}${frames === undefined ? '' : `&frames=${frames}`}`;
    const camera: Camera = new Camera({
      uri,
      options: {},
      maxFps,
      onWedged: 'keep-going',
      onStatus: ({ phase }) => phase === 'ended' && void camera.stop(),
    });
    return { camera, out: 0, gate: scheduler.gate(priority), maxFrameAgeMs };
  });
  await Promise.all(
    tasks.map((task) =>
      runPipeline({
        source: task.camera,
        engine,
        gate: task.gate,
        maxFrameAgeMs: task.maxFrameAgeMs,
        segmentation: () => SEGMENTATION_DEFAULTS,
        prompts: () => ({ revision: 1, prompts: [] }),
        deliver: () => {
          task.out += 1;
          total += 1;
          if (total === results) for (const { camera } of tasks) void camera.stop();
        },
      }),
    ),
  );
  return tasks.map(({ camera, out }) => ({
    in: camera.received(),
    out,
    drops: camera.dropped(),
    dropped: Object.values(camera.dropped()).reduce((sum, count) => sum + count, 0),
  }));
}

describe('cameras that share an engine', { timeout: 120_000 }, () => {
  it('four at 720p get equal shares, and every frame is accounted for', async () => {
    const cameras = await share([{}, {}, {}, {}], 120);
    for (const camera of cameras) {
      expect(camera.out).toBeGreaterThanOrEqual(27);
      expect(camera.out).toBeLessThanOrEqual(33);
      expect(camera.in).toBe(camera.out + camera.dropped);
      expect(Object.keys(camera.drops).sort()).toEqual(['busy']);
    }
  });

  it('by priority', async () => {
    const cameras = await share([{ priority: 3 }, {}], 60);
    expect(cameras[0]!.out).toBeGreaterThanOrEqual(42);
    expect(cameras[0]!.out).toBeLessThanOrEqual(48);
  });

  it('a camera that asks for less leaves the rest to the others', async () => {
    const cameras = await share([{ maxFps: 2 }, {}], 60);
    const [slow, fast] = cameras as [(typeof cameras)[0], (typeof cameras)[0]];
    expect(slow.out).toBeLessThan(fast.out / 3);
    expect(slow.drops.rate).toBeGreaterThan(slow.drops.busy ?? 0);
    expect(slow.in).toBe(slow.out + slow.dropped);
  });

  it('frames in are frames out and drops, exactly, for a scene of known length', async () => {
    const cameras = await share([
      { frames: 90, fps: 60 },
      { frames: 45, maxFps: 3 },
      { frames: 60, maxFrameAgeMs: 1 },
    ]);
    expect(cameras.map((camera) => camera.in)).toEqual([90, 45, 60]);
    for (const camera of cameras) expect(camera.in).toBe(camera.out + camera.dropped);
    expect(cameras[2]!.drops.stale).toBeGreaterThan(0);
  });
});
