/** One configured camera at work: its source, its pipeline, its meter, its results on the wire. */
import type { Logger } from 'pino';
import type { CameraConfig, PublishConfig, SegmentationConfig } from '../config/schema.js';
import { sourceName, withoutSource } from '../config/source-name.js';
import type { CameraEvent } from '../contract/event.js';
import type { BoundData, CameraTelemetry, FollowMessage, TracksData } from '../contract/messages.js';
import type { ResultMessage } from '../contract/result.js';
import type { SummaryMessage } from '../contract/summary.js';
import type { Snapshot } from '../control/services.js';
import type { FollowedPrompt } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import type { SegmentationEngine } from '../engine/engine.js';
import type { EngineScheduler, Gate } from '../engine/scheduler.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import type { AppliedPrompts } from '../pipeline/analyse.js';
import { runPipeline } from '../pipeline/pipeline.js';
import type { ResultSink } from '../pipeline/sinks.js';
import { Camera, type CameraStatus } from '../source/camera.js';
import type { SourceOptions } from '../source/source.js';
import { CameraMeter } from '../telemetry/meter.js';
import type { TextStage } from '../text/stage.js';
import { TrackStage } from '../track/stage.js';
import type { Zones } from '../zone/zones.js';
import { CameraDelivery } from './camera-delivery.js';
import { CameraWatch } from './camera-events.js';
import { sourceOptions } from './camera-options.js';
import { gated } from './governor/gate.js';
import type { DegradationLevel } from './governor/levels.js';
import type { Progress } from './health/progress.js';

/** More failed frames without a good one in between are no accident of a frame: the engine or the delivery is broken. */
const MAX_FAILED_IN_A_ROW = 10;
/** What a camera does that gave no frame the better way. */
const INSTEAD = {
  copied: 'its frames cannot be read in device memory, they are copied instead',
  cpu: 'the hardware decoder failed, the processor decodes instead',
} as const;

/** What may change while the camera runs. */
export interface CameraSettings {
  readonly publish: PublishConfig;
  readonly segmentation: SegmentationConfig;
}

export interface CameraTaskDeps {
  readonly config: CameraConfig;
  readonly engine: SegmentationEngine;
  /** Shared by all cameras of the engine. */
  readonly scheduler: EngineScheduler;
  readonly settings: () => CameraSettings;
  readonly prompts: (frameWidth: number, frameHeight: number) => AppliedPrompts;
  readonly text: TextStage;
  readonly identity: { readonly node: string; readonly bootId: string; readonly maxPayloadBytes: number };
  /** `lastFrameAgeMs`: as of the task. */
  readonly onStatus: (status: CameraStatus, lastFrameAgeMs: number | null) => void;
  /** The next result waits for it. */
  readonly onResult: (message: ResultMessage, json: string) => void | Promise<void>;
  /** In place of a result, with publish.objects: none. */
  readonly onSummary: (message: SummaryMessage) => void;
  /** Told of every result, before anything is done with it. */
  readonly onSegmented: (result: FrameResult) => void;
  /** Told of every result under way. */
  readonly delivering: Progress;
  /** What the governor has turned down at present. */
  readonly degradation: () => DegradationLevel;
  /** Further consumers of the results, after what is published. */
  readonly sinks: ResultSink;
  readonly eventDebounceMs: number;
  readonly onEvent: (event: CameraEvent) => void;
  /** What counts the camera's objects; it outlives the task. */
  readonly zones: Zones;
  /** The least id that the first track may have. */
  readonly firstTrackId: number;
  /** Told of the largest track id once the task has ended. */
  readonly onTrackId: (last: number) => void;
  readonly onFollow: (message: FollowMessage) => void;
  readonly onCounted: (frame: { readonly width: number; readonly height: number }, changed: boolean) => void;
  readonly log: Logger;
}

export class CameraTask {
  readonly id: string;
  readonly meter: CameraMeter;
  readonly #deps: CameraTaskDeps;
  readonly #camera: Camera;
  readonly #delivery: CameraDelivery;
  readonly #gate: Gate;
  readonly #tracking: TrackStage | undefined;
  #lastFrameAt: bigint | undefined;
  #failedInARow = 0;
  #lastCorrupt: CameraTelemetry['lastCorrupt'];
  #running: Promise<void> | undefined;

