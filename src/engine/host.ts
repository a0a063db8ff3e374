/** Engines whose tensors are in host memory: letterbox and decoding run on the CPU, the network wherever it likes. */
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame } from '../domain/frame.js';
import type { ModelIdentity } from '../domain/result.js';
import { FastsamError } from '../errors.js';
import type { Signature } from '../model/signature.js';
import {
  decodeForTracking,
  type SegmentationEngine,
  type SegmentationOptions,
  type Segmented,
  snapDistance,
  type TrackingRequest,
} from './engine.js';
import { InOrder } from './in-order.js';
import { Slots } from './slots.js';

/** One frame is prepared, one inferred and one decoded at a time. */
const DEPTH = 3;
/** Weight of the newest inference in the running estimate of its duration. */
const SMOOTHING = 0.2;

/** The memory of one frame in flight, allocated once; channels first, row-major. */
export type Tensors = {
  /** [3, H, W] RGB 0…1. */
  input: Float32Array<ArrayBuffer>;
  /** [4 + classes + 32, anchors]. */
  detections: Float32Array<ArrayBuffer>;
  /** [32, H / 4, W / 4]. */
  proto: Float32Array<ArrayBuffer>;
};

/** A loaded YOLOv8-seg network that reads `input` and writes `detections` and `proto`. */
export interface TensorNetwork {
  readonly signature: Signature;
  /**
   * Runs the network `runs` times and resolves with the milliseconds of each. Calls are carried out one at a time, in
   * order. Meanwhile the tensors may be elsewhere; they are back in the object when the promise settles.
   * Errors: ENGINE_FAILED.
   */
  run(tensors: Tensors, runs: number): Promise<readonly number[]>;
  /** Waits for the runs under way, then frees everything. */
  stop(): Promise<void>;
}

export interface HostEngineDeps {
  readonly model: ModelIdentity;
  readonly network: TensorNetwork;
}

/** Letterbox → network → decoding, for any backend that runs tensors. */
export class HostEngine implements SegmentationEngine {
  readonly depth = DEPTH;
  readonly model: ModelIdentity;
  readonly #network: TensorNetwork;
  readonly #slots: Slots<Tensors>;
  #stopping: Promise<void> | undefined;
  readonly #order = new InOrder();
  /** Frames on their way to the network. */
  #preparing = 0;
  /** Runs that the network has not finished. */
  #running = 0;
  #inferMs = 0;
  /** When the network began with the oldest of them. */
  #busySince = 0;

  constructor({ model, network }: HostEngineDeps) {
    this.model = model;
    this.#network = network;
    this.#slots = new Slots(Array.from({ length: DEPTH }, () => allocate(model, network.signature)));
  }

  async segment(frame: Frame, options: SegmentationOptions, tracking?: TrackingRequest): Promise<Segmented> {
    if (this.#stopping) throw stopped();
    return this.#order.settle(this.#segment(frame, options, tracking));
  }

  async #segment(frame: Frame, options: SegmentationOptions, tracking?: TrackingRequest): Promise<Segmented> {
    const begin = performance.now();
    const slot = await this.#slots.take();
    try {
      const taken = performance.now();
      const { inputWidth, inputHeight } = this.model;
      const { anchors, classes } = this.#network.signature;
      this.#preparing += 1;
      const geometry = await native()
        .letterbox(frame.pixels as NativeFrame, slot.input, inputWidth, inputHeight)
        .finally(() => {
          this.#preparing -= 1;
        });
      const prepared = performance.now();
      const infer = (await this.#infer(slot, 1))[0] ?? 0;
      const inferred = performance.now();
      const outputs = { detections: slot.detections, proto: slot.proto, anchors, classes };
      const decoding = { ...options, snapToBorder: snapDistance(options.snapToBorder, classes) };
      const segments = await native().decode(outputs, geometry, { ...decoding, ...decodeForTracking(tracking, this.model) });
      const edges = options.edges && (await native().edgeMap(outputs, geometry, decoding, options.edges));
      const wait = taken - begin + Math.max(inferred - prepared - infer, 0);
      const timings = { wait, preprocess: prepared - taken, infer, decode: performance.now() - inferred };
      return { segments, geometry, timings, ...(edges ? { edges } : {}) };
    } finally {
      this.#slots.give(slot);
    }
  }

  msUntilFree(): number {
    const ahead = this.#running + this.#preparing;
    if (ahead === 0) return 0;
    const begin = this.#running === 0 ? performance.now() : this.#busySince;
    return Math.max(begin + ahead * this.#inferMs - performance.now(), 0);
  }

  async measureNetwork(runs: number): Promise<number[]> {
    if (this.#stopping) throw stopped();
    const slot = await this.#slots.take();
    try {
      return [...(await this.#infer(slot, runs))];
    } finally {
      this.#slots.give(slot);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      // Taking every slot waits for all that is in flight.
      await Promise.all(Array.from({ length: DEPTH }, () => this.#slots.take()));
      await this.#network.stop();
    })();
    return this.#stopping;
  }

  async #infer(slot: Tensors, runs: number): Promise<readonly number[]> {
    if (this.#running === 0) this.#busySince = performance.now();
    this.#running += 1;
    try {
      const inferMs = await this.#network.run(slot, runs);
      const last = inferMs.at(-1) ?? 0;
      this.#inferMs = this.#inferMs === 0 ? last : this.#inferMs + SMOOTHING * (last - this.#inferMs);
      return inferMs;
    } finally {
      this.#running -= 1;
      this.#busySince = performance.now();
    }
  }
}

function allocate({ inputWidth, inputHeight }: ModelIdentity, { classes, anchors }: Signature): Tensors {
  return {
    input: new Float32Array(3 * inputHeight * inputWidth),
    detections: new Float32Array((4 + classes + 32) * anchors),
    proto: new Float32Array(32 * (inputHeight / 4) * (inputWidth / 4)),
  };
}

function stopped(): FastsamError {
  return new FastsamError('MISUSE', 'the engine has been stopped');
}
