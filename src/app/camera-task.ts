/** One configured camera at work: its source, its pipeline, its meter, its results on the wire. */
import type { Logger } from 'pino';
import { redactUri } from '../config/redact.js';
import type { CameraConfig, PublishConfig, SegmentationConfig } from '../config/schema.js';
import type { FrameResult } from '../domain/result.js';
import { encodeResult } from '../encode/result.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { isFastsamError, messageOf } from '../errors.js';
import { type AppliedPrompts, runPipeline } from '../pipeline/pipeline.js';
import { Camera, type CameraStatus } from '../source/camera.js';
import type { SourceOptions } from '../source/source.js';
import { CameraMeter } from '../telemetry/meter.js';
import type { ResultMessage } from '../wire/result.js';

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
  readonly onResult: (message: ResultMessage, json: string) => void;
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
      const level = status.phase === 'lost' ? 'warn' : 'info';
      log[level]({ camera: config.id, reason: status.reason }, `camera ${config.id}: ${status.phase}`);
      deps.onStatus(status);
    };
    this.#camera = new Camera({ uri: config.source, options: sourceOptions(config), onStatus });
  }

  get status(): CameraStatus {
    return this.#camera.status;
  }

  /** Milliseconds since the last frame was captured; null before the first. */
  get lastFrameAgeMs(): number | null {
    return this.#lastFrameAt === undefined ? null : Number(process.hrtime.bigint() - this.#lastFrameAt) / 1e6;
  }

  /**
   * Settles when the camera has ended or was stopped. A camera that can not be opened at all is lost for good and says
   * so; the others go on. Errors: those of the engine, which concern every camera.
   */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Takes no more frames; `run` settles when the one in flight is delivered. */
  stop(): Promise<void> {
    return this.#camera.stop();
  }

  async #run(): Promise<void> {
    const { engine, prompts, settings, log } = this.#deps;
    log.info({ camera: this.id, source: redactUri(this.#deps.config.source) }, `camera ${this.id}: opening`);
    try {
      await runPipeline({
        source: this.#camera,
        engine,
        segmentation: () => settings().segmentation,
        prompts,
        deliver: (result) => this.#deliver(result),
      });
    } catch (error) {
      const ofThisCamera = isFastsamError(error) && error.code.startsWith('SOURCE_');
      if (!ofThisCamera) throw error;
      log.error({ camera: this.id, code: error.code, reason: messageOf(error) }, `camera ${this.id}: given up`);
    }
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
    onResult(message, json);
  }
}

function sourceOptions({ width, height, fps, loop, realtime }: CameraConfig): SourceOptions {
  return {
    loop,
    realtime,
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(fps === undefined ? {} : { fps }),
  };
}
