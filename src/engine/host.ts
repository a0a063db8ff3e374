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
import type { Tensors } from './tensors.js';

/** One frame is prepared, one inferred and one decoded at a time. */
export const FRAMES_IN_FLIGHT = 3;
/** Weight of the newest inference in the running estimate of its duration. */
const SMOOTHING = 0.2;

/** A loaded YOLOv8-seg network that reads `input` and writes `detections` and `proto`. */
export interface TensorNetwork {
  readonly signature: Signature;
  /** Those of each frame in flight, by its place. */
  readonly tensors: readonly Tensors[];
  /**
   * Runs the network `runs` times with the tensors of a place, and resolves with the milliseconds of each. Calls are carried out one at a
   * time, in order; until the promise settles the tensors are the network's. Errors: ENGINE_FAILED.
   */
  run(place: number, runs: number): Promise<readonly number[]>;
  /** Waits for the runs under way, then frees everything. */
  stop(): Promise<void>;
}

export interface HostEngineDeps {
  readonly model: ModelIdentity;
  readonly network: TensorNetwork;
}

/** Letterbox → network → decoding, for any backend that runs tensors. */
export class HostEngine implements SegmentationEngine {
  readonly depth: number;
  readonly model: ModelIdentity;
  readonly #network: TensorNetwork;
  readonly #places: Slots<number>;
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
    this.depth = network.tensors.length;
    this.#places = new Slots(network.tensors.map((_, place) => place));
  }

  async segment(frame: Frame, options: SegmentationOptions, tracking?: TrackingRequest): Promise<Segmented> {
    if (this.#stopping) throw stopped();
    return this.#order.settle(this.#segment(frame, options, tracking));
  }

  async #segment(frame: Frame, options: SegmentationOptions, tracking?: TrackingRequest): Promise<Segmented> {
    const begin = performance.now();
    const place = await this.#places.take();
    const tensors = this.#network.tensors[place]!;
    try {
      const taken = performance.now();
      const { inputWidth, inputHeight } = this.model;
      const { anchors, classes } = this.#network.signature;
      this.#preparing += 1;
      const geometry = await native()
        .letterbox(frame.pixels as NativeFrame, tensors.input, inputWidth, inputHeight)
        .finally(() => {
          this.#preparing -= 1;
        });
      const prepared = performance.now();
      const infer = (await this.#infer(place, 1))[0] ?? 0;
      const inferred = performance.now();
      const outputs = { detections: tensors.detections, proto: tensors.proto, anchors, classes };
      const decoding = { ...options, snapToBorder: snapDistance(options.snapToBorder, classes) };
      const segments = await native().decode(outputs, geometry, { ...decoding, ...decodeForTracking(tracking, this.model) });
      const edges = options.edges && (await native().edgeMap(outputs, geometry, decoding, options.edges));
      const wait = taken - begin + Math.max(inferred - prepared - infer, 0);
      const timings = { wait, preprocess: prepared - taken, infer, decode: performance.now() - inferred };
      return { segments, geometry, timings, ...(edges ? { edges } : {}) };
    } finally {
      this.#places.give(place);
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
    const place = await this.#places.take();
    try {
      return [...(await this.#infer(place, runs))];
    } finally {
      this.#places.give(place);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      // Taking every place waits for all that is in flight.
      await Promise.all(this.#network.tensors.map(() => this.#places.take()));
      await this.#network.stop();
    })();
    return this.#stopping;
  }

  async #infer(place: number, runs: number): Promise<readonly number[]> {
    if (this.#running === 0) this.#busySince = performance.now();
    this.#running += 1;
    try {
      const inferMs = await this.#network.run(place, runs);
      const last = inferMs.at(-1) ?? 0;
      this.#inferMs = this.#inferMs === 0 ? last : this.#inferMs + SMOOTHING * (last - this.#inferMs);
      return inferMs;
    } finally {
      this.#running -= 1;
      this.#busySince = performance.now();
    }
  }
}

function stopped(): FastsamError {
  return new FastsamError('MISUSE', 'the engine has been stopped');
}
