import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LoadedEngine, TensorRtContext, TensorRtSegmented } from '../../src/addon/tensorrt.js';
import type { Frame } from '../../src/domain/frame.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import { TensorRtEngine } from '../../src/engine/tensorrt/engine.js';
import { EMPTY } from '../helpers/fakes.js';

const IDENTITY = { name: 'm', backend: 'tensorrt', inputWidth: 32, inputHeight: 32, labels: [], graph: true } as const;
const FRAME = { pixels: {} } as unknown as Frame;
const GPU_MS = 10;

/** Two contexts on one GPU that works on one frame after the other for GPU_MS each; `infer` is what a context sees of it. */
function sharedGpu(): TensorRtEngine {
  let freeAt = 0;
  const context: TensorRtContext = {
    segment: async () => {
      const begin = performance.now();
      freeAt = Math.max(freeAt, begin) + GPU_MS;
      await new Promise((resolve) => setTimeout(resolve, freeAt - begin));
      return { ...EMPTY, timings: { preprocess: 0, infer: performance.now() - begin, decode: 0 } } as TensorRtSegmented;
    },
    measure: async () => new Float32Array(),
    dispose: async () => {},
  };
  const loaded = { classes: 1, contexts: [context, { ...context }] } as unknown as LoadedEngine;
  return new TensorRtEngine(IDENTITY, loaded);
}

describe('a frame that the GPU cannot read where it lies', () => {
  it('is told once', async () => {
    const context = {
      segment: async () =>
        ({ ...EMPTY, timings: { preprocess: 0, infer: 1, decode: 0 }, copiedBecause: 'block linear' }) as TensorRtSegmented,
    };
    const told: string[] = [];
    const engine = new TensorRtEngine(IDENTITY, { classes: 1, contexts: [context] } as unknown as LoadedEngine, (why) => told.push(why));
    for (let k = 0; k < 3; k += 1) await engine.segment(FRAME, SEGMENTATION_DEFAULTS);
    expect(told).toEqual(['frames are copied for the GPU: block linear']);
  });
});

describe('how long the GPU will be busy', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const estimate = async (engine: TensorRtEngine) => {
    const run = engine.segment(FRAME, SEGMENTATION_DEFAULTS);
    await vi.advanceTimersByTimeAsync(0);
    const ms = engine.msUntilFree();
    await vi.advanceTimersByTimeAsync(1000);
    await run;
    return ms;
  };

  it('is learnt from frames that had it to themselves', async () => {
    const engine = sharedGpu();
    await estimate(engine);
    expect(await estimate(engine)).toBeCloseTo(GPU_MS, 5);
    expect(engine.msUntilFree()).toBe(0);
  });

  it('is not what two frames at once take', async () => {
    const engine = sharedGpu();
    const runs = Promise.all(Array.from({ length: 40 }, () => engine.segment(FRAME, SEGMENTATION_DEFAULTS)));
    await vi.advanceTimersByTimeAsync(10_000);
    await runs;
    expect(await estimate(engine)).toBeCloseTo(GPU_MS, 1);
  });
});
