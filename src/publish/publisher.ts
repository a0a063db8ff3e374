/** The node's voice and ear on MQTT: everything the app publishes, and the requests it is sent, go through here. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { MqttConfig } from '../config/schema.js';
import { messageOf } from '../errors.js';
import { toTimestamp } from '../wire/common.js';
import type {
  Alert,
  AlertMessage,
  CameraEvent,
  CameraStateMessage,
  EventMessage,
  HealthMessage,
  InfoMessage,
  MqttTelemetry,
  NodeState,
  PromptsMessage,
  ResultMessage,
  SchemaName,
  StateMessage,
  TelemetryMessage,
} from '../wire/messages.js';
import { topicsOf } from '../wire/topics.js';
import { AvailabilityBeacon } from './availability.js';
import type { Connection, InboundMessage } from './connection.js';
import { Deadline } from './deadline.js';
import { Delivery } from './delivery.js';
import { EventSpool } from './event-spool.js';
import { MemoryEventStore } from './event-store.js';
import { Outbox } from './outbox.js';
import type { Publication } from './publication.js';
import { type RequestCounts, Requests } from './requests.js';
import type { AdminService, CameraService, PromptService } from './services.js';
import { Session } from './session.js';

/** Undelivered results are old news after this long. MQTT counts expiry in whole seconds. */
const RESULT_EXPIRY_S = 1;

/** For saying offline when only the main connection broke. */
const BEACON_STOP_MS = 1000;

export interface PublisherDeps {
  readonly config: MqttConfig;
  readonly node: string;
  /** New at every start of the process. */
  readonly bootId: string;
  readonly telemetryIntervalMs: number;
  readonly prompts: PromptService;
  readonly cameras: CameraService;
  readonly admin: AdminService;
  readonly log: Logger;
}

/** Nothing here throws or blocks: what cannot be sent now is kept or dropped by the rules of outbox.ts. */
export interface Publisher {
  /** Returns at once; an unreachable broker is tried again for ever. */
  start(): void;
  /** Says `stopping` and `offline`, delivers what waits, disconnects; all within `timeoutMs`. Also when never started or connected. */
  stop(reason: string, timeoutMs: number, last?: 'stopping' | 'degraded'): Promise<void>;
  setState(state: NodeState, reason?: string): void;
  setInfo(info: InfoMessage): void;
  setCameraState(camera: string, message: CameraStateMessage): void;
  setPrompts(message: PromptsMessage): void;
  /** `message`: as encoded, or its JSON. */
  publishResult(camera: string, message: ResultMessage | string): void;
  publishTelemetry(message: TelemetryMessage): void;
  setHealth(message: HealthMessage): void;
  /** Retained on `alert/<id>` until cleared; said again, it keeps the time since when. */
  setAlert(id: string, alert: Alert): void;
  clearAlert(id: string): void;
  /** Alerts in force, by id. */
  alerts(): Readonly<Record<string, AlertMessage>>;
  /** Arrives once and in order, whatever becomes of the broker meanwhile, within the bounds of the spool. */
  publishEvent(camera: string, event: CameraEvent): void;
  /** A JPEG file; the newest wins. */
  publishSnapshot(camera: string, jpeg: Buffer): void;
  stats(): MqttTelemetry & { readonly requests: Readonly<RequestCounts> };
}

export function createPublisher(deps: PublisherDeps): Publisher {
  return new MqttPublisher(deps);
}

class MqttPublisher implements Publisher {
  readonly #deps: PublisherDeps;
  readonly #topics;
  readonly #outbox: Outbox;
  readonly #events: EventSpool;
  readonly #alerts = new Map<string, AlertMessage>();
  readonly #requests: Requests;
  readonly #session: Session;
  readonly #beacon: AvailabilityBeacon;
  #delivery: Delivery | undefined;
  #connectedSinceMs: number | undefined;
  /** Messages delivered over earlier connections. */
  #published = 0;
  #state: NodeState = 'init';
  #info: InfoMessage | undefined;
  #health: HealthMessage | undefined;

