/** The memory of one frame on its way through a network. */
import type { Signature } from '../model/signature.js';
import { sharedFloats } from './shared-floats.js';

/**
 * Channels first, row-major. Allocated once, in shared memory: threads read and write the tensors in turn and never move them, since V8
 * collects the whole heap where megabytes come back from another thread.
 */
export interface Tensors {
  /** [3, H, W] RGB 0…1. */
  readonly input: Float32Array<SharedArrayBuffer>;
  /** [4 + classes + 32, anchors]. */
  readonly detections: Float32Array<SharedArrayBuffer>;
  /** [32, H / 4, W / 4]. */
  readonly proto: Float32Array<SharedArrayBuffer>;
}

/** Tensors of a network with an input of this size. */
export function sharedTensors(inputWidth: number, inputHeight: number, { classes, anchors }: Signature): Tensors {
  return {
    input: sharedFloats(3 * inputHeight * inputWidth),
    detections: sharedFloats((4 + classes + 32) * anchors),
    proto: sharedFloats(32 * (inputHeight / 4) * (inputWidth / 4)),
  };
}
