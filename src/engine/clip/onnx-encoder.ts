import { compiledModule } from '../../compiled.js';
import { TEXT_TIMEOUT_MS } from '../../domain/limits.js';
import { FastsamError } from '../../errors.js';
import type { Preprocessing, TextModelFiles } from '../../model/text-model.js';
import { WorkerClient } from '../../worker/client.js';
import type { OnnxEngineOptions } from '../onnxruntime/engine.js';
import { Slots } from '../slots.js';
import type { EncodedText, ImageEncoder, TextEncoder } from './encoder.js';
import type { TextCalls, TextLoaded, TextSettings, VisionCalls, VisionLoaded, VisionSettings } from './encoder-protocol.js';

export interface TextEncoderOptions extends OnnxEngineOptions {
  /** Tokens for models that take any number of them. */
  readonly contextLength: number;
  /** Token that fills the rest: 0 for CLIP, 1 for SigLIP. */
  readonly padId: number;
  /** For one call; a tokenizer's pattern may take hours on some texts. */
  readonly timeoutMs?: number;
}

/** Crops per inference: bounds the memory of a budget without bounds. */
const BATCH = 16;
/** One batch is cropped while another is encoded. */
const BATCHES_IN_FLIGHT = 2;

class OnnxImageEncoder implements ImageEncoder {
  readonly batch = BATCH;
  readonly size: number;
  readonly dimension: number;
  readonly #crops: VisionLoaded['crops'];
  readonly #places: Slots<number>;

  constructor(
    { size, dimension, crops }: VisionLoaded,
    readonly preprocessing: Preprocessing,
    private readonly client: WorkerClient<VisionCalls>,
  ) {
    this.size = size;
    this.dimension = dimension;
    this.#crops = crops;
    this.#places = new Slots(crops.map((_, place) => place));
  }

  async encode(count: number, fill: (crops: Float32Array) => Promise<void>): Promise<Float32Array> {
    if (count > BATCH) throw new FastsamError('MISUSE', `expected at most ${BATCH} crops, got ${count}`);
    const place = await this.#places.take();
    try {
      await fill(this.#crops[place]!);
      return await this.client.call('encode', { place, count });
    } finally {
      this.#places.give(place);
    }
  }

  stop(): Promise<void> {
    return this.client.stop();
  }
}

class OnnxTextEncoder implements TextEncoder {
  constructor(
    readonly dimension: number,
    readonly contextLength: number,
    private readonly client: WorkerClient<TextCalls>,
    private readonly timeoutMs: number,
  ) {}

  async encode(texts: readonly string[]): Promise<EncodedText[]> {
    const { embeddings, tokens } = await this.client.call('encode', { texts }, { timeoutMs: this.timeoutMs });
    return tokens.map((count, k) => ({ embedding: embeddings.slice(k * this.dimension, (k + 1) * this.dimension), tokens: count }));
  }

  stop(): Promise<void> {
    return this.client.stop();
  }
}

/**
 * Loads an image encoder and runs it once, in a separate thread.
 * Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED, ENGINE_UNAVAILABLE.
 */
export async function loadImageEncoder(
  { visionModel, preprocessing }: TextModelFiles,
  { providers = ['cpu'], threads = 0 }: OnnxEngineOptions = {},
): Promise<ImageEncoder> {
  const settings: VisionSettings = {
    ...{ path: visionModel, providers, threads, size: preprocessing.size },
    ...{ places: BATCHES_IN_FLIGHT, batch: BATCH },
  };
  const script = compiledModule('./vision-worker.js', import.meta.url);
  const { client, loaded } = await WorkerClient.start<VisionCalls, VisionLoaded>({ script, name: 'image encoder', settings });
  return new OnnxImageEncoder(loaded, preprocessing, client);
}

/** As `loadImageEncoder`, for texts. */
export async function loadTextEncoder(
  { textModel, tokenizer }: TextModelFiles,
  { providers = ['cpu'], threads = 0, contextLength, padId, timeoutMs = TEXT_TIMEOUT_MS }: TextEncoderOptions,
): Promise<TextEncoder> {
  const settings: TextSettings = { path: textModel, tokenizer, providers, threads, contextLength, padId };
  const script = compiledModule('./text-worker.js', import.meta.url);
  const { client, loaded } = await WorkerClient.start<TextCalls, TextLoaded>({ script, name: 'text encoder', settings });
  return new OnnxTextEncoder(loaded.dimension, loaded.contextLength, client, timeoutMs);
}
