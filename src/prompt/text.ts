/** From scores of objects against texts to answers; pure. */
import type { PromptAnswer, PromptMatch } from '../domain/answer.js';
import type { LabelPrompt, Prompt } from '../domain/prompt.js';
import type { Segments } from '../domain/segments.js';

/** What is known about the objects of one frame, for all of its text prompts. */
export interface TextScores {
  /** By prompt id: [objects] scores, NaN where nothing is known, and the score that a match needs. */
  readonly byPrompt: ReadonlyMap<string, { readonly scores: Float32Array; readonly threshold: number }>;
  /** [objects] milliseconds since each was looked at; 0 for this frame. */
  readonly agesMs: Float32Array;
  /** Objects that are large enough and have not been scored yet. */
  readonly unscored: number;
  /** Why nothing, or nothing new, can be known at present. */
  readonly reason?: string;
}

type TextQuestion = Extract<Prompt, { type: 'text' }>;

/** All objects that score at least the threshold, or the best of them. */
export function answerText({ id, type, select }: TextQuestion, known: TextScores | undefined): PromptAnswer {
  const entry = known?.byPrompt.get(id);
  const state = { ...(known?.unscored ? { unscored: known.unscored } : {}), ...(known?.reason ? { reason: known.reason } : {}) };
  if (!known || !entry) return { id, type, matches: [], reason: known?.reason ?? 'nothing here can answer text prompts' };
  const { scores, threshold } = entry;
  let best: PromptMatch | undefined;
  const matches: PromptMatch[] = [];
  for (const [index, score] of scores.entries()) {
    if (Number.isNaN(score)) continue;
    const match = { index, score, ageMs: known.agesMs[index]! };
    if (!best || score > best.score) best = match;
    if (score >= threshold) matches.push(match);
  }
  if (matches.length > 0) return { id, type, matches: select === 'best' ? [best!] : matches, ...state };
  return { id, type, matches, ...(best ? { bestScore: best.score } : {}), ...state };
}

/** All objects of the named classes, with their own scores. */
export function answerLabel(segments: Segments, { id, type, labels }: LabelPrompt, names: readonly string[]): PromptAnswer {
  const wanted = new Set(labels.map((label) => names.indexOf(label)));
  const matches: PromptMatch[] = [];
  for (let index = 0; index < segments.count; index += 1) {
    if (wanted.has(segments.classes[index]!)) matches.push({ index, score: segments.scores[index]! });
  }
  return matches.length > 0 ? { id, type, matches } : { id, type, matches, bestScore: 0 };
}
