/** How well an object's embedding fits the text prompts of a set; pure. Embeddings are of unit length. */
import { type Prompt, sentencesOf, type TextPrompt } from '../domain/prompt.js';

/** How a model's cosines become scores. */
export interface Scoring {
  /**
   * clip: the cosine itself. siglip: the probability sigmoid(logitScale · cosine + logitBias). With negatives either is
   * the softmax of logitScale · cosine over the text and its negatives.
   */
  readonly family: 'clip' | 'siglip';
  readonly logitScale: number;
  readonly logitBias: number;
  /** Least score of a match without negatives, where the prompt does not say. */
  readonly threshold: number;
}

/** The text has to be likelier than all its negatives together. */
const THRESHOLD_WITH_NEGATIVES = 0.5;

/** A text prompt with embeddings in place of texts. */
interface Question {
  readonly id: string;
  readonly threshold: number;
  readonly positive: Float32Array;
  readonly negatives: readonly Float32Array[];
}

export type Questions = readonly Question[];

/**
 * The text prompts of a set, in order. `embeddingOf` knows every sentence; those of several templates are averaged, as
 * in CLIP's prompt ensembles. Undefined when one is not known.
 */
export function compile(
  prompts: readonly Prompt[],
  embeddingOf: (sentence: string) => Float32Array | undefined,
  scoring: Scoring,
): Questions | undefined {
  const questions: Question[] = [];
  for (const prompt of prompts) {
    if (prompt.type !== 'text') continue;
    const { text, negatives = [] }: TextPrompt = prompt;
    const [positive, ...others] = [text, ...negatives].map((words) => {
      const parts = sentencesOf(words, prompt.templates).map(embeddingOf);
      return parts.every((part) => part !== undefined) ? meanDirection(parts) : undefined;
    });
    if (!positive || others.some((other) => !other)) return undefined;
    const threshold = prompt.threshold ?? (negatives.length > 0 ? THRESHOLD_WITH_NEGATIVES : scoring.threshold);
    questions.push({ id: prompt.id, threshold, positive, negatives: others as Float32Array[] });
  }
  return questions;
}

function meanDirection(vectors: readonly Float32Array[]): Float32Array {
  const [first, ...others] = vectors;
  if (others.length === 0) return first!;
  const sum = Float32Array.from(first!, (value, i) => others.reduce((total, vector) => total + vector[i]!, value));
  const length = Math.sqrt(dot(sum, sum)) || 1;
  return sum.map((value) => value / length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

/** [questions] the scores of one object. */
export function scoresOf(embedding: Float32Array, questions: Questions, scoring: Scoring): Float32Array {
  return Float32Array.from(questions, ({ positive, negatives }) => {
    const cosine = dot(embedding, positive);
    if (negatives.length > 0) {
      // Softmax with the text's own logit taken out: no overflow for the winner, infinity (score 0) for a hopeless loser.
      const others = negatives.reduce((sum, negative) => sum + Math.exp(scoring.logitScale * (dot(embedding, negative) - cosine)), 0);
      return 1 / (1 + others);
    }
    if (scoring.family === 'clip') return cosine;
    return 1 / (1 + Math.exp(-(scoring.logitScale * cosine + scoring.logitBias)));
  });
}
