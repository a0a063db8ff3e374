/** From pictures and texts to points of one space: what every backend of CLIP-like models offers. */
import type { Preprocessing } from '../../model/text-model.js';

/** Crops on their way to an image encoder. While a call lasts the memory may be elsewhere; it is back when it settles. */
export type CropBuffer = {
  /** [room, 3, size, size] RGB, normalised as `ImageEncoder.preprocessing` says. */
  pixels: Float32Array<ArrayBuffer>;
};

/** A loaded image encoder. Calls may overlap; they are worked on one at a time, in order. */
export interface ImageEncoder {
  /** Side of its square input, in pixels. */
  readonly size: number;
  /** Length of an embedding. */
  readonly dimension: number;
  readonly preprocessing: Preprocessing;
  /** [count, dimension] embeddings of unit length of the first `count` crops. Errors: ENGINE_FAILED, MISUSE after stop. */
  encode(crops: CropBuffer, count: number): Promise<Float32Array>;
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
