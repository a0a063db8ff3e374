/** Jobs before one engine together with a camera, and what becomes of those that cannot be done. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/contract/messages.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import type { SegmentationEngine, Segmented } from '../../src/engine/engine.js';
import { EngineScheduler } from '../../src/engine/scheduler.js';
import { FastsamError } from '../../src/errors.js';
import { JobRunner } from '../../src/jobs/runner.js';
import { runPipeline } from '../../src/pipeline/pipeline.js';
import { segmentsOf } from '../helpers/dense-masks.js';
import { EMPTY, FakeSource, fakeEngine } from '../helpers/fakes.js';

let image = '';
beforeAll(async () => {
  const picture = sharp({ create: { width: 4, height: 4, channels: 3, background: 'grey' } });
  image = (await picture.png().toBuffer()).toString('base64');
});

const job = (prompts: Job['prompts'] = []): Job => ({ image, prompts, maskEncoding: 'rle', objects: 'matched' });
const soon = () => new Promise((resolve) => setImmediate(resolve));

function runnerOf(): JobRunner {
  return new JobRunner({
    segmentation: () => SEGMENTATION_DEFAULTS,
    identity: { node: 'n', bootId: '00000000-0000-4000-8000-000000000000', maxPayloadBytes: 100_000 },
  });
}

function opened(engine: SegmentationEngine): JobRunner {
  const jobs = runnerOf();
  jobs.open(engine, new EngineScheduler(engine).gate());
  return jobs;
}

/** One object that covers the frame, of the second of two classes. */
const ONE: Segmented = {
  ...EMPTY,
  segments: { ...segmentsOf(4, 4, [new Array<boolean>(16).fill(true)]), classes: Int32Array.of(1) },
};
const classes = (engine: SegmentationEngine): SegmentationEngine => ({ ...engine, model: { ...engine.model, labels: ['nut', 'bolt'] } });

describe('jobs', () => {
  it('take turns with a camera that always has a frame', async () => {
    const order: string[] = [];
    const network = fakeEngine(() => soon().then(() => EMPTY));
    const engine: SegmentationEngine = {
      ...network,
      segment: (frame, options) => {
        order.push(frame.origin);
        return network.segment(frame, options);
      },
    };
    // One place for frames of which the camera has several: it waits at the gate all the time.
    const scheduler = new EngineScheduler({ depth: 1, msUntilFree: () => 0 });
    const source = new FakeSource(Number.POSITIVE_INFINITY);
    const camera = runPipeline({
      source,
      engine,
      gate: scheduler.gate(),
      segmentation: () => SEGMENTATION_DEFAULTS,
      prompts: () => ({ revision: 1, prompts: [] }),
      deliver: () => {},
    });
    while (source.handedOut.length < 3) await soon();
    const jobs = runnerOf();
    jobs.open(engine, scheduler.gate());
    const results = await Promise.all(Array.from({ length: 8 }, () => jobs.run(job(), 'inspect')));
    await source.stop();
    await camera;
    expect(new Set(results.map(({ seq }) => seq)).size).toBe(8);
    expect(network.most()).toBe(1);
    expect(Math.max(...results.map(({ latencyMs }) => latencyMs.wait))).toBeGreaterThan(0);
    const turns = order.slice(order.indexOf('job'), order.lastIndexOf('job') + 1);
    expect(turns.filter((origin) => origin === 'job')).toHaveLength(8);
    expect(turns.filter((origin, k) => origin === 'job' && turns[k + 1] === 'job')).toEqual([]);
  });

  it('know the labels of the model, and no others', async () => {
    const jobs = opened(classes(fakeEngine(async () => ONE)));
    const { objects, prompts } = await jobs.run(job([{ type: 'label', id: 'b', labels: ['bolt'] }]), 'inspect');
    expect(objects).toMatchObject([{ label: 'bolt', prompts: ['b'] }]);
    expect(prompts).toMatchObject([{ id: 'b', status: 'matched' }]);
    await expect(jobs.run(job([{ type: 'label', labels: ['bolts'] }]), 'inspect')).rejects.toMatchObject({
      code: 'PROMPT_INVALID',
      message: 'prompt "p1": model fake has no label "bolts"; did you mean "bolt"?',
    });
  });

  it('say which model it was, where the engine has several', async () => {
    const small = { name: 'small', backend: 'onnxruntime', inputWidth: 16, inputHeight: 16, labels: ['bolt', 'nut'] } as const;
    const jobs = opened(classes(fakeEngine(async () => ({ ...ONE, model: small }))));
    const { model, prompts } = await jobs.run(job([{ type: 'label', id: 'n', labels: ['nut'] }]), 'inspect');
    expect(model).toEqual({ name: 'small', backend: 'onnxruntime', input: [16, 16] });
    expect(prompts).toMatchObject([{ id: 'n', status: 'matched' }]);
  });

  it('answer a text prompt with pending, and why', async () => {
    const { prompts } = await opened(fakeEngine(async () => ONE)).run(job([{ type: 'text', text: 'a bolt', select: 'all' }]), 'inspect');
    expect(prompts).toMatchObject([{ type: 'text', status: 'pending', reason: 'text prompts are not answered in jobs' }]);
  });

  it('go on after one that the engine failed at, and after one that never got there', async () => {
    const failure = new FastsamError('ENGINE_FAILED', 'the network failed');
    // With one place: a turn that is not given back would stop the next job for ever.
    const jobs = opened(
      fakeEngine(async (sequence) => {
        if (sequence === 0) throw failure;
        return EMPTY;
      }, 1),
    );
    await expect(jobs.run(job(), 'inspect')).rejects.toBe(failure);
    await expect(jobs.run({ ...job(), image: 'aGVsbG8=' }, 'inspect')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    expect(await jobs.run(job(), 'inspect')).toMatchObject({ camera: 'inspect', objects: [] });
  });

  it('tell that the GPU is lost', async () => {
    const loss = new FastsamError('ENGINE_LOST', 'the GPU is gone');
    const jobs = opened(fakeEngine(() => Promise.reject(loss)));
    await expect(jobs.run(job(), 'inspect')).rejects.toBe(loss);
    await expect(jobs.lost).rejects.toBe(loss);
  });

  it('are refused before the model is loaded', async () => {
    await expect(runnerOf().run(job(), 'inspect')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });
});
