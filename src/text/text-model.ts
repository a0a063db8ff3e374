/** The encoders behind text prompts: loaded when first asked for, shared by all cameras. */
import type { Logger } from 'pino';
import { PROMPT_LIMITS, type Prompt, sentencesOfPrompt } from '../domain/prompt.js';
import type { EncodedText, ImageEncoder, TextEncoder } from '../engine/clip/encoder.js';
import { loadImageEncoder, loadTextEncoder } from '../engine/clip/onnx-encoder.js';
import type { OnnxEngineOptions } from '../engine/onnxruntime/engine.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import { findTextModel } from '../model/text-model.js';
import { Lru } from './lru.js';
import type { RefreshRule } from './objects.js';
import { compile, type Questions, type Scoring } from './score.js';

export interface TextOptions {
  /** Directory of the model, or the name of an installed one; undefined: text prompts are refused. */
  readonly model?: string | undefined;
  readonly family: 'clip' | 'siglip';
  readonly threshold?: number | undefined;
  readonly background: 'mean' | 'keep';
  readonly maxCropsPerFrame: number;
  readonly refresh: RefreshRule;
}

/** The values that a text model was trained with. */
export interface TextPreset {
  /** Tokens that the text encoder reads, where its file leaves the number open. */
  readonly contextLength: number;
  /** The token that fills the context behind the text. */
  readonly padId: number;
  /** Factor of a cosine before softmax (negatives) or sigmoid (siglip). */
  readonly logitScale: number;
  /** Added before the sigmoid (siglip). */
  readonly logitBias: number;
  /** Least score of a match where neither the prompt nor the configuration says. */
  readonly threshold: number;
}

/** Of the published models of either family: openai/clip-vit-base-patch32, google/siglip-base-patch16-224. */
const PRESETS: Record<TextOptions['family'], TextPreset> = {
  clip: { contextLength: 77, padId: 0, logitScale: 100, logitBias: 0, threshold: 0.25 },
  siglip: { contextLength: 64, padId: 1, logitScale: 117.33, logitBias: -12.93, threshold: 0.1 },
};

/** The configuration's defaults, for commands without one. */
export const TEXT_DEFAULTS = {
  family: 'clip',
  background: 'mean',
  maxCropsPerFrame: 4,
  refresh: { iou: 0.7, area: 0.3, ageMs: 2000 },
} as const;

export interface TextModelDeps {
  readonly options: TextOptions;
  /** The family's, when absent. */
  readonly preset?: TextPreset;
  readonly onnxruntime?: OnnxEngineOptions;
  readonly log?: Pick<Logger, 'info' | 'warn'>;
}

interface Encoders {
  readonly image: ImageEncoder;
  readonly text: TextEncoder;
}

export class TextModel {
  readonly scoring: Scoring;
  readonly options: TextOptions;
  readonly #deps: TextModelDeps;
  readonly #preset: TextPreset;
  /** By sentence. Room for two prompt sets: the old one stays in force while the next is prepared. */
  readonly #embeddings = new Lru<EncodedText>(2 * PROMPT_LIMITS.texts);
  #loading: Promise<Encoders> | undefined;
  #encoders: Encoders | undefined;
  #stopped = false;
  #problem: string | undefined;
  /** Prompt sets that are being prepared without anybody waiting. */
  readonly #background = new WeakSet<readonly Prompt[]>();
  readonly #compiled = new WeakMap<readonly Prompt[], Questions>();

