/** What prompts answer about the objects of one picture, above a confidence. */
import { z } from 'zod';
import { firstProblem } from '../contract/problem.js';
import type { Frame } from '../domain/frame.js';
import { type Prompt, promptSetSchema, withIds } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';
import { FastsamError } from '../errors.js';
import type { TextScorer } from '../pipeline/analyse.js';
import { applyPrompts } from '../prompt/apply.js';
import { assertInFrame } from '../prompt/frame-check.js';
import { assertLabels } from '../prompt/label-check.js';

/** Objects from here on come with a photo; the slider of the page then needs no server. */
export const LOWEST_CONF = 0.05;
export const DEFAULT_IOU = 0.7;

export const askSchema = z.strictObject({
  prompts: promptSetSchema.default([]),
  conf: z.number().min(LOWEST_CONF).max(1).default(0.4),
  /** Of non-maximum suppression; segments again where it differs. */
  iou: z.number().min(0.1).max(1).optional(),
});
export type Ask = z.output<typeof askSchema>;

/** The body of a request. Errors: REQUEST_INVALID, PROMPT_INVALID. */
export function parsed<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  throw firstProblem(result.error.issues, body);
}

/** Segments pictures that are no camera's, and scores their objects against texts. */
export interface PictureSegmenter {
  /** Errors: ENGINE_UNAVAILABLE before the model is loaded; those of the engine. */
  segment(frame: Frame, options: { readonly conf: number; readonly iou: number }): Promise<FrameResult>;
  readonly text: {
    /** Makes text prompts ready to be scored. Errors: PROMPT_INVALID, TEXT_UNAVAILABLE without a text model. */
    prepare(prompts: readonly Prompt[]): Promise<void>;
    /** Looks at every object. `remembers`: what was looked at once is not looked at again, for one picture that is asked about often. */
    scorer(options: { readonly remembers: boolean }): TextScorer;
  };
  readonly identity: { readonly node: string; readonly bootId: string };
}

/**
 * The result with the objects above `conf`, and the answers of the prompts on them. Indices stay: objects are in descending score.
 * Errors: PROMPT_INVALID, TEXT_UNAVAILABLE.
 */
export async function answered(
  frame: Frame,
  result: FrameResult,
  { conf, prompts: inputs }: Ask,
  text: { readonly segmenter: PictureSegmenter; readonly scorer: TextScorer },
): Promise<FrameResult> {
  const prompts = withIds(inputs);
  const { width, height, scores } = result.segments;
  assertLabels(prompts, result.model);
  assertInFrame(prompts, 'the picture', { width, height });
  const count = scores.findIndex((score) => score <= conf);
  const segments = firstObjects(result.segments, count < 0 ? scores.length : count);
  const known = prompts.some(({ type }) => type === 'text') ? await scoresOf(frame, segments, prompts, text) : {};
  return { ...result, segments, answers: applyPrompts(segments, prompts, { labels: result.model.labels, ...known }) };
}

async function scoresOf(
  frame: Frame,
  segments: Segments,
  prompts: readonly Prompt[],
  { segmenter, scorer }: { readonly segmenter: PictureSegmenter; readonly scorer: TextScorer },
): Promise<{ text: Awaited<ReturnType<TextScorer['score']>>['scores'] }> {
  await segmenter.text.prepare(prompts);
  return { text: (await scorer.score(frame, segments, prompts)).scores };
}

/** The surest `count` objects, over the same memory. */
function firstObjects(segments: Segments, count: number): Segments {
  const { width, height, boxes, scores, classes, areas, runs, offsets } = segments;
  return {
    count,
    width,
    height,
    boxes: boxes.subarray(0, 4 * count),
    scores: scores.subarray(0, count),
    classes: classes.subarray(0, count),
    areas: areas.subarray(0, count),
    runs: runs.subarray(0, 2 * offsets[count]!),
    offsets: offsets.subarray(0, count + 1),
  };
}

/** Errors: REQUEST_FORBIDDEN for viewers, before the body is read. */
export async function demandOperator({ user }: { readonly user: { readonly role: string } }): Promise<void> {
  if (user.role === 'viewer') throw new FastsamError('REQUEST_FORBIDDEN', 'pictures: expected the role operator, got viewer');
}
