import { basename, extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type NativeAddon, type NativeFrame, native } from '../../addon/addon.js';
import { compiledModule } from '../../compiled.js';
import type { Frame } from '../../domain/frame.js';
import type { ModelIdentity } from '../../domain/result.js';
import { FastsamError, messageOf } from '../../errors.js';
import { readModelMetadata } from '../../model/onnx.js';
import type { Signature } from '../../model/signature.js';
import {
  decodeForTracking,
  type SegmentationEngine,
  type SegmentationOptions,
  type Segmented,
  snapDistance,
  type TrackingRequest,
} from '../engine.js';
import { Slots } from '../slots.js';
import { buffersOf, type FromWorker, type Tensors, type ToWorker, type WorkerSettings } from './protocol.js';

/** One frame is prepared, one inferred and one decoded at a time. */
const DEPTH = 3;
/** Weight of the newest inference in the running estimate of its duration. */
const SMOOTHING = 0.2;
/** A session that has nothing left to do must end at once; this only bounds a broken one. */
const STOP_TIMEOUT_MS = 4000;

const DEFAULT_SIZE = [640, 640] as const;

export interface OnnxEngineOptions {
  readonly providers?: readonly string[];
  readonly threads?: number;
  /** Why the backend `auto` came here; part of the model's identity. */
  readonly fallback?: string | undefined;
}

interface Run {
  /** The place whose buffers are with the worker. */
  readonly slot: Tensors;
  readonly resolve: (done: Extract<FromWorker, { type: 'done' }>) => void;
  readonly reject: (error: FastsamError) => void;
}

/** Any YOLOv8-seg ONNX file on onnxruntime, in a worker thread. Made by {@link loadOnnxEngine}. */
class OnnxEngine implements SegmentationEngine {
  readonly depth = DEPTH;
  readonly #slots: Slots<Tensors>;
  readonly #runs = new Map<number, Run>();
  #nextRun = 0;
  #dead: FastsamError | undefined;
  #stopping: Promise<void> | undefined;
  readonly #exited: Promise<void>;
  /** Frames on their way to the network. */
  #preparing = 0;
  #inferMs = 0;
  /** When the network began with the oldest run that is still open. */
  #busySince = 0;

