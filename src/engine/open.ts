import { FastsamError } from '../errors.js';
import { resolveModel } from '../model/installed.js';
import type { SegmentationEngine } from './engine.js';
import { loadOnnxEngine } from './onnx-engine.js';

export interface EngineOptions {
  /** ONNX file with the YOLOv8-seg contract, or the name of an installed model (`fastsam-s`). */
  readonly model: string;
  readonly backend?: 'auto' | 'onnxruntime' | 'tensorrt';
  readonly onnxruntime?: { readonly providers?: readonly string[]; readonly threads?: number };
}

/**
 * Loads a model on the backend that is asked for, and runs it once, so that the first frame is as fast as the rest.
 * Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED, ENGINE_UNAVAILABLE, NATIVE_UNAVAILABLE.
 */
export async function openEngine(options: EngineOptions): Promise<SegmentationEngine> {
  if (options.backend === 'tensorrt') {
    throw new FastsamError(
      'ENGINE_UNAVAILABLE',
      'backend tensorrt: this version runs models on onnxruntime only; use backend auto or onnxruntime',
    );
  }
  const path = await resolveModel(options.model);
  return loadOnnxEngine(path, options.onnxruntime);
}