  constructor(deps: CameraTaskDeps) {
    const { config, log } = deps;
    this.id = config.id;
    this.#deps = deps;
    const watch = new CameraWatch();
    const onStatus = (status: CameraStatus) => {
      log[logLevel(status)]({ camera: config.id, reason: status.reason }, `camera ${config.id}: ${status.phase}`);
      deps.onStatus(status, this.lastFrameAgeMs);
      const event = watch.observe(status.phase, status.reason, status.enteredAt);
      if (event) deps.onEvent(event);
    };
    const onCorrupt = (error: Error, path: string) => {
      const source = withoutSource(path, config.source).slice(-1000);
      const reason = withoutSource(messageOf(error), config.source).slice(0, 1000);
      log.warn({ camera: config.id, source, reason }, `camera ${config.id}: ${source} cannot be read and is left out`);
      this.#lastCorrupt = { source, reason, at: new Date().toISOString() };
      deps.onEvent({ type: 'input-corrupt', source, reason });
    };
    const onFallback: SourceOptions['onFallback'] = (to, why) =>
      log.warn({ camera: config.id, reason: why }, `camera ${config.id}: ${INSTEAD[to]}`);
    this.#camera = new Camera({
      uri: config.source,
      options: { ...sourceOptions(config), onCorrupt, onFallback },
      region: config.roi,
      maxFps: config.maxFps,
      onWedged: config.onWedged,
      onStatus,
    });
    this.meter = new CameraMeter(config.id, () => ({
      received: this.#camera.received(),
      dropped: this.#camera.dropped(),
      ...(this.#lastCorrupt && { lastCorrupt: this.#lastCorrupt }),
    }));
    this.#gate = deps.scheduler.gate(config.priority);
    this.#delivery = new CameraDelivery({
      ...deps,
      governed: () => deps.degradation().name !== '',
      camera: config.id,
      tracking: config.tracking,
      publish: () => deps.settings().publish,
      meter: this.meter,
    });
    // The parts that an inspection judges lie on one belt.
    const oneMotion = config.inspection !== undefined;
    this.#tracking = config.tracking.enabled ? new TrackStage({ ...config.tracking, firstId: deps.firstTrackId, oneMotion }) : undefined;
    deps.zones.restartTracks();
  }

  get status(): CameraStatus {
    return this.#camera.status;
  }

  /** Milliseconds since the last frame was captured; null before the first. */
  get lastFrameAgeMs(): number | null {
    return this.#lastFrameAt === undefined ? null : Number(process.hrtime.bigint() - this.#lastFrameAt) / 1e6;
  }

  /** Frames that came while the network was busy, so far; undefined for a source that waits for the network. */
  get missed(): number | undefined {
    if (!this.#camera.live) return undefined;
    const { busy = 0, stale = 0 } = this.#camera.dropped();
    return busy + stale;
  }

  /**
   * Settles when the camera was stopped; one that is lost or has ended says so and waits. Errors: those that concern every
   * camera, the engine's and SOURCE_WEDGED with `onWedged: restart-process`.
   */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      if (this.#tracking) this.#deps.onTrackId(this.#tracking.lastId);
    });
    return this.#running;
  }

  /** Closes the camera until `resume`. */
  pause(): Promise<void> {
    return this.#camera.pause();
  }

  resume(): Promise<void> {
    return this.#camera.resume();
  }

  /** Closes the camera and opens it again at once, also one that has ended, is wedged or paused. */
  restart(): Promise<void> {
    return this.#camera.restart();
  }

  /** The next frame as a JPEG. Errors: as CameraService.snapshot. */
  snapshot(): Promise<Snapshot> {
    return this.#delivery.snapshot();
  }

  /** Whether objects have tracks. */
  get isTracking(): boolean {
    return this.#tracking !== undefined;
  }

  /** Tracks of the latest frame. */
  tracks(): TracksData[number] {
    return this.#delivery.tracks();
  }

  /** The objects of new prompts that follow, as far as they are known at once. Errors: TRACKING_OFF, PROMPT_INVALID. */
  bind(prompts: readonly FollowedPrompt[]): BoundData['bound'] {
    const tracking = this.#tracking;
    if (!tracking) throw trackingOff(this.id);
    const { bootId } = this.#deps.identity;
    return prompts.flatMap((prompt) => {
      const seenIn = prompt.type === 'track' ? prompt.bootId : 'at' in prompt ? prompt.at?.bootId : undefined;
      if (seenIn !== undefined && seenIn !== bootId) {
        const message = `prompt "${prompt.id}": bootId ${seenIn} is of an earlier run; expected ${bootId} and a result of this run`;
        throw new FastsamError('PROMPT_INVALID', message);
      }
      const track = tracking.bind(prompt);
      return track === undefined ? [] : [{ prompt: prompt.id, camera: this.id, track }];
    });
  }

  /** Takes no more frames; `run` settles when the one in flight is delivered. */
  stop(): Promise<void> {
    return this.#camera.stop();
  }

  /** Whether the error is that of one odd frame, which is logged and left out. */
  #skipFailed(error: unknown): boolean {
    this.#failedInARow += 1;
    if (concernsProcess(error) || this.#failedInARow > MAX_FAILED_IN_A_ROW) return false;
    if (this.#failedInARow === 1)
      this.#deps.log.error({ err: error, camera: this.id }, `camera ${this.id}: a frame failed and is left out`);
    return true;
  }

  async #run(): Promise<void> {
    const { config, delivering, engine, sinks, prompts, text, settings, degradation, log } = this.#deps;
    log.info({ camera: this.id, source: sourceName(config.source) }, `camera ${this.id}: opening`);
    await runPipeline({
      source: gated(this.#camera, degradation),
      engine,
      gate: this.#gate,
      maxFrameAgeMs: config.maxFrameAgeMs,
      segmentation: () => settings().segmentation,
      skipFailed: (error) => this.#skipFailed(error),
      prompts,
      text,
      tracking: this.#tracking,
      deliver: (result, frame) => {
        this.#lastFrameAt = result.captured.monotonicNs;
        this.#deps.onSegmented(result);
        return delivering.watch(async () => {
          await this.#delivery.take(result, frame);
          await sinks.take(result, frame);
          this.#failedInARow = 0;
        });
      },
    });
  }
}

/** Something was asked of a camera that needs tracks. */
export function trackingOff(camera: string): FastsamError {
  return new FastsamError('TRACKING_OFF', `camera "${camera}" does not track; expected tracking.enabled: true in its configuration`);
}

/** Errors that the next frame would meet as well. */
function concernsProcess(error: unknown): boolean {
  return isFastsamError(error, 'ENGINE_LOST', 'ENGINE_UNAVAILABLE', 'NATIVE_UNAVAILABLE', 'OUTPUT_UNWRITABLE');
}

/** A camera that stays away is tried again and again: only that it is away is news. */
function logLevel({ phase, reason }: CameraStatus): 'debug' | 'info' | 'warn' | 'error' {
  if (phase === 'wedged') return 'error';
  if (phase === 'lost') return 'warn';
  return phase === 'connecting' && reason !== undefined ? 'debug' : 'info';
}
