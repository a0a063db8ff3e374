import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/domain/frame.js';
import type { FrameResult } from '../../src/domain/result.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import type { SegmentationEngine, Segmented } from '../../src/engine/engine.js';
import { runPipeline } from '../../src/pipeline/pipeline.js';
import { segmentsOf } from '../helpers/dense-masks.js';
import { EMPTY, FakeFrame, FakeSource, fakeEngine } from '../helpers/fakes.js';

function run(
  source: FakeSource,
  engine: SegmentationEngine,
  deliver: (result: FrameResult) => void | Promise<void> = () => {},
  revision = () => 1,
) {
  return runPipeline({
    source,
    engine,
    segmentation: () => SEGMENTATION_DEFAULTS,
    prompts: () => ({ revision: revision(), prompts: [] }),
    deliver,
  });
}

describe('the pipeline', () => {
  it('delivers every frame once, in order, however the network finishes them', async () => {
    const waiting: (() => void)[] = [];
    const engine = fakeEngine(() => new Promise<Segmented>((resolve) => waiting.push(() => resolve(EMPTY))));
    const source = new FakeSource(20);
    const seen: number[] = [];
    const done = run(source, engine, (result) => void seen.push(result.sequence));
    while (seen.length < 20) {
      // The newest first: the worst order there is.
      waiting.pop()?.();
      await tick();
    }
    await done;
    expect(seen).toEqual(Array.from({ length: 20 }, (_, k) => k));
    expect(source.handedOut.every((frame) => frame.released === 1)).toBe(true);
  });

  it('overlaps as many frames as the engine has places, and no more', async () => {
    const engine = fakeEngine(async () => {
      await tick();
      return EMPTY;
    }, 3);
    await run(new FakeSource(30), engine);
    expect(engine.most()).toBe(3);
  });

  it('goes on after a frame that the network or the delivery cannot take, where it may', async () => {
    const source = new FakeSource(6);
    const seen: number[] = [];
    const failures: unknown[] = [];
    const pipeline = (skip: boolean) =>
      runPipeline({
        source,
        engine: fakeEngine(async (sequence) => {
          if (sequence === 1) throw new Error('odd for the network');
          return EMPTY;
        }),
        segmentation: () => SEGMENTATION_DEFAULTS,
        prompts: () => ({ revision: 1, prompts: [] }),
        skipFailed: (error) => {
          failures.push(error);
          return skip;
        },
        deliver: ({ sequence }) => {
          if (sequence === 3) throw new Error('odd for the delivery');
          seen.push(sequence);
        },
      });
    await pipeline(true);
    expect(seen).toEqual([0, 2, 4, 5]);
    expect(failures).toEqual([new Error('odd for the network'), new Error('odd for the delivery')]);
    expect(source.handedOut.every((frame) => frame.released === 1)).toBe(true);
  });

  it('waits for a slow consumer instead of piling up', async () => {
    const source = new FakeSource(1000);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const done = run(
      source,
      fakeEngine(async () => EMPTY),
      () => held,
    );
    for (let k = 0; k < 50; k += 1) await tick();
    expect(source.handedOut.length).toBeLessThanOrEqual(4);
    release();
    await done;
    expect(source.handedOut.length).toBe(1000);
  });

  it('takes the prompts at each frame boundary, in order', async () => {
    let revision = 0;
    const seen: number[] = [];
    await run(
      new FakeSource(5),
      fakeEngine(async () => EMPTY),
      (result) => void seen.push(result.promptRevision),
      () => {
        revision += 1;
        return revision;
      },
    );
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('looks labels up in the model that a frame was segmented with, where the engine has several', async () => {
    const model = (...labels: string[]) =>
      ({ name: labels.join(), backend: 'onnxruntime', inputWidth: 32, inputHeight: 32, labels }) as const;
    const segments = { ...segmentsOf(4, 4, [new Array<boolean>(16).fill(true)]), classes: Int32Array.of(0) };
    const engine = fakeEngine(async (sequence) => ({ ...EMPTY, segments, ...(sequence === 1 && { model: model('bolt', 'nut') }) }));
    const seen: number[] = [];
    await runPipeline({
      source: new FakeSource(2),
      engine: { ...engine, model: model('nut', 'bolt') },
      segmentation: () => SEGMENTATION_DEFAULTS,
      prompts: () => ({ revision: 1, prompts: [{ id: 'n', type: 'label', labels: ['nut'] }] }),
      deliver: ({ answers: [answer] }) => void seen.push(answer!.matches.length),
    });
    expect(seen).toEqual([1, 0]);
  });

  it('tells each drop once', async () => {
    const source = new FakeSource(3);
    const totals = [{ busy: 2 }, { busy: 2 }, { busy: 5, corrupt: 1 }];
    const seen: Record<string, number>[] = [];
    await run(
      source,
      fakeEngine(async (sequence) => {
        await tick();
        source.drops = totals[sequence]!;
        return EMPTY;
      }, 1),
      (result) => void seen.push(result.dropped),
    );
    expect(seen).toEqual([{ busy: 2 }, {}, { busy: 3, corrupt: 1 }]);
  });

  it('segments what a live camera sees when its turn comes, not what it saw when it joined the queue', async () => {
    const newer: FakeFrame[] = [];
    const source = Object.assign(new FakeSource(3, true), {
      async newest(frame: Frame): Promise<Frame> {
        frame[Symbol.dispose]();
        newer.push(new FakeFrame(frame.sequence + 100));
        return newer.at(-1)!;
      },
    });
    const segmented: number[] = [];
    const engine = fakeEngine(async (sequence) => {
      segmented.push(sequence);
      return EMPTY;
    });
    await run(source, engine);
    expect(segmented).toEqual([100, 101, 102]);
    for (const frame of [...source.handedOut, ...newer]) expect(frame.released).toBe(1);
  });

  it.each<[string, () => [FakeSource, SegmentationEngine, (result: FrameResult) => void], string, number]>([
    ['source', () => [new FakeSource(10, false, 4), fakeEngine(async () => EMPTY), () => {}], 'the camera broke', 4],
    [
      'engine',
      () => [
        new FakeSource(10),
        fakeEngine(async (sequence) => {
          if (sequence === 4) throw new Error('no memory');
          return EMPTY;
        }),
        () => {},
      ],
      'no memory',
      4,
    ],
    [
      'consumer',
      () => [
        new FakeSource(10),
        fakeEngine(async () => EMPTY),
        (result) => {
          if (result.sequence === 4) throw new Error('disk full');
        },
      ],
      'disk full',
      4,
    ],
  ])('ends with the first error of the %s, everything released and nothing delivered after it', async (_, make, message, delivered) => {
    const [source, engine, consume] = make();
    const seen: number[] = [];
    const deliver = (result: FrameResult) => {
      consume(result);
      seen.push(result.sequence);
    };
    await expect(run(source, engine, deliver)).rejects.toThrow(message);
    expect(seen).toEqual(Array.from({ length: delivered }, (__, k) => k));
    expect(source.handedOut.every((frame) => frame.released === 1)).toBe(true);
  });

  it('measures the time from capture to the network as wait', async () => {
    let wait = -1;
    await run(
      new FakeSource(1, true),
      fakeEngine(async () => EMPTY),
      (result) => {
        wait = result.timings.wait;
      },
    );
    expect(wait).toBeGreaterThanOrEqual(0);
  });
});
