import { describe, expect, it } from 'vitest';
import { summaryMessageSchema } from '../../src/contract/summary.js';
import type { PromptAnswer } from '../../src/domain/answer.js';
import { PROMPT_LIMITS } from '../../src/domain/prompt.js';
import type { FrameResult } from '../../src/domain/result.js';
import { summaryOf } from '../../src/encode/summary.js';
import { EMPTY } from '../helpers/fakes.js';

function answer(id: string, matches: number, changes: Partial<PromptAnswer> = {}): PromptAnswer {
  return { id, type: 'box', matches: Array.from({ length: matches }, (_, index) => ({ index, score: 0.5 })), ...changes };
}

function resultWith(answers: readonly PromptAnswer[], changes: Partial<FrameResult> = {}): FrameResult {
  return {
    sequence: 1042,
    captured: { wallMs: 1763805600123.4, monotonicNs: 0n },
    origin: 'test',
    model: { name: 'm', backend: 'onnxruntime', inputWidth: 32, inputHeight: 32, labels: [] },
    geometry: EMPTY.geometry,
    segments: EMPTY.segments,
    promptRevision: 3,
    answers,
    timings: { wait: 0, preprocess: 0, infer: 0, decode: 0, prompt: 0 },
    dropped: { busy: 1 },
    ...changes,
  };
}

describe('a summary', () => {
  it('says per prompt how many objects match, in the order of the prompts', () => {
    const pending = answer('d', 0, { type: 'text', unscored: 4 });
    expect(summaryOf(resultWith([answer('a', 2), answer('b', 0), answer('c', 14), pending]), false)).toEqual({
      v: 1,
      seq: 1042,
      at: 1763805600123,
      revision: 3,
      found: 0,
      answers: '209-',
    });
  });

  it('says that the node has turned something down, and has no answers without prompts', () => {
    expect(summaryOf(resultWith([]), true)).toMatchObject({ answers: '', degraded: true });
  });

  it.each([
    [40, 150],
    [PROMPT_LIMITS.prompts, 210],
  ])('with %i prompts stays within %i bytes after years of frames', (prompts, bytes) => {
    const result = resultWith(
      Array.from({ length: prompts }, (_, k) => answer(`p${k}`, 1)),
      { sequence: 9_999_999_999, promptRevision: 999_999, segments: { ...EMPTY.segments, count: 1000 } },
    );
    const summary = summaryOf(result, true);
    expect(summaryMessageSchema.parse(summary)).toEqual(summary);
    expect(Buffer.byteLength(JSON.stringify(summary))).toBeLessThanOrEqual(bytes);
  });
});
