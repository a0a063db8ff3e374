/** Tensors of onnxruntime over memory that threads share. */
import type * as OnnxRuntime from 'onnxruntime-node';
import { native } from '../../addon/addon.js';
import { ort } from './onnxruntime.js';

/** A float32 tensor over all of the memory. Nothing is copied. */
export function tensorOn(memory: Float32Array<SharedArrayBuffer>, dims: readonly number[]): OnnxRuntime.Tensor {
  return new ort.Tensor('float32', native().ordinaryView(memory), dims);
}
