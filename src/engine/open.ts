import { FastsamError, isFastsamError } from '../errors.js';
import { resolveModel } from '../model/installed.js';
import type { SegmentationEngine } from './engine.js';
import { loadOnnxEngine } from './onnxruntime/engine.js';
import { isEngineFile, openTensorRt, TENSORRT_DEFAULTS, type TensorRtHooks, type TensorRtSettings } from './tensorrt/open.js';

export interface EngineOptions extends TensorRtHooks {
  /** Told why `auto` takes onnxruntime. */
  readonly onFallback?: (why: string) => void;
  /** ONNX file with the YOLOv8-seg contract, the name of an installed model (`fastsam-s`), or a TensorRT engine file. */
  readonly model: string;
  /** `auto`, the default: tensorrt where this build has it and there is a GPU, else onnxruntime. */
  readonly backend?: 'auto' | 'onnxruntime' | 'tensorrt';
  readonly onnxruntime?: { readonly providers?: readonly string[]; readonly threads?: number };
  readonly tensorrt?: Partial<TensorRtSettings>;
}

/**
 * Loads a model on the backend that is asked for, and runs it once, so that the first frame is as fast as the rest. With
 * tensorrt the engine is built first where there is none that fits, which takes minutes. `auto` takes onnxruntime where
 * tensorrt is ENGINE_UNAVAILABLE for any reason, and tells it. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED,
 * ENGINE_UNAVAILABLE, NATIVE_UNAVAILABLE, and those of openTensorRt.
 */
export async function openEngine(options: EngineOptions): Promise<SegmentationEngine> {
  const { backend = 'auto', onnxruntime, tensorrt } = options;
  const path = await resolveModel(options.model);
  if (isEngineFile(path) && backend === 'onnxruntime')
    throw new FastsamError('USAGE', `${path}: a TensorRT engine does not run on onnxruntime; give it the ONNX model`);
  const onTensorRt = () => openTensorRt(path, { ...TENSORRT_DEFAULTS, ...tensorrt }, options);
  if (backend === 'tensorrt' || isEngineFile(path)) return onTensorRt();
  if (backend === 'onnxruntime') return loadOnnxEngine(path, onnxruntime);
  try {
    return await onTensorRt();
  } catch (error) {
    if (!isFastsamError(error, 'ENGINE_UNAVAILABLE')) throw error;
    options.onFallback?.(error.message);
    return loadOnnxEngine(path, { ...onnxruntime, fallback: error.message });
  }
}
