import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/domain/frame.js';
import type { FrameResult } from '../../src/domain/result.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import { segmentFrames } from '../../src/pipeline/segment-frames.js';
import { latest, type ResultSink, Sinks } from '../../src/pipeline/sinks.js';
import { EMPTY, FakeFrame, FakeSource, fakeEngine } from '../helpers/fakes.js';

const resultOf = (frame: Frame) => ({ sequence: frame.sequence }) as FrameResult;

describe('latest', () => {
  it('never makes the pipeline wait: the newest result replaces the one that waits, and every frame is released once', async () => {
    const taken: number[] = [];
    const free: (() => void)[] = [];
    let drops = 0;
    let closed = 0;
    const slow: ResultSink = {
      take: (result) =>
        new Promise((resolve) => {
          taken.push(result.sequence);
          free.push(resolve);
        }),
      close: async () => {
        closed += 1;
      },
    };
    const sink = latest(slow, () => {
      drops += 1;
    });
    const frames = Array.from({ length: 5 }, (_, k) => new FakeFrame(k));
    for (const frame of frames) {
      expect(sink.take(resultOf(frame), frame)).toBeUndefined();
      frame[Symbol.dispose]();
    }
    expect(taken).toEqual([0]);
    expect(drops).toBe(3);
    free.shift()!();
    await tick();
    expect(taken).toEqual([0, 4]);
    const closing = sink.close!();
    expect(closed).toBe(0);
    free.shift()!();
    await closing;
    expect(closed).toBe(1);
    await sink.take(resultOf(frames[0]!), frames[0]!);
    expect(taken).toEqual([0, 4]);
    expect(frames.map(({ released }) => released)).toEqual([1, 1, 1, 1, 1]);
  });

  it('tells the error of a sink, and goes on', async () => {
    const told: unknown[] = [];
    const taken: number[] = [];
    const sink = latest(
      {
        take: ({ sequence }) => {
          taken.push(sequence);
          if (sequence === 0) throw new Error('disk full');
        },
      },
      (error) => told.push(error),
    );
    for (const k of [0, 1]) {
      const frame = new FakeFrame(k);
      await sink.take(resultOf(frame), frame);
      await tick();
    }
    expect(taken).toEqual([0, 1]);
    expect(told).toEqual([new Error('disk full')]);
  });
});

describe('sinks', () => {
  it('come and go while results arrive', async () => {
    const sinks = new Sinks();
    const seen: string[] = [];
    const named = (name: string): ResultSink => ({
      take: ({ sequence }) => void seen.push(`${name}${sequence}`),
      close: async () => void seen.push(`${name} closed`),
    });
    const take = (k: number) => sinks.take(resultOf(new FakeFrame(k)), new FakeFrame(k));
    await take(0);
    const end = sinks.add(named('a'));
    sinks.add(named('b'));
    await take(1);
    await end();
    await end();
    await take(2);
    await sinks.close();
    await take(3);
    expect(seen).toEqual(['a1', 'b1', 'a closed', 'b2', 'b closed']);
  });
});

describe('segmentFrames', () => {
  const options = { segmentation: () => SEGMENTATION_DEFAULTS };

  it('releases everything and stops the source when the consumer leaves early', async () => {
    const source = Object.assign(new FakeSource(100), {
      discarded: [] as string[],
      discard(reason: string) {
        this.discarded.push(reason);
      },
    });
    const seen: number[] = [];
    for await (const { frame } of segmentFrames(
      source,
      fakeEngine(async () => EMPTY),
      options,
    )) {
      seen.push(frame.sequence);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([0, 1, 2]);
    expect(source.stops).toBe(1);
    expect(source.handedOut.every(({ released }) => released === 1)).toBe(true);
    // Two were used to the end; the third and those behind it came to nothing, and are accounted for.
    expect(source.discarded).toEqual(Array.from({ length: source.handedOut.length - 2 }, () => 'failed'));
  });

  it('leaves a frame to a consumer who retains it', async () => {
    const source = new FakeSource(2);
    const kept: Frame[] = [];
    for await (const { frame } of segmentFrames(
      source,
      fakeEngine(async () => EMPTY),
      options,
    ))
      kept.push(frame.retain());
    expect(source.handedOut.map(({ released }) => released)).toEqual([0, 0]);
    for (const frame of kept) frame[Symbol.dispose]();
    expect(source.handedOut.map(({ released }) => released)).toEqual([1, 1]);
  });
});
