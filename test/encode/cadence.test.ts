import { describe, expect, it } from 'vitest';
import type { FrameResult } from '../../src/domain/result.js';
import { Cadence, type CadenceOptions } from '../../src/encode/cadence.js';
import { rectangle, segmentsOf } from '../helpers/dense-masks.js';
import { EMPTY } from '../helpers/fakes.js';

function resultOf(sequence: number, changes: Partial<FrameResult> = {}): FrameResult {
  return {
    sequence,
    captured: { wallMs: 0, monotonicNs: 0n },
    origin: 'test',
    model: { name: 'm', backend: 'onnxruntime', inputWidth: 32, inputHeight: 32, labels: [] },
    geometry: EMPTY.geometry,
    segments: EMPTY.segments,
    promptRevision: 1,
    answers: [],
    timings: { wait: 0, preprocess: 0, infer: 0, decode: 0, prompt: 0 },
    dropped: { busy: 1 },
    ...changes,
  };
}

const ALL: CadenceOptions = { everyNth: 1, onChange: false };

/** Sequences that pass, of frames `periodMs` apart. */
function passing(options: Partial<CadenceOptions>, frames: readonly FrameResult[], periodMs = 33): number[] {
  const cadence = new Cadence();
  return frames.flatMap((frame, k) => cadence.admit(frame, { ...ALL, ...options }, k * periodMs)?.sequence ?? []);
}

const thirty = Array.from({ length: 300 }, (_, k) => resultOf(k));

describe('cadence', () => {
  it('lets every Nth through', () => {
    expect(passing({}, thirty)).toHaveLength(300);
    expect(passing({ everyNth: 3 }, thirty).slice(0, 4)).toEqual([0, 3, 6, 9]);
  });

  it.each([1, 10, 20, 29])('keeps to %d a second at 30 frames a second', (maxFps) => {
    const passed = passing({ maxFps }, thirty);
    const seconds = (300 * 33) / 1000;
    expect(passed.length / seconds).toBeGreaterThan(maxFps * 0.95 - 0.1);
    expect(passed.length / seconds).toBeLessThanOrEqual(maxFps + 1 / seconds);
  });

  it('does not make up for a pause with a burst', () => {
    const cadence = new Cadence();
    const times = [0, 10_000, 10_033, 10_066, 10_099, 10_132];
    expect(times.filter((now, k) => cadence.admit(resultOf(k), { ...ALL, maxFps: 10 }, now))).toEqual([0, 10_000, 10_132]);
  });

  it('takes two objects that swap ranks for the same objects', () => {
    const two = (first: number, second: number) => ({
      ...segmentsOf(
        100,
        100,
        [first, second].map((x) => rectangle(100, 100, [x, 0, x + 20, 20])),
      ),
      boxes: Float32Array.of(first, 0, first + 20, 20, second, 0, second + 20, 20),
    });
    const frames = [two(10, 60), two(60, 10), two(60, 11), two(60, 60)].map((segments, k) => resultOf(k, { segments }));
    expect(passing({ onChange: true }, frames)).toEqual([0, 3]);
  });

  it('lets only changes through: objects that came, went or moved, prompts that match or not', () => {
    const at = (x: number) => ({
      ...segmentsOf(100, 100, [rectangle(100, 100, [x, 0, x + 20, 20])]),
      boxes: Float32Array.of(x, 0, x + 20, 20),
    });
    const answer = (matches: number) => [{ id: 'p', type: 'everything' as const, matches: matches ? [{ index: 0, score: 1 }] : [] }];
    const frames = [
      { segments: at(10) },
      { segments: at(11) },
      { segments: at(13) },
      { segments: at(13), answers: answer(0) },
      { segments: at(13), answers: answer(0) },
      { segments: at(13), answers: answer(1) },
      { segments: EMPTY.segments, answers: answer(1) },
    ].map((changes, k) => resultOf(k, changes));
    expect(passing({ onChange: true }, frames)).toEqual([0, 2, 3, 5, 6]);
  });

  it('always lets the first result of a revision through', () => {
    const frames = [1, 1, 2, 2, 3].map((promptRevision, k) => resultOf(k, { promptRevision }));
    expect(passing({ everyNth: 100, maxFps: 0.01, onChange: true }, frames)).toEqual([0, 2, 4]);
  });

  it('accounts for all dropped frames in the results that pass', () => {
    const cadence = new Cadence();
    const passed = thirty.flatMap((frame, k) => cadence.admit(frame, { ...ALL, everyNth: 7 }, k) ?? []);
    expect(passed.slice(0, 3).map(({ dropped }) => dropped)).toEqual([{ busy: 1 }, { busy: 7 }, { busy: 7 }]);
  });
});
