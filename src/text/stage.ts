/** Text prompts on the frames of one camera: looks at as many objects as the budget allows, remembers the rest. */

import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame } from '../domain/frame.js';
import type { Prompt } from '../domain/prompt.js';
import type { TextUse } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';
import type { ImageEncoder } from '../engine/clip/encoder.js';
import { messageOf } from '../errors.js';
import type { TextScores } from '../prompt/text.js';
import { ObjectMemory } from './objects.js';
import { type Questions, scoresOf } from './score.js';
import type { TextModel, TextOptions } from './text-model.js';

/** What a camera spends on looking. */
export type LookOptions = Pick<TextOptions, 'background' | 'maxCropsPerFrame' | 'refresh'>;

export interface Seen {
  readonly scores: TextScores;
  readonly use: TextUse;
}

export interface TextStageDeps {
  readonly model: TextModel;
  /** The model's own when absent. */
  readonly options?: LookOptions;
  /** Share of `maxCropsPerFrame` that may be spent at present, 0…1; all of it when absent. */
  readonly share?: () => number;
}

export class TextStage {
  readonly #model: TextModel;
  readonly #options: LookOptions;
  readonly #memory: ObjectMemory;
  readonly #share: () => number;

  constructor({ model, options = model.options, share = () => 1 }: TextStageDeps) {
    this.#model = model;
    this.#options = options;
    this.#share = share;
    this.#memory = new ObjectMemory(options.refresh);
  }

  /**
   * What is known about the objects of a frame, after looking at the most overdue ones. Never fails for want of the text
   * model: then the scores say why. One call at a time, in the order of the frames. `tracks`: [count] ids of the objects, 0: none;
   * absent without tracking.
   */
  async score(frame: Frame, segments: Segments, prompts: readonly Prompt[], tracks?: Uint32Array): Promise<Seen> {
    const questions = this.#model.questions(prompts);
    const { image } = this.#model;
    if ('reason' in questions || !image) return nothingKnown(segments, 'reason' in questions ? questions.reason : 'no image encoder');
    const nowMs = Number(frame.captured.monotonicNs) / 1e6;
    this.#memory.see(segments, nowMs, tracks);
    const due = this.#memory.due(Math.ceil(this.#options.maxCropsPerFrame * this.#share()), nowMs);
    let reason: string | undefined;
    try {
      for (let first = 0; first < due.length; first += image.batch) {
        await this.#lookAt(frame, segments, due.subarray(first, first + image.batch), image, nowMs);
      }
    } catch (error) {
      // The other prompts of this frame have their answers; these keep their last scores and say why.
      reason = messageOf(error);
    }
    return this.#known(questions, nowMs, reason === undefined ? due.length : 0, reason);
  }

  async #lookAt(frame: Frame, segments: Segments, indices: Uint32Array, image: ImageEncoder, nowMs: number): Promise<void> {
    const { size, preprocessing, dimension } = image;
    const { filter, mean, deviation, fill } = preprocessing;
    const { background } = this.#options;
    const options = { size, filter, background, fill, mean, deviation };
    const embeddings = await image.encode(indices.length, (crops) =>
      native().cropBatch(frame.pixels as NativeFrame, segments, indices, options, crops),
    );
    for (const [k, index] of indices.entries()) {
      this.#memory.keep(index, embeddings.slice(k * dimension, (k + 1) * dimension), nowMs);
    }
  }

  #known(questions: Questions, nowMs: number, crops: number, reason: string | undefined): Seen {
    const { current } = this.#memory;
    const agesMs = new Float32Array(current.length).fill(Number.NaN);
    const byPrompt = new Map(
      questions.map(({ id, threshold }) => [id, { scores: new Float32Array(current.length).fill(Number.NaN), threshold }] as const),
    );
    const columns = [...byPrompt.values()].map(({ scores }) => scores);
    let objects = 0;
    let unscored = 0;
    for (const [index, object] of current.entries()) {
      if (!object) continue;
      objects += 1;
      const { look } = object;
      if (!look) {
        unscored += 1;
        continue;
      }
      if (object.scores?.questions !== questions) {
        object.scores = { questions, values: scoresOf(look.embedding, questions, this.#model.scoring) };
      }
      agesMs[index] = nowMs - look.atMs;
      for (const [k, column] of columns.entries()) column[index] = object.scores.values[k]!;
    }
    return {
      scores: { byPrompt, agesMs, unscored, ...(reason === undefined ? {} : { reason }) },
      use: { objects, crops, hits: objects - unscored - crops },
    };
  }
}

function nothingKnown(segments: Segments, reason: string): Seen {
  return {
    scores: { byPrompt: new Map(), agesMs: new Float32Array(segments.count), unscored: segments.count, reason },
    use: { objects: segments.count, crops: 0, hits: 0 },
  };
}
