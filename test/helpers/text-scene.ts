/** Pictures of coloured parts, and text prompts asked on them: crops, encoders, memory and answers together. */
import type { PixelFormat } from '../../src/domain/frame.js';
import { type PromptInput, parsePrompts } from '../../src/domain/prompt.js';
import { applyPrompts } from '../../src/prompt/apply.js';
import { TextStage } from '../../src/text/stage.js';
import { TextModel, type TextOptions, type TextPreset } from '../../src/text/text-model.js';
import { frameOfParts, type Part, segmentsOfParts } from './parts.js';

/** Everything is looked at, and again after a second. */
export const OPTIONS: TextOptions = {
  family: 'clip',
  background: 'mean',
  maxCropsPerFrame: 1000,
  refresh: { iou: 0.7, area: 0.3, ageMs: 1000 },
};

/** A model with these options, and its family's preset where none is given, for as long as `use` takes. */
export async function withModel<T>(
  { preset, ...options }: Partial<TextOptions> & { preset?: TextPreset },
  use: (model: TextModel) => Promise<T>,
): Promise<T> {
  const model = new TextModel({ options: { ...OPTIONS, ...options }, onnxruntime: { threads: 1 }, ...(preset && { preset }) });
  try {
    return await use(model);
  } finally {
    await model.stop();
  }
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly parts: readonly Part[];
  readonly format?: PixelFormat;
  readonly atMs?: number;
}

/** One frame at the stage: answers, and what they cost. */
export async function ask(
  model: TextModel,
  stage: TextStage,
  { width, height, parts, format, atMs }: Scene,
  prompts: ReturnType<typeof parsePrompts>,
) {
  using frame = frameOfParts(width, height, parts, atMs, format);
  const segments = segmentsOfParts(width, height, parts);
  const { scores, use } = await stage.score(frame, segments, prompts);
  return { answers: applyPrompts(segments, prompts, { text: scores }), use, model };
}

/** Answers on one scene with everything looked at. */
export async function answer(model: TextModel, scene: Scene, ...inputs: PromptInput[]) {
  const prompts = parsePrompts(inputs);
  await model.prepare(prompts);
  const { answers } = await ask(model, new TextStage({ model }), scene, prompts);
  return answers;
}

/** Which objects each answer names. */
export const indices = (answers: Awaited<ReturnType<typeof answer>>) => answers.map(({ matches }) => matches.map(({ index }) => index));
