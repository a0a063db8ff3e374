import type { BackendChoice, BackendName } from '../domain/backend.js';
import { FastsamError, isFastsamError } from '../errors.js';
import { resolveModel } from '../model/installed.js';
import type { SegmentationEngine } from './engine.js';
import { loadOnnxEngine } from './onnxruntime/engine.js';
import { tensorRt } from './tensorrt/available.js';
import { isEngineFile } from './tensorrt/engine-file.js';
import type { TensorRtHooks, TensorRtSettings } from './tensorrt/open.js';

export interface EngineOptions extends TensorRtHooks {
  /** Told why `auto` takes onnxruntime. */
  readonly onFallback?: (why: string) => void;
  /** ONNX file with the YOLOv8-seg contract, the name of an installed model (`fastsam-s`), or a TensorRT engine file. */
  readonly model: string;
  /** `auto`, the default: tensorrt where this build has it and there is a GPU, else onnxruntime. */
  readonly backend?: BackendChoice;
  /** `warmUp`, default true: run the network once, so that the first frame takes no longer than the others. */
  readonly onnxruntime?: { readonly providers?: readonly string[]; readonly threads?: number; readonly warmUp?: boolean };
  readonly tensorrt?: Partial<TensorRtSettings>;
}

interface Backend {
  /** Errors: ENGINE_UNAVAILABLE where this build or machine cannot run it, with what to do. */
  open(path: string, options: EngineOptions, fallback?: string): Promise<SegmentationEngine>;
}

/** One entry is all that a backend needs, beside its name in domain/backend.ts. */
const REGISTRY: Readonly<Record<BackendName, Backend>> = {
  tensorrt: {
    async open(path, options) {
      // Where there is no TensorRT, what builds and checks its engines is not loaded.
      tensorRt();
      const { openTensorRt, TENSORRT_DEFAULTS } = await import('./tensorrt/open.js');
      return openTensorRt(path, { ...TENSORRT_DEFAULTS, ...options.tensorrt }, options);
    },
  },
  onnxruntime: {
    async open(path, { onnxruntime }, fallback) {
      if (isEngineFile(path))
        throw new FastsamError('USAGE', `${path}: a TensorRT engine does not run on onnxruntime; give it the ONNX model`);
      return loadOnnxEngine(path, { ...onnxruntime, fallback });
    },
  },
};

/** What `auto` tries, in this order; the last one runs everywhere. */
const PREFERENCE: readonly BackendName[] = ['tensorrt', 'onnxruntime'];

/**
 * Loads a model on the backend that is asked for, and warms it up (see `onnxruntime.warmUp`). With
 * tensorrt the engine is built first where there is none that fits, which takes minutes. `auto` takes the next backend where
 * one is ENGINE_UNAVAILABLE for any reason, and tells it. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED,
 * ENGINE_UNAVAILABLE, NATIVE_UNAVAILABLE, and those of openTensorRt.
 */
export async function openEngine(options: EngineOptions): Promise<SegmentationEngine> {
  const { backend = 'auto' } = options;
  const path = await resolveModel(options.model);
  const asked = backend === 'auto' && isEngineFile(path) ? 'tensorrt' : backend;
  if (asked !== 'auto') return REGISTRY[asked].open(path, options);
  let fallback: string | undefined;
  for (const name of PREFERENCE) {
    try {
      return await REGISTRY[name].open(path, options, fallback);
    } catch (error) {
      if (!isFastsamError(error, 'ENGINE_UNAVAILABLE') || name === PREFERENCE.at(-1)) throw error;
      fallback = error.message;
      options.onFallback?.(fallback);
    }
  }
  throw new FastsamError('INTERNAL', 'no backend is registered');
}
