/** What the encoders and their threads say to each other, and what both know about CLIP-like ONNX files. */
import type * as ort from 'onnxruntime-node';
import { FastsamError } from '../../errors.js';
import type { SessionSettings } from '../onnxruntime/session.js';

export interface VisionSettings extends SessionSettings {
  /** Side for models whose input is of any size. */
  readonly size: number | undefined;
  /** How many sets of crops there are to be. */
  readonly places: number;
  /** Crops of each. */
  readonly batch: number;
}
export interface VisionLoaded {
  readonly size: number;
  readonly dimension: number;
  /** [batch, 3, size, size] by place, shared: what `encode` reads. */
  readonly crops: readonly Float32Array<SharedArrayBuffer>[];
}
export type VisionCalls = {
  /** [count, dimension] embeddings of unit length of the first crops of a place. */
  encode: { request: { readonly place: number; readonly count: number }; response: Float32Array<ArrayBuffer> };
};

export interface TextSettings extends SessionSettings {
  readonly tokenizer: string;
  /** Tokens for models that take any number of them. */
  readonly contextLength: number;
  /** Token that fills the rest. */
  readonly padId: number;
}
export interface TextLoaded {
  readonly dimension: number;
  readonly contextLength: number;
}
export type TextCalls = {
  encode: {
    request: { readonly texts: readonly string[] };
    /** [texts, dimension], and the tokens of each text. */
    response: { readonly embeddings: Float32Array<ArrayBuffer>; readonly tokens: readonly number[] };
  };
};

/** The output with the embeddings: by its usual names, else the only one of rank 2. Errors: MODEL_UNSUPPORTED. */
export function embeddingsOutput(path: string, session: ort.InferenceSession, names: readonly string[]): string {
  const outputs = session.outputMetadata.flatMap((output) => (output.isTensor ? [output] : []));
  const flat = outputs.filter(({ shape }) => shape.length === 2);
  const found = names.map((name) => outputs.find((output) => output.name === name)).find((output) => output !== undefined);
  const output = found ?? (flat.length === 1 ? flat[0] : undefined);
  if (output?.type === 'float32') return output.name;
  const list = outputs.map(({ name, type, shape }) => `${name} ${type} [${shape.join(', ')}]`).join(', ');
  throw new FastsamError('MODEL_UNSUPPORTED', `${path}: expected an output ${names[0]} float32 [n, d], found ${list || 'none'}`);
}

/** Scales each of `count` vectors to length 1; one of length 0 stays as it is. */
export function normalise(vectors: Float32Array, count: number): void {
  const dimension = vectors.length / count;
  for (let k = 0; k < count; k += 1) {
    const vector = vectors.subarray(k * dimension, (k + 1) * dimension);
    let square = 0;
    for (const value of vector) square += value * value;
    const length = Math.sqrt(square);
    if (length > 0) for (let i = 0; i < dimension; i += 1) vector[i]! /= length;
  }
}
