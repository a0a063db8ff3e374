/** Builds the cameras' tasks from the parts of the daemon, and says on the status board how each camera is. */
import type { Logger } from 'pino';
import type { LiveConfig } from '../config/live-config.js';
import type { CameraConfig } from '../config/schema.js';
import type { ResultMessage } from '../contract/result.js';
import type { RecentResults } from '../pipeline/recent-results.js';
import type { ResultSink } from '../pipeline/sinks.js';
import type { PromptRegister } from '../prompt/register.js';
import type { CameraStatus } from '../source/camera.js';
import type { StatusBoard } from '../status/board.js';
import type { Feed } from '../status/feed.js';
import { TextStage } from '../text/stage.js';
import type { TextModel } from '../text/text-model.js';
import type { ZoneRegister } from '../zone/register.js';
import { CameraTask } from './camera-task.js';
import type { NodeGovernor } from './governor/node-governor.js';
import type { Progress } from './health/progress.js';
import type { NodeEngine } from './node-engine.js';

export interface CameraFactoryDeps {
  readonly live: LiveConfig;
  readonly bootId: string;
  readonly engine: NodeEngine;
  readonly register: PromptRegister;
  readonly zones: ZoneRegister;
  readonly text: TextModel;
  readonly governor: NodeGovernor;
  /** Results under way. */
  readonly delivering: Progress;
  readonly recent: RecentResults;
  readonly status: StatusBoard;
  readonly feed: Feed;
  /** The camera's next result waits for it. */
  readonly onResult?: ((message: ResultMessage) => void | Promise<void>) | undefined;
  /** Aborted when the daemon stops: the phases of cameras that are stopped with it are not published. */
  readonly stopping: AbortSignal;
  readonly log: Logger;
}

export class CameraFactory {
  readonly #deps: CameraFactoryDeps;
  /** By camera: the track ids of a camera that starts again go on. */
  readonly #nextTrackIds = new Map<string, number>();

  constructor(deps: CameraFactoryDeps) {
    this.#deps = deps;
  }

  /** The task does nothing before its `run`. The engine must be open. */
  create(config: CameraConfig, sinks: ResultSink): CameraTask {
    const { live, bootId, engine, register, zones, text, governor, delivering, recent, status, feed, onResult, log } = this.#deps;
    const { id } = config;
    const { node, mqtt, events } = live.current;
    // Of a camera that has just been removed the last frame is still delivered as before.
    const publish = () => (live.current.cameras.find((camera) => camera.id === id) ?? config).publish;
    return new CameraTask({
      config,
      ...engine.opened!,
      sinks,
      settings: () => {
        const { segmentation } = live.current;
        // A side that was moved onto the border of the frame is no side of the part.
        return { publish: publish(), segmentation: config.inspection ? { ...segmentation, snapToBorder: 0 } : segmentation };
      },
      prompts: (width, height) => register.take(id, width, height),
      text: new TextStage({ model: text, share: () => governor.degradation.textShare }),
      identity: { node, bootId, maxPayloadBytes: mqtt.maxPayloadBytes },
      onStatus: (camera, lastFrameAgeMs) => this.#publishPhase(id, camera, lastFrameAgeMs),
      eventDebounceMs: events.debounceMs,
      onEvent: (event) => feed.event(id, event),
      onSegmented: (result) => recent.add(id, result),
      onResult: (message, json) => {
        feed.result(id, json);
        return onResult?.(message);
      },
      onSummary: (message) => feed.summary(id, message),
      zones: zones.zonesOf(id),
      firstTrackId: this.#nextTrackIds.get(id) ?? 1,
      onTrackId: (last) => this.#nextTrackIds.set(id, last + 1),
      onFollow: (message) => status.setFollow(message),
      onCounted: (frame, changed) => zones.counted(id, frame, changed),
      delivering,
      degradation: () => governor.degradation,
      log,
    });
  }

  /** The camera is no longer configured, and has stopped. */
  forget(id: string): void {
    const { register, recent, zones, status } = this.#deps;
    register.forget(id);
    recent.forget(id);
    zones.forget(id);
    this.#nextTrackIds.delete(id);
    status.removeCamera(id);
  }

  #publishPhase(id: string, { phase, since, reconnects, reason }: CameraStatus, lastFrameAgeMs: number | null): void {
    if (this.#deps.stopping.aborted) return;
    this.#deps.status.setCameraState(id, {
      v: 1,
      state: phase,
      since: new Date(since).toISOString(),
      reconnects,
      lastFrameAgeMs,
      ...(reason === undefined ? {} : { reason: reason.slice(0, 1000) }),
    });
  }
}