  constructor(deps: PublisherDeps) {
    const { config, node, prompts, cameras, admin, log } = deps;
    this.#deps = deps;
    const topics = topicsOf(config.prefix, node, config.groups);
    this.#topics = topics;
    this.#outbox = new Outbox({ lastTopic: topics.state, nameOf: topics.relative });
    this.#events = new EventSpool({
      openStore: async () => new MemoryEventStore({ maxBytes: 10_000_000, maxAgeS: 86_400 }),
      replayPerSecond: 50,
      onReady: () => this.#delivery?.wake(),
      log,
    });
    this.#requests = new Requests({
      node,
      topics,
      maxRequestBytes: config.maxRequestBytes,
      responsePrefix: (config.responsePrefix ?? `${config.prefix}/clients`).replace(/\/?$/, '/'),
      prompts,
      cameras,
      ...(config.admin && { admin }),
      ping: () => ({ v: 1, bootId: deps.bootId, ts: toTimestamp(Date.now()), state: this.#state }),
      info: () => this.#info,
      health: () => ({ health: this.#health ?? null, alerts: this.alerts() }),
      publishSnapshot: (camera, { jpeg }) => {
        this.publishSnapshot(camera, jpeg);
        return topics.snapshot(camera);
      },
      respond: (publication) => {
        this.#outbox.putResponse(publication);
        this.#delivery?.wake();
      },
      log,
    });
    const clientId = config.clientId ?? `fastsamd-${node}`;
    this.#beacon = new AvailabilityBeacon({ config, clientId, topic: topics.availability, log });
    this.#session = new Session({
      config,
      clientId,
      will: { topic: topics.state, payload: this.#stateMessage('lost'), qos: 1, retain: true },
      log,
      onMessage: (message) => this.#receive(message),
      onUp: (connection) => this.#goOnline(connection),
      onDown: () => this.#goOffline(),
    });
    this.setState(this.#state);
  }

  start(): void {
    const { config, log } = this.#deps;
    if (config.tls.insecure) log.warn('mqtt.tls.insecure: any certificate is accepted; expected false outside of a bench');
    this.#events.start();
    this.#session.start();
  }

  async stop(reason: string, timeoutMs: number, last: 'stopping' | 'degraded' = 'stopping'): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    this.setState(last, reason);
    if (this.#delivery) await deadline.wait(this.#delivery.idle());
    await Promise.all([this.#beacon.stop(deadline.leftMs), this.#session.stop(deadline.leftMs), this.#events.stop()]);
  }

  setState(state: NodeState, reason?: string): void {
    this.#state = state;
    this.#retain(this.#topics.state, this.#stateMessage(state, reason), 'fastsam.v1.state');
  }

  setInfo(info: InfoMessage): void {
    this.#info = info;
    this.#retain(this.#topics.info, JSON.stringify(info), 'fastsam.v1.info');
  }

  setCameraState(camera: string, message: CameraStateMessage): void {
    this.#retain(this.#topics.cameraState(camera), JSON.stringify(message), 'fastsam.v1.camera-state');
  }

  setPrompts(message: PromptsMessage): void {
    this.#retain(this.#topics.prompts(message.camera), JSON.stringify(message), 'fastsam.v1.prompts');
  }

  publishResult(camera: string, message: ResultMessage | string): void {
    this.#sample(this.#topics.result(camera), message, { expiryS: RESULT_EXPIRY_S, schema: 'fastsam.v1.result' });
  }

  publishTelemetry(message: TelemetryMessage): void {
    const expiryS = Math.ceil((2 * this.#deps.telemetryIntervalMs) / 1000);
    this.#sample(this.#topics.telemetry, message, { expiryS, schema: 'fastsam.v1.telemetry' });
  }

  setHealth(message: HealthMessage): void {
    this.#health = message;
    this.#retain(this.#topics.health, JSON.stringify(message), 'fastsam.v1.health');
  }

  setAlert(id: string, { severity, message }: Alert): void {
    const known = this.#alerts.get(id);
    if (known?.severity === severity && known.message === message) return;
    const alert: AlertMessage = { severity, message, since: known?.since ?? toTimestamp(Date.now()) };
    this.#alerts.set(id, alert);
    this.#retain(this.#topics.alert(id), JSON.stringify(alert), 'fastsam.v1.alert');
  }

  clearAlert(id: string): void {
    if (!this.#alerts.delete(id)) return;
    this.#outbox.clearState(this.#topics.alert(id));
    this.#delivery?.wake();
  }

  alerts(): Readonly<Record<string, AlertMessage>> {
    return Object.fromEntries(this.#alerts);
  }

  publishEvent(camera: string, event: CameraEvent): void {
    const { node, bootId } = this.#deps;
    const ts = toTimestamp(Date.now());
    const message: EventMessage = { v: 1, node, camera, bootId, eventId: randomUUID(), ts, replayed: false, ...event };
    this.#events.append(message);
  }

  publishSnapshot(camera: string, jpeg: Buffer): void {
    this.#sample(this.#topics.snapshot(camera), jpeg, { contentType: 'image/jpeg' });
  }

  stats(): MqttTelemetry & { readonly requests: Readonly<RequestCounts> } {
    return {
      published: this.#published + (this.#delivery?.delivered ?? 0),
      dropped: this.#outbox.dropped,
      queued: this.#outbox.queued + (this.#delivery?.inFlight ?? 0),
      reconnects: this.#session.reconnects,
      connectedSince: this.#connectedSinceMs === undefined ? null : toTimestamp(this.#connectedSinceMs),
      spool: this.#events.telemetry,
      requests: { ...this.#requests.counts },
    };
  }

  #goOnline(connection: Connection): void {
    const { log } = this.#deps;
    this.#connectedSinceMs = Date.now();
    this.#outbox.goOnline();
    this.#events.goOnline();
    this.#delivery = new Delivery({ connection, outbox: this.#outbox, events: this.#events, eventTopic: this.#topics.event, log });
    // Before the state goes out, so that whoever reads "ready" may ask at once.
    for (const topic of [...this.#topics.requests, this.#topics.alert('+')]) {
      connection.subscribe(topic).catch((error: unknown) => {
        log.warn({ topic, reason: messageOf(error) }, 'mqtt: cannot subscribe');
      });
    }
    this.#delivery.wake();
    this.#beacon.start();
  }

  #goOffline(): void {
    this.#published += this.#delivery?.delivered ?? 0;
    this.#delivery = undefined;
    this.#connectedSinceMs = undefined;
    this.#outbox.goOffline();
    this.#events.goOffline();
    void this.#beacon.stop(BEACON_STOP_MS);
  }

  #receive(message: InboundMessage): void {
    const { topic, payload, retain } = message;
    if (!topic.startsWith(this.#topics.alert(''))) return void this.#requests.handle(message);
    // Raised by an earlier run of this node, and over with it: nobody else would clear it.
    if (retain && payload.length > 0 && !this.#outbox.holds(topic)) this.#outbox.clearState(topic);
    this.#delivery?.wake();
  }

  #retain(topic: string, payload: string, schema: SchemaName): void {
    this.#outbox.putState({ topic, payload, qos: 1, retain: true, schema });
    this.#delivery?.wake();
  }

  #sample(topic: string, message: object | string | Buffer, properties: Pick<Publication, 'expiryS' | 'schema' | 'contentType'>): void {
    if (!this.#delivery) {
      // Not worth encoding: nobody listens.
      this.#outbox.drop(topic);
      return;
    }
    const payload = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    this.#outbox.putSample({ topic, payload, qos: 0, retain: false, ...properties });
    this.#delivery.wake();
  }

  #stateMessage(state: NodeState, reason?: string): string {
    const ts = toTimestamp(Date.now());
    const message: StateMessage = { v: 1, state, bootId: this.#deps.bootId, ts, ...(reason !== undefined && { reason }) };
    return JSON.stringify(message);
  }
}
