/** One configured camera at work: its source, its pipeline, its meter, its results on the wire. */
import type { Logger } from 'pino';
import { redactUri } from '../config/redact.js';
import type { CameraConfig, PublishConfig, SegmentationConfig } from '../config/schema.js';
import type { FrameResult } from '../domain/result.js';
import { encodeResult } from '../encode/result.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { type AppliedPrompts, runPipeline } from '../pipeline/pipeline.js';
import { Camera, type CameraStatus } from '../source/camera.js';
import type { SourceOptions } from '../source/source.js';
import { CameraMeter } from '../telemetry/meter.js';
import type { ResultMessage } from '../wire/result.js';
import type { Progress } from './health/progress.js';

/** What may change while the camera runs. */
export interface CameraSettings {
  readonly publish: PublishConfig;
  readonly segmentation: SegmentationConfig;
}

export interface CameraTaskDeps {
  readonly config: CameraConfig;
  readonly engine: SegmentationEngine;
  readonly settings: () => CameraSettings;
  readonly prompts: (frameWidth: number, frameHeight: number) => AppliedPrompts;
  readonly identity: { readonly node: string; readonly bootId: string; readonly maxPayloadBytes: number };
  readonly onStatus: (status: CameraStatus) => void;
  /** The next result waits for it. */
  readonly onResult: (message: ResultMessage, json: string) => void | Promise<void>;
  /** Told of every result under way. */
  readonly delivering: Progress;
  readonly log: Logger;
}

export class CameraTask {
  readonly id: string;
  readonly meter: CameraMeter;
  readonly #deps: CameraTaskDeps;
  readonly #camera: Camera;
  #lastFrameAt: bigint | undefined;
  #running: Promise<void> | undefined;

  constructor(deps: CameraTaskDeps) {
    const { config, log } = deps;
    this.id = config.id;
    this.#deps = deps;
    this.meter = new CameraMeter(config.id);
    const onStatus = (status: CameraStatus) => {
      log[logLevel(status)]({ camera: config.id, reason: status.reason }, `camera ${config.id}: ${status.phase}`);
      deps.onStatus(status);
    };
    this.#camera = new Camera({ uri: config.source, options: sourceOptions(config), onWedged: config.onWedged, onStatus });
  }

  get status(): CameraStatus {
    return this.#camera.status;
  }

  /** Milliseconds since the last frame was captured; null before the first. */
  get lastFrameAgeMs(): number | null {
    return this.#lastFrameAt === undefined ? null : Number(process.hrtime.bigint() - this.#lastFrameAt) / 1e6;
  }

  /**
   * Settles when the camera was stopped; one that is lost or has ended says so and waits. Errors: those that concern every
   * camera, the engine's and SOURCE_WEDGED with `onWedged: restart-process`.
   */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Closes the camera until `resume`. */
  pause(): Promise<void> {
    return this.#camera.pause();
  }

  resume(): Promise<void> {
    return this.#camera.resume();
  }

  /** Opens the camera anew at once, also one that has ended, is wedged or paused. */
  restart(): Promise<void> {
    return this.#camera.restart();
  }

  /** Takes no more frames; `run` settles when the one in flight is delivered. */
  stop(): Promise<void> {
    return this.#camera.stop();
  }

  async #run(): Promise<void> {
    const { engine, prompts, settings, log } = this.#deps;
    log.info({ camera: this.id, source: redactUri(this.#deps.config.source) }, `camera ${this.id}: opening`);
    await runPipeline({
      source: this.#camera,
      engine,
      segmentation: () => settings().segmentation,
      prompts,
      deliver: (result) => this.#deps.delivering.watch(() => this.#deliver(result)),
    });
  }

  async #deliver(result: FrameResult): Promise<void> {
    const { identity, settings, onResult } = this.#deps;
    const { publish } = settings();
    this.#lastFrameAt = result.captured.monotonicNs;
    const { message, json } = await encodeResult(result, {
      ...identity,
      camera: this.id,
      objects: publish.objects,
      maskEncoding: publish.maskEncoding,
      polygonTolerance: publish.polygonTolerance,
    });
    this.meter.record({ latencyMs: message.latencyMs, dropped: message.dropped }, performance.now());
    await onResult(message, json);
  }
}

/** A camera that stays away is tried again and again: only that it is away is news. */
function logLevel({ phase, reason }: CameraStatus): 'debug' | 'info' | 'warn' | 'error' {
  if (phase === 'wedged') return 'error';
  if (phase === 'lost') return 'warn';
  return phase === 'connecting' && reason !== undefined ? 'debug' : 'info';
}

function sourceOptions({ width, height, fps, loop, realtime, stallTimeoutMs, expectIdle }: CameraConfig): SourceOptions {
  return {
    loop,
    realtime,
    stallTimeoutMs,
    expectIdle,
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(fps === undefined ? {} : { fps }),
  };
}