  constructor(deps: TextModelDeps) {
    this.#deps = deps;
    this.options = deps.options;
    const { family, threshold } = deps.options;
    this.#preset = deps.preset ?? PRESETS[family];
    const { logitScale, logitBias } = this.#preset;
    this.scoring = { family, logitScale, logitBias, threshold: threshold ?? this.#preset.threshold };
  }

  /**
   * Loads the model unless it is there and encodes every text of the prompts that is not known yet; returns at once when
   * there is none. Errors: TEXT_UNAVAILABLE (no model, or it can not be loaded), PROMPT_INVALID (a text is too long).
   */
  async prepare(prompts: readonly Prompt[]): Promise<void> {
    const sentences = [...new Set(prompts.flatMap((prompt) => (prompt.type === 'text' ? sentencesOfPrompt(prompt) : [])))];
    if (sentences.length === 0) return;
    const { text } = await this.#load();
    const unknown = sentences.filter((sentence) => this.#embeddings.get(sentence) === undefined);
    if (unknown.length > 0) {
      const encoded = await text.encode(unknown).catch((cause: unknown) => this.#giveUp(cause));
      for (const [k, sentence] of unknown.entries()) this.#embeddings.set(sentence, encoded[k]!);
    }
    for (const prompt of prompts) {
      if (prompt.type !== 'text') continue;
      const long = sentencesOfPrompt(prompt).find((sentence) => (this.#embeddings.get(sentence)?.tokens ?? 0) > text.contextLength);
      if (long === undefined) continue;
      const tokens = this.#embeddings.get(long)?.tokens;
      const shown = long.length > 40 ? `${long.slice(0, 40)}…` : long;
      throw new FastsamError(
        'PROMPT_INVALID',
        `prompt "${prompt.id}": "${shown}" is ${tokens} tokens long, the text model reads ${text.contextLength}; use fewer words`,
      );
    }
    this.#problem = undefined;
  }

  /** The questions of a prompt set, or why they cannot be asked yet; then preparing them begins. Never waits. */
  questions(prompts: readonly Prompt[]): Questions | { readonly reason: string } {
    const known = this.#compiled.get(prompts);
    if (known && this.#encoders) return known;
    const compiled = this.#encoders && compile(prompts, (sentence) => this.#embeddings.get(sentence)?.embedding, this.scoring);
    if (compiled) {
      this.#compiled.set(prompts, compiled);
      return compiled;
    }
    if (!this.#background.has(prompts)) {
      this.#background.add(prompts);
      this.prepare(prompts).catch((error: unknown) => {
        this.#problem = messageOf(error);
        this.#deps.log?.warn({ reason: this.#problem }, 'text prompts cannot be answered');
      });
    }
    return { reason: this.#problem ?? 'the text model is being loaded' };
  }

  /** The image encoder; present once questions are. */
  get image(): ImageEncoder | undefined {
    return this.#encoders?.image;
  }

  /** Frees the encoders. May be called twice, and while they are being loaded. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const encoders = await this.#loading?.catch(() => undefined);
    await Promise.all([encoders?.image.stop(), encoders?.text.stop()]);
  }

  async #load(): Promise<Encoders> {
    if (this.#stopped) throw new FastsamError('MISUSE', 'the text model has been stopped');
    this.#loading ??= this.#open();
    try {
      this.#encoders = await this.#loading;
      return this.#encoders;
    } catch (cause) {
      // The next prompt tries again: the model may have been installed meanwhile.
      this.#loading = undefined;
      if (isFastsamError(cause, 'TEXT_UNAVAILABLE')) throw cause;
      throw new FastsamError('TEXT_UNAVAILABLE', `the text model cannot be used: ${messageOf(cause)}`, { cause });
    }
  }

  /** A text encoder that failed may have been ended: the next prompts load both again. */
  async #giveUp(cause: unknown): Promise<never> {
    const encoders = this.#encoders;
    this.#loading = undefined;
    this.#encoders = undefined;
    await Promise.all([encoders?.image.stop(), encoders?.text.stop()]);
    throw new FastsamError('TEXT_UNAVAILABLE', `the texts cannot be encoded: ${messageOf(cause)}`, { cause });
  }

  async #open(): Promise<Encoders> {
    const { model } = this.options;
    const { contextLength, padId } = this.#preset;
    if (model === undefined) {
      throw new FastsamError('TEXT_UNAVAILABLE', 'text prompts need a text model; name one in the configuration (text.model)');
    }
    const begin = performance.now();
    const files = await findTextModel(model);
    const { onnxruntime = {}, log } = this.#deps;
    const opened = await Promise.allSettled([
      loadImageEncoder(files, onnxruntime),
      loadTextEncoder(files, { ...onnxruntime, contextLength, padId }),
    ]);
    const [image, text] = opened;
    if (image.status === 'fulfilled' && text.status === 'fulfilled' && image.value.dimension === text.value.dimension) {
      log?.info({ model, ms: Math.round(performance.now() - begin) }, `text model ${model} loaded`);
      return { image: image.value, text: text.value };
    }
    for (const each of opened) if (each.status === 'fulfilled') await each.value.stop();
    for (const each of opened) if (each.status === 'rejected') throw each.reason;
    throw new FastsamError('MODEL_UNSUPPORTED', `${files.directory}: its text and image embeddings differ in length`);
  }
}