  constructor(
    readonly model: ModelIdentity,
    private readonly signature: Signature,
    private readonly worker: Worker,
    private readonly addon: NativeAddon,
  ) {
    const { inputWidth, inputHeight } = model;
    const rows = 4 + signature.classes + 32;
    const allocate = (): Tensors => ({
      input: new Float32Array(3 * inputHeight * inputWidth),
      detections: new Float32Array(rows * signature.anchors),
      proto: new Float32Array(32 * (inputHeight / 4) * (inputWidth / 4)),
    });
    this.#slots = new Slots(Array.from({ length: DEPTH }, allocate));
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) =>
      this.#fail(new FastsamError('ENGINE_FAILED', `onnxruntime stopped: ${messageOf(error)}`, { cause: error })),
    );
    worker.on('exit', () => this.#fail(stopped()));
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
  }

  async segment(frame: Frame, options: SegmentationOptions, tracking?: TrackingRequest): Promise<Segmented> {
    if (this.#stopping) throw stopped();
    const begin = performance.now();
    const slot = await this.#slots.take();
    try {
      const taken = performance.now();
      const { inputWidth, inputHeight } = this.model;
      this.#preparing += 1;
      const geometry = await this.addon.letterbox(frame.pixels as NativeFrame, slot.input, inputWidth, inputHeight).finally(() => {
        this.#preparing -= 1;
      });
      const prepared = performance.now();
      const { inferMs } = await this.#infer(slot, 1);
      const inferred = performance.now();
      const outputs = { detections: slot.detections, proto: slot.proto, anchors: this.signature.anchors, classes: this.signature.classes };
      const decoding = { ...options, snapToBorder: snapDistance(options.snapToBorder, this.signature.classes) };
      const segments = await this.addon.decode(outputs, geometry, { ...decoding, ...decodeForTracking(tracking, this.model) });
      const edges = options.edges && (await this.addon.edgeMap(outputs, geometry, decoding, options.edges));
      const infer = inferMs[0] ?? 0;
      const wait = taken - begin + Math.max(inferred - prepared - infer, 0);
      const timings = { wait, preprocess: prepared - taken, infer, decode: performance.now() - inferred };
      return { segments, geometry, timings, ...(edges ? { edges } : {}) };
    } finally {
      this.#slots.give(slot);
    }
  }

  msUntilFree(): number {
    const ahead = this.#runs.size + this.#preparing;
    if (ahead === 0) return 0;
    const begin = this.#runs.size === 0 ? performance.now() : this.#busySince;
    return Math.max(begin + ahead * this.#inferMs - performance.now(), 0);
  }

  async measureNetwork(runs: number): Promise<number[]> {
    if (this.#stopping) throw stopped();
    const slot = await this.#slots.take();
    try {
      return [...(await this.#infer(slot, runs)).inferMs];
    } finally {
      this.#slots.give(slot);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      // Taking every place waits for all that is in flight.
      if (!this.#dead) await Promise.all(Array.from({ length: DEPTH }, () => this.#slots.take()));
      this.worker.postMessage({ type: 'stop' } satisfies ToWorker);
      const giveUp = setTimeout(() => void this.worker.terminate(), STOP_TIMEOUT_MS);
      await this.#exited;
      clearTimeout(giveUp);
    })();
    return this.#stopping;
  }

  /** Lends the slot's buffers to the worker; they are back in the slot when the promise settles. */
  #infer(slot: Tensors, repeat: number): Promise<Extract<FromWorker, { type: 'done' }>> {
    if (this.#dead) return Promise.reject(this.#dead);
    if (this.#runs.size === 0) this.#busySince = performance.now();
    const id = this.#nextRun;
    this.#nextRun += 1;
    return new Promise((resolve, reject) => {
      this.#runs.set(id, { slot, resolve, reject });
      this.worker.postMessage({ type: 'run', id, tensors: { ...slot }, repeat } satisfies ToWorker, buffersOf(slot));
    });
  }

  #receive(message: FromWorker): void {
    if (message.type !== 'done' && message.type !== 'failed') return;
    const run = this.#runs.get(message.id);
    if (!run) return;
    this.#runs.delete(message.id);
    this.#busySince = performance.now();
    Object.assign(run.slot, message.tensors);
    if (message.type === 'failed') {
      run.reject(new FastsamError('ENGINE_FAILED', `inference failed: ${message.message}`));
      return;
    }
    const last = message.inferMs.at(-1) ?? 0;
    this.#inferMs = this.#inferMs === 0 ? last : this.#inferMs + SMOOTHING * (last - this.#inferMs);
    run.resolve(message);
  }

  #fail(error: FastsamError): void {
    this.#dead ??= error;
    for (const run of this.#runs.values()) run.reject(this.#dead);
    this.#runs.clear();
  }
}

function stopped(): FastsamError {
  return new FastsamError('MISUSE', 'the engine has been stopped');
}

/**
 * Loads a YOLOv8-seg ONNX file and runs it once. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED,
 * ENGINE_UNAVAILABLE (no such execution provider), NATIVE_UNAVAILABLE.
 */
export async function loadOnnxEngine(path: string, options: OnnxEngineOptions = {}): Promise<SegmentationEngine> {
  const addon = native();
  const metadata = await readModelMetadata(path);
  const settings: WorkerSettings = {
    path,
    providers: options.providers ?? ['cpu'],
    threads: options.threads ?? 0,
    dynamicSize: metadata.imgsz ?? DEFAULT_SIZE,
  };
  const worker = new Worker(compiledModule('./segment-worker.js', import.meta.url), {
    workerData: settings,
    name: 'onnxruntime',
    execArgv: [],
  });
  const loaded = await new Promise<Extract<FromWorker, { type: 'loaded' }>>((resolve, reject) => {
    worker.once('error', (error) =>
      reject(new FastsamError('ENGINE_FAILED', `onnxruntime does not start: ${messageOf(error)}`, { cause: error })),
    );
    worker.once('message', (message: FromWorker) => {
      if (message.type === 'loaded') resolve(message);
      if (message.type === 'unloadable') reject(new FastsamError(message.code, message.message));
    });
  });
  const { inputWidth, inputHeight, signature } = loaded;
  const name = basename(path, extname(path));
  const labels = signature.classes > 1 ? Array.from({ length: signature.classes }, (_, k) => metadata.names[k] ?? `class ${k}`) : [];
  const fallback = options.fallback === undefined ? {} : { fallback: options.fallback };
  return new OnnxEngine({ name, backend: 'onnxruntime', inputWidth, inputHeight, labels, ...fallback }, signature, worker, addon);
}
