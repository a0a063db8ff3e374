import { describe, expect, it } from 'vitest';
import { type PromptInput, parsePrompts } from '../../src/domain/prompt.js';
import { answerText } from '../../src/prompt/text.js';
import { compile, type Scoring, scoresOf } from '../../src/text/score.js';

const CLIP: Scoring = { family: 'clip', logitScale: 100, logitBias: 0, threshold: 0.25 };
const SIGLIP: Scoring = { family: 'siglip', logitScale: 10, logitBias: -5, threshold: 0.1 };

const unit = (...values: number[]) => Float32Array.from(values, (value) => value / Math.hypot(...values));
const EMBEDDINGS: Record<string, Float32Array> = { red: unit(1, 0), blue: unit(0, 1), 'a red': unit(3, 4), 'my red': unit(4, 3) };

function score(prompt: PromptInput, embedding: Float32Array, scoring = CLIP) {
  const questions = compile(parsePrompts([prompt]), (sentence) => EMBEDDINGS[sentence], scoring)!;
  return { threshold: questions[0]!.threshold, score: scoresOf(embedding, questions, scoring)[0] };
}

describe('scores of text prompts', () => {
  it('are cosines without negatives', () => {
    expect(score({ type: 'text', text: 'red' }, unit(3, 4))).toEqual({ threshold: 0.25, score: Math.fround(0.6) });
    expect(score({ type: 'text', text: 'red', threshold: -0.5 }, unit(-1, 0))).toEqual({ threshold: -0.5, score: -1 });
  });

  it('are softmax shares with negatives, without overflow', () => {
    const prompt: PromptInput = { type: 'text', text: 'red', negatives: ['blue'] };
    expect(score(prompt, unit(1, 1))).toEqual({ threshold: 0.5, score: 0.5 });
    expect(score(prompt, unit(1, 0)).score).toBe(1);
    expect(score(prompt, unit(0, 1)).score).toBeCloseTo(0, 30);
    const share = 1 / (1 + Math.exp(10 * (0.8 - 0.6)));
    expect(score(prompt, unit(3, 4), { ...CLIP, logitScale: 10 }).score).toBeCloseTo(share, 6);
    expect(score(prompt, unit(0, 1), { ...CLIP, logitScale: 1000 }).score).toBe(0);
  });

  it('are probabilities with SigLIP', () => {
    expect(score({ type: 'text', text: 'red' }, unit(1, 0), SIGLIP)).toEqual({
      threshold: 0.1,
      score: Math.fround(1 / (1 + Math.exp(-5))),
    });
  });

  it('average the templates', () => {
    // (0.6, 0.8) and (0.8, 0.6) average to the diagonal.
    const { score: both } = score({ type: 'text', text: 'red', templates: ['a {}', 'my {}'] }, unit(1, 1));
    expect(both).toBeCloseTo(1, 6);
  });

  it('wait for every text', () => {
    const prompts = parsePrompts([{ type: 'text', text: 'red', negatives: ['green'] }]);
    expect(compile(prompts, (sentence) => EMBEDDINGS[sentence], CLIP)).toBeUndefined();
  });
});

describe('answers of text prompts', () => {
  const [all, best] = parsePrompts(
    [{ type: 'text', text: 'red', id: 'q' }, { type: 'text', text: 'red', id: 'q', select: 'best' } as PromptInput].map((prompt, k) => ({
      ...prompt,
      id: `q${k}`,
    })),
  );
  const known = (scores: number[], unscored = 0) => ({
    byPrompt: new Map(['q0', 'q1'].map((id) => [id, { scores: Float32Array.from(scores), threshold: 0.5 }] as const)),
    agesMs: Float32Array.from(scores, (_, k) => 10 * k),
    unscored,
  });
  type Question = Parameters<typeof answerText>[0];

  it('list every object at or above the threshold, or the best, each with the age of its score', () => {
    const scores = known([0.5, Number.NaN, 0.75, 0.25]);
    expect(answerText(all as Question, scores)).toEqual({
      id: 'q0',
      type: 'text',
      matches: [
        { index: 0, score: 0.5, ageMs: 0 },
        { index: 2, score: 0.75, ageMs: 20 },
      ],
    });
    expect(answerText(best as Question, scores).matches).toEqual([{ index: 2, score: 0.75, ageMs: 20 }]);
  });

  it('tell nothing found from not looked at yet', () => {
    expect(answerText(all as Question, known([0.25]))).toEqual({ id: 'q0', type: 'text', matches: [], bestScore: 0.25 });
    expect(answerText(all as Question, known([0.25, Number.NaN], 1))).toMatchObject({ matches: [], bestScore: 0.25, unscored: 1 });
    expect(answerText(all as Question, known([]))).toEqual({ id: 'q0', type: 'text', matches: [] });
    expect(answerText(all as Question, undefined)).toMatchObject({ matches: [], reason: expect.any(String) });
  });
});
