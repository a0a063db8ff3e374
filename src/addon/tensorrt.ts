/** The part of the addon that knows TensorRT and CUDA; absent in builds on machines without them. */
import type { LetterboxGeometry } from '../domain/geometry.js';
import type { Precision } from '../domain/precision.js';
import type { Segments } from '../domain/segments.js';
import type { DecodeOptions } from './network.js';

/** What an engine is tied to. */
export interface TensorRtPlatform {
  /** Of the library that is loaded: `10.3.0`. */
  readonly tensorrt: string;
  /** Of the CUDA runtime: `12.6`. */
  readonly cuda: string;
  /** Name of the GPU. */
  readonly device: string;
  readonly computeCapability: string;
  /** Streaming multiprocessors. */
  readonly multiprocessors: number;
  /** GPU and CPU share their memory (Jetson). */
  readonly integrated: boolean;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface TensorRtSegmented {
  readonly segments: Segments;
  readonly geometry: LetterboxGeometry;
  /** Milliseconds. */
  readonly timings: { readonly preprocess: number; readonly infer: number; readonly decode: number };
  /** Why a frame in device memory was copied for the GPU; absent when it was read where it lies, or lies elsewhere. */
  readonly copiedBecause?: string;
}

/**
 * An execution context with its own thread: calls are carried out one by one, in their order. Errors of both calls:
 * ENGINE_FAILED, ENGINE_LOST (the GPU is lost to this process for good), OUT_OF_MEMORY, MISUSE.
 */
export interface TensorRtContext {
  /** From pixels to segments. The frame may be released as soon as this has been called. */
  segment(frame: object, options: DecodeOptions): Promise<TensorRtSegmented>;
  /** Milliseconds of `runs` inferences on the last input. */
  measure(runs: number): Promise<Float32Array>;
  /** Finishes what was called before, then frees everything. May be called twice. */
  dispose(): Promise<void>;
}

export interface LoadedEngine {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly classes: number;
  /** The JSON that Ultralytics puts in front of a plan; empty when there is none. */
  readonly metadata: string;
  /** Inference is one launch of a CUDA graph. */
  readonly graph: boolean;
  readonly contexts: readonly TensorRtContext[];
  /** What TensorRT warned of meanwhile. */
  readonly warnings: readonly string[];
}

export interface BuildRequest {
  readonly onnxPath: string;
  readonly planPath: string;
  /** What the model computes in. From TensorRT 10 on its types say so; before, and on the accelerator, this does. */
  readonly precision: Precision;
  /** For models that leave their input size open. */
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** 0: all there is. */
  readonly workspaceBytes: number;
  /** -1: the GPU. */
  readonly dlaCore: number;
  /** How long the builder looks for fast tactics, 0 to 5; TensorRT 8.5 has no such choice. */
  readonly optimizationLevel: number;
  /** Times of tactics, kept from build to build; empty: none. */
  readonly timingCachePath: string;
}

/** `text` is a log line, or the phase that is at `step` of `steps` (TensorRT before 10 knows no steps: 0 of 0). */
export type BuildListener = (kind: 'error' | 'warning' | 'info' | 'progress', text: string, step: number, steps: number) => void;

export interface TensorRtAddon {
  /** Errors: ENGINE_UNAVAILABLE with what is missing. */
  platform(): Promise<TensorRtPlatform>;
  /**
   * `dlaCore` is the accelerator's core that the engine was built for; -1: what its metadata says, else the GPU.
   * Errors: ENGINE_STALE (TensorRT refuses it), ENGINE_CORRUPT, ENGINE_UNAVAILABLE, MODEL_UNSUPPORTED, OUT_OF_MEMORY.
   */
  load(path: string, contexts: number, dlaCore: number): Promise<LoadedEngine>;
  /**
   * Takes minutes and much memory: to be called in a separate process. Errors: MODEL_CORRUPT, MODEL_UNSUPPORTED,
   * ENGINE_UNAVAILABLE, ENGINE_FAILED, OUT_OF_MEMORY, OUTPUT_UNWRITABLE.
   */
  build(
    request: BuildRequest,
    onReport: BuildListener,
  ): Promise<{ readonly planBytes: number; readonly inputWidth: number; readonly inputHeight: number }>;
}
