/** Delivers a camera's results: events, snapshots, and a message where the camera's cadence wants one. */
import type { CameraConfig, PublishConfig } from '../config/schema.js';
import type { CameraEvent } from '../contract/event.js';
import type { ResultMessage } from '../contract/result.js';
import type { SummaryMessage } from '../contract/summary.js';
import type { FollowMessage, TracksData } from '../contract/tracking.js';
import type { Snapshot } from '../control/services.js';
import type { Frame } from '../domain/frame.js';
import type { FrameResult } from '../domain/result.js';
import { Cadence } from '../encode/cadence.js';
import { encodeResult } from '../encode/result.js';
import { encodeJpeg } from '../encode/snapshot.js';
import { summaryOf } from '../encode/summary.js';
import { FastsamError } from '../errors.js';
import type { ResultSink } from '../pipeline/sinks.js';
import type { CameraMeter } from '../telemetry/meter.js';
import type { Zones } from '../zone/zones.js';
import { PromptWatch } from './camera-events.js';
import { FollowWatch, followEvents, ObjectWatch } from './track-events.js';
import { tracksOf } from './tracks-answer.js';

const SNAPSHOT_TIMEOUT_MS = 5000;

export interface CameraDeliveryDeps {
  readonly camera: string;
  readonly identity: { readonly node: string; readonly bootId: string; readonly maxPayloadBytes: number };
  readonly tracking: CameraConfig['tracking'];
  readonly zones: Zones;
  readonly publish: () => PublishConfig;
  readonly eventDebounceMs: number;
  readonly meter: CameraMeter;
  /** Something is turned down at present. */
  readonly governed: () => boolean;
  readonly onResult: (message: ResultMessage, json: string) => void | Promise<void>;
  /** In place of a result, with publish.objects: none. */
  readonly onSummary: (message: SummaryMessage) => void;
  readonly onEvent: (event: CameraEvent) => void;
  /** A followed prompt has changed its state. */
  readonly onFollow: (message: FollowMessage) => void;
  /** Lines and zones have seen a frame of this size; `changed`: and counted. */
  readonly onCounted: (frame: { readonly width: number; readonly height: number }, changed: boolean) => void;
}

export class CameraDelivery implements ResultSink {
  readonly #deps: CameraDeliveryDeps;
  readonly #cadence = new Cadence();
  readonly #prompts = new PromptWatch();
  readonly #objects: ObjectWatch;
  readonly #follow: FollowWatch;
  #last: FrameResult | undefined;
  #wanted: ((snapshot: Promise<Snapshot>) => void)[] = [];

  constructor(deps: CameraDeliveryDeps) {
    this.#deps = deps;
    this.#objects = new ObjectWatch(deps.tracking.events, deps.zones);
    this.#follow = new FollowWatch(deps.camera, deps.identity.bootId);
    if (deps.tracking.enabled) deps.onFollow(this.#follow.start(Date.now()));
  }

  /** The frame belongs to the caller, who keeps it until the promise settles. */
  async take(result: FrameResult, frame: Frame): Promise<void> {
    const { camera, identity, publish, eventDebounceMs, meter, governed, tracking, zones, onResult, onSummary, onEvent } = this.#deps;
    const { objects, maskEncoding, polygonTolerance, ...cadence } = publish();
    const now = performance.now();
    for (const event of this.#prompts.observe(result.answers, result.promptRevision, eventDebounceMs, now)) onEvent(event);
    this.#takeTracks(result, now);
    if (this.#wanted.length > 0) await this.#takeSnapshot(frame);
    const seen = {
      objects: result.segments.count,
      answers: result.answers,
      ...(result.text && { text: result.text }),
      ...(result.tracks && { tracking: { tracks: result.tracks, eventsDropped: this.#objects.dropped } }),
    };
    const due = this.#cadence.admit(result, cadence, now);
    if (!due || objects === 'none') {
      const { timings, captured } = result;
      const total = Number(process.hrtime.bigint() - captured.monotonicNs) / 1e6;
      meter.record({ latencyMs: { ...timings, total }, ...seen }, now);
      if (due) onSummary(summaryOf(due, governed()));
      return;
    }
    const { message, json } = await encodeResult(due, {
      ...identity,
      camera,
      objects,
      maskEncoding,
      polygonTolerance,
      publishMotion: tracking.publishMotion,
      zonesOf: (track) => zones.zonesOf(track),
      degraded: governed(),
    });
    meter.record({ latencyMs: message.latencyMs, ...seen }, performance.now());
    await onResult(message, json);
  }

  /** The tracks of the latest frame. */
  tracks(): TracksData[number] {
    const { camera, identity, zones } = this.#deps;
    return tracksOf(this.#last, { camera, bootId: identity.bootId, zonesOf: (track) => zones.zonesOf(track) });
  }

  /** What a frame's tracks did: prompts that lost or found their object, objects that came and went, crossings, visits. */
  #takeTracks(result: FrameResult, now: number): void {
    const { tracks, segments, answers, trackTimeMs } = result;
    if (!tracks || trackTimeMs === undefined) return;
    const { zones, onEvent, onFollow, onCounted } = this.#deps;
    for (const event of [...followEvents(result), ...this.#objects.observe(result, now)]) onEvent(event);
    const counted = zones.observe(segments, tracks, trackTimeMs, answers);
    for (const event of counted) onEvent(event.type === 'line-crossed' ? { ...event, at: [...event.at] } : event);
    onCounted(segments, counted.length > 0);
    const follow = this.#follow.observe(result);
    if (follow) onFollow(follow);
    this.#last = result;
  }

  /** The next frame. Errors: REQUEST_FORBIDDEN where snapshots are off, SOURCE_TIMEOUT when no frame comes. */
  snapshot(): Promise<Snapshot> {
    const { camera, publish } = this.#deps;
    if (!publish().snapshots) {
      const message = `snapshots of camera "${camera}" are off; expected publish.snapshots: true in its configuration`;
      return Promise.reject(new FastsamError('REQUEST_FORBIDDEN', message));
    }
    return new Promise((resolve, reject) => {
      const take = (snapshot: Promise<Snapshot>) => {
        clearTimeout(timer);
        resolve(snapshot);
      };
      const timer = setTimeout(() => {
        this.#wanted = this.#wanted.filter((each) => each !== take);
        reject(
          new FastsamError('SOURCE_TIMEOUT', `camera "${camera}" sent no frame within ${SNAPSHOT_TIMEOUT_MS / 1000} s; see its state`),
        );
      }, SNAPSHOT_TIMEOUT_MS);
      this.#wanted.push(take);
    });
  }

  async #takeSnapshot(frame: Frame): Promise<void> {
    const wanted = this.#wanted.splice(0);
    const { width, height, captured } = frame;
    const snapshot = encodeJpeg(frame).then((jpeg) => ({ jpeg, width, height, capturedAtMs: captured.wallMs }));
    for (const take of wanted) take(snapshot);
    await snapshot.catch(() => undefined);
  }
}
