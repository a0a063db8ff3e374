/** What the app says through MQTT, and what it has to bring. */
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { EventsConfig, JobsConfig, MqttConfig } from '../config/schema.js';
import type { CameraEvent, MqttTelemetry, ResultMessage, SummaryMessage, TelemetryMessage } from '../contract/messages.js';
import type { Control } from '../control/control.js';
import type { StatusBoard } from '../status/board.js';
import type { EventIdentity } from '../status/feed.js';
import type { JobWorkerDeps } from './job-worker.js';

export interface PublisherDeps {
  readonly config: MqttConfig;
  readonly node: string;
  /** New at every start of the process. */
  readonly bootId: string;
  /** At present: telemetry that is not delivered expires after two intervals. */
  readonly telemetryIntervalMs: () => number;
  readonly events: EventsConfig;
  /** Where events wait; it may not exist yet. */
  readonly eventsFile: string;
  /** Where retained topics are remembered; it may not exist yet. */
  readonly retainedFile: string;
  /** Whether a configured camera tracks. */
  readonly tracking: (camera: string) => boolean;
  /** Requests go there. */
  readonly control: Pick<Control, 'handle'>;
  /** Retained topics are what is on it. */
  readonly status: StatusBoard;
  readonly jobs: JobsConfig;
  /** Does a job of a queue; see job-worker.ts. */
  readonly runJob: JobWorkerDeps['run'];
  /** Opens the stream to a broker in this process, in place of a connection to `config.url`. */
  readonly connect?: (() => Duplex) | undefined;
  readonly log: Logger;
}

/** Whether the broker takes everything; where it does not, why, with its reason code. */
export interface LinkState {
  readonly ok: boolean;
  readonly reason?: string;
}

/** Nothing here throws or blocks: what cannot be sent now is kept or dropped by the rules of outbox.ts. */
export interface Publisher {
  /** Returns at once; an unreachable broker is tried again without end. */
  start(): void;
  /** Takes jobs from the configured queues; to be called once there is a model to do them. */
  takeJobs(): void;
  /** Says `stopping` and `offline`, delivers what waits, disconnects; all within `timeoutMs`. Also when never started or connected. */
  stop(reason: string, timeoutMs: number, last?: 'stopping' | 'degraded'): Promise<void>;
  /** `message`: as encoded, or its JSON. */
  publishResult(camera: string, message: ResultMessage | string): void;
  publishSummary(camera: string, message: SummaryMessage): void;
  publishTelemetry(message: TelemetryMessage): void;
  link(): LinkState;
  /** `listener` is called when the link to the broker came up, ended, or could not be made. */
  onLinkChange(listener: () => void): void;
  /** Arrives once and in order, whatever becomes of the broker meanwhile, within the bounds of the spool. */
  publishEvent(camera: string, event: CameraEvent, identity?: EventIdentity): void;
  /** The folder of the events was deleted and made again: what waits is written there once more. */
  reopenEvents(): void;
  /** A JPEG file; the newest wins. Returns its topic. */
  publishSnapshot(camera: string, jpeg: Buffer): string;
  /** The same for a picture of a verdict. */
  publishEvidence(camera: string, jpeg: Buffer): string;
  stats(): MqttTelemetry;
}
