import type { LoadedEngine, TensorRtContext, TensorRtSegmented } from '../../addon/tensorrt.js';
import type { Frame } from '../../domain/frame.js';
import type { ModelIdentity } from '../../domain/result.js';
import { FastsamError } from '../../errors.js';
import {
  decodeForTracking,
  type SegmentationEngine,
  type SegmentationOptions,
  type Segmented,
  snapDistance,
  type TrackingRequest,
} from '../engine.js';
import { InOrder } from '../in-order.js';
import { Slots } from '../slots.js';

/** Weight of the newest frame in the running estimate of what the GPU needs for one. */
const SMOOTHING = 0.2;

/**
 * A TensorRT engine on its execution contexts, each with one frame at a time: while the GPU works on one frame, the CPU
 * finishes the one before. Made by openTensorRt.
 */
export class TensorRtEngine implements SegmentationEngine {
  readonly depth: number;
  readonly #slots: Slots<TensorRtContext>;
  readonly #order = new InOrder();
  #stopping: Promise<void> | undefined;
  /** It was told that frames are copied. */
  #copies = false;
  #gpuMs = 0;
  /** When the GPU is expected to be through with all that it was given. */
  #busyUntil = 0;
  #active = 0;
  /** Frames begun so far: a frame during which it stays the same had the GPU to itself. */
  #begun = 0;
  #lastDone = Number.NEGATIVE_INFINITY;

  constructor(
    readonly model: ModelIdentity,
    private readonly loaded: LoadedEngine,
    private readonly onWarning?: (message: string) => void,
  ) {
    this.depth = loaded.contexts.length;
    this.#slots = new Slots(loaded.contexts);
  }

  async segment(frame: Frame, options: SegmentationOptions, tracking?: TrackingRequest): Promise<Segmented> {
    if (this.#stopping) throw stopped();
    return this.#order.settle(this.#run(frame, options, tracking));
  }

  async #run(frame: Frame, options: SegmentationOptions, tracking: TrackingRequest | undefined): Promise<Segmented> {
    const begin = performance.now();
    const context = await this.#slots.take();
    try {
      const taken = performance.now();
      const alone = this.#begin(taken);
      if (options.edges)
        throw new FastsamError('ENGINE_UNAVAILABLE', 'edge maps need the masks on the CPU: use the backend onnxruntime for them');
      const snapToBorder = snapDistance(options.snapToBorder, this.loaded.classes);
      const { segments, geometry, timings, copiedBecause } = await context.segment(frame.pixels, {
        ...options,
        snapToBorder,
        ...decodeForTracking(tracking, this.model),
      });
      this.#learn(timings, alone());
      if (copiedBecause !== undefined && !this.#copies) {
        this.#copies = true;
        this.onWarning?.(`frames are copied for the GPU: ${copiedBecause}`);
      }
      const { preprocess, infer, decode } = timings;
      const wait = Math.max(performance.now() - begin - preprocess - infer - decode, 0);
      return { segments, geometry, timings: { wait, preprocess, infer, decode } };
    } finally {
      this.#active -= 1;
      this.#slots.give(context);
    }
  }

  /** The answer tells, when the frame is through, whether no other was on the GPU meanwhile. */
  #begin(now: number): () => boolean {
    this.#active += 1;
    this.#begun += 1;
    this.#busyUntil = Math.max(this.#busyUntil, now) + this.#gpuMs;
    const [first, begun] = [this.#active === 1, this.#begun];
    return () => first && this.#begun === begun;
  }

  /** A frame that shares the GPU takes longer; what it costs is then the time since the one before was through. */
  #learn({ preprocess, infer }: TensorRtSegmented['timings'], alone: boolean): void {
    const now = performance.now();
    const ms = alone ? preprocess + infer : Math.min(preprocess + infer, now - this.#lastDone);
    this.#lastDone = now;
    this.#gpuMs = this.#gpuMs === 0 ? ms : this.#gpuMs + SMOOTHING * (ms - this.#gpuMs);
  }

  msUntilFree(): number {
    return this.#active === 0 ? 0 : Math.max(this.#busyUntil - performance.now(), 0);
  }

  async measureNetwork(runs: number): Promise<number[]> {
    if (this.#stopping) throw stopped();
    const context = await this.#slots.take();
    try {
      return [...(await context.measure(runs))];
    } finally {
      this.#slots.give(context);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      await this.#order.settled();
      await Promise.all(this.loaded.contexts.map((context) => context.dispose()));
    })();
    return this.#stopping;
  }
}

function stopped(): FastsamError {
  return new FastsamError('MISUSE', 'the engine has been stopped');
}
