/** What the app says through MQTT, and what it has to bring. */
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { EventsConfig, JobsConfig, MqttConfig } from '../config/schema.js';
import type {
  Alert,
  AlertMessage,
  CameraEvent,
  CameraStateMessage,
  HealthMessage,
  InfoMessage,
  MqttTelemetry,
  NodeState,
  PromptsMessage,
  ResultMessage,
  TelemetryMessage,
} from '../wire/messages.js';
import type { JobWorkerDeps } from './job-worker.js';
import type { AdminService, CameraService, PromptService } from './services.js';

export interface PublisherDeps {
  readonly config: MqttConfig;
  readonly node: string;
  /** New at every start of the process. */
  readonly bootId: string;
  readonly telemetryIntervalMs: number;
  readonly events: EventsConfig;
  /** Where events wait; it may not exist yet. */
  readonly eventsFile: string;
  readonly prompts: PromptService;
  readonly cameras: CameraService;
  readonly admin: AdminService;
  readonly jobs: JobsConfig;
  /** Does a job of a queue; see job-worker.ts. */
  readonly runJob: JobWorkerDeps['run'];
  /** Opens the stream to a broker in this process, in place of a connection to `config.url`. */
  readonly connect?: (() => Duplex) | undefined;
  /** The link to the broker came up, ended, or could not be made: `link()` has news. */
  readonly onLink?: () => void;
  readonly log: Logger;
}

/** Whether the broker takes everything; where it does not, why, with its reason code. */
export interface LinkState {
  readonly ok: boolean;
  readonly reason?: string;
}

/** Nothing here throws or blocks: what cannot be sent now is kept or dropped by the rules of outbox.ts. */
export interface Publisher {
  /** Returns at once; an unreachable broker is tried again for ever. */
  start(): void;
  /** Takes jobs from the configured queues; to be called once there is a model to do them. */
  takeJobs(): void;
  /** Says `stopping` and `offline`, delivers what waits, disconnects; all within `timeoutMs`. Also when never started or connected. */
  stop(reason: string, timeoutMs: number, last?: 'stopping' | 'degraded'): Promise<void>;
  setState(state: NodeState, reason?: string): void;
  setInfo(info: InfoMessage): void;
  setCameraState(camera: string, message: CameraStateMessage): void;
  setPrompts(message: PromptsMessage): void;
  /** Empties the retained topics of a camera that is no longer configured. */
  removeCamera(camera: string): void;
  /** `message`: as encoded, or its JSON. */
  publishResult(camera: string, message: ResultMessage | string): void;
  publishTelemetry(message: TelemetryMessage): void;
  setHealth(message: HealthMessage): void;
  /** Retained on `alert/<id>` until cleared; said again, it keeps the time since when. */
  setAlert(id: string, alert: Alert): void;
  clearAlert(id: string): void;
  link(): LinkState;
  /** Alerts in force, by id. */
  alerts(): Readonly<Record<string, AlertMessage>>;
  /** Arrives once and in order, whatever becomes of the broker meanwhile, within the bounds of the spool. */
  publishEvent(camera: string, event: CameraEvent): void;
  /** The folder of the events was deleted and made again: what waits is written there once more. */
  reopenEvents(): void;
  /** A JPEG file; the newest wins. */
  publishSnapshot(camera: string, jpeg: Buffer): void;
  stats(): MqttTelemetry;
}
