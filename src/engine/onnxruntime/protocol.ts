/**
 * What the engine and its onnxruntime worker say to each other. Tensors travel as transferred ArrayBuffers: they are
 * owned by one side at a time and never copied.
 */
import type { ErrorCode } from '../../errors.js';
import type { Signature } from '../../model/signature.js';

export interface WorkerSettings {
  readonly path: string;
  readonly providers: readonly string[];
  /** Threads of one inference, 0: one per core. */
  readonly threads: number;
  /** [height, width] for models whose input size is dynamic. */
  readonly dynamicSize: readonly [number, number];
}

/** The buffers of one frame in flight; allocated once, passed around for ever. */
export interface Tensors {
  input: Float32Array<ArrayBuffer>;
  detections: Float32Array<ArrayBuffer>;
  proto: Float32Array<ArrayBuffer>;
}

export type ToWorker =
  | { readonly type: 'run'; readonly id: number; readonly tensors: Tensors; readonly repeat: number }
  | { readonly type: 'stop' };

export type FromWorker =
  | { readonly type: 'loaded'; readonly inputWidth: number; readonly inputHeight: number; readonly signature: Signature }
  | {
      readonly type: 'done';
      readonly id: number;
      readonly tensors: Tensors;
      /** performance.timeOrigin + performance.now() when the last run began. */
      readonly startedAt: number;
      readonly inferMs: readonly number[];
    }
  | { readonly type: 'failed'; readonly id: number; readonly tensors: Tensors; readonly message: string }
  | { readonly type: 'unloadable'; readonly code: ErrorCode; readonly message: string };

export function buffersOf(tensors: Tensors): ArrayBuffer[] {
  return [tensors.input.buffer, tensors.detections.buffer, tensors.proto.buffer];
}
