/** From pictures and texts to points of one space: what every backend of CLIP-like models offers. */
import type { Preprocessing } from '../../model/text-model.js';

/** A loaded image encoder. Calls may overlap; they are worked on one at a time, in order. */
export interface ImageEncoder {
  /** Side of its square input, in pixels. */
  readonly size: number;
  /** Length of an embedding. */
  readonly dimension: number;
  readonly preprocessing: Preprocessing;
  /** Crops that one call takes. */
  readonly batch: number;
  /**
   * [count, dimension] embeddings of unit length. `fill` writes the crops, [count, 3, size, size] RGB, normalised as `preprocessing` says,
   * to the beginning of memory of the encoder's; its error is that of the call. Errors: ENGINE_FAILED, MISUSE for more than `batch` and
   * after stop.
   */
  encode(count: number, fill: (crops: Float32Array) => Promise<void>): Promise<Float32Array>;
  /** Waits for what is in flight, then frees everything. May be called twice. */
  stop(): Promise<void>;
}

export interface EncodedText {
  /** Of unit length. */
  readonly embedding: Float32Array;
  /** What the tokenizer made of it, start and end included. */
  readonly tokens: number;
}

/** A loaded text encoder with its tokenizer. */
export interface TextEncoder {
  /** Length of an embedding. */
  readonly dimension: number;
  /** Tokens that the network reads, start and end included; what goes beyond is cut off. */
  readonly contextLength: number;
  /** In the order of the texts. Errors: ENGINE_FAILED, MISUSE after stop. */
  encode(texts: readonly string[]): Promise<EncodedText[]>;
  stop(): Promise<void>;
}
