/** The node's voice and ear on MQTT: everything the app publishes, and the requests it is sent, go through here. */
import type { Logger } from 'pino';
import type { MqttConfig } from '../config/schema.js';
import { messageOf } from '../errors.js';
import { toTimestamp } from '../wire/common.js';
import type {
  CameraStateMessage,
  InfoMessage,
  MqttTelemetry,
  NodeState,
  PromptsMessage,
  ResultMessage,
  StateMessage,
  TelemetryMessage,
} from '../wire/messages.js';
import { topicsOf } from '../wire/topics.js';
import { AvailabilityBeacon } from './availability.js';
import type { Connection } from './connection.js';
import { Deadline } from './deadline.js';
import { Delivery } from './delivery.js';
import { Outbox } from './outbox.js';
import { type PromptService, type RequestCounts, Requests } from './requests.js';
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
  readonly log: Logger;
}

/** Nothing here throws or blocks: what cannot be sent now is kept or dropped by the rules of outbox.ts. */
export interface Publisher {
  /** Returns at once; an unreachable broker is tried again for ever. */
  start(): void;
  /** Says `stopping` and `offline`, delivers what waits, disconnects; all within `timeoutMs`. Also when never started or connected. */
  stop(reason: string, timeoutMs: number): Promise<void>;
  setState(state: NodeState, reason?: string): void;
  setInfo(info: InfoMessage): void;
  setCameraState(camera: string, message: CameraStateMessage): void;
  setPrompts(message: PromptsMessage): void;
  /** `message`: as encoded, or its JSON. */
  publishResult(camera: string, message: ResultMessage | string): void;
  publishTelemetry(message: TelemetryMessage): void;
  stats(): MqttTelemetry & { readonly requests: Readonly<RequestCounts> };
}

export function createPublisher(deps: PublisherDeps): Publisher {
  return new MqttPublisher(deps);
}

class MqttPublisher implements Publisher {
  readonly #deps: PublisherDeps;
  readonly #topics;
  readonly #outbox: Outbox;
  readonly #requests: Requests;
  readonly #session: Session;
  readonly #beacon: AvailabilityBeacon;
  #delivery: Delivery | undefined;
  #connectedSinceMs: number | undefined;
  /** Messages delivered over earlier connections. */
  #published = 0;
  #state: NodeState = 'init';
  #info: InfoMessage | undefined;

  constructor(deps: PublisherDeps) {
    const { config, node, prompts, log } = deps;
    this.#deps = deps;
    const topics = topicsOf(config.prefix, node);
    this.#topics = topics;
    this.#outbox = new Outbox({ lastTopic: topics.state, nameOf: topics.relative });
    this.#requests = new Requests({
      topics,
      maxRequestBytes: config.maxRequestBytes,
      responsePrefix: (config.responsePrefix ?? `${config.prefix}/clients`).replace(/\/?$/, '/'),
      prompts,
      ping: () => ({ v: 1, bootId: deps.bootId, ts: toTimestamp(Date.now()), state: this.#state }),
      info: () => this.#info,
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
      onMessage: (message) => void this.#requests.handle(message),
      onUp: (connection) => this.#goOnline(connection),
      onDown: () => this.#goOffline(),
    });
    this.setState(this.#state);
  }

  start(): void {
    const { config, log } = this.#deps;
    if (config.tls.insecure) log.warn('mqtt.tls.insecure: any certificate is accepted; expected false outside of a bench');
    this.#session.start();
  }

  async stop(reason: string, timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    this.setState('stopping', reason);
    if (this.#delivery) await deadline.wait(this.#delivery.idle());
    await Promise.all([this.#beacon.stop(deadline.leftMs), this.#session.stop(deadline.leftMs)]);
  }

  setState(state: NodeState, reason?: string): void {
    this.#state = state;
    this.#retain(this.#topics.state, this.#stateMessage(state, reason));
  }

  setInfo(info: InfoMessage): void {
    this.#info = info;
    this.#retain(this.#topics.info, JSON.stringify(info));
  }

  setCameraState(camera: string, message: CameraStateMessage): void {
    this.#retain(this.#topics.cameraState(camera), JSON.stringify(message));
  }

  setPrompts(message: PromptsMessage): void {
    this.#retain(this.#topics.prompts(message.camera), JSON.stringify(message));
  }

  publishResult(camera: string, message: ResultMessage | string): void {
    this.#sample(this.#topics.result(camera), message, RESULT_EXPIRY_S);
  }

  publishTelemetry(message: TelemetryMessage): void {
    this.#sample(this.#topics.telemetry, message, Math.ceil((2 * this.#deps.telemetryIntervalMs) / 1000));
  }

  stats(): MqttTelemetry & { readonly requests: Readonly<RequestCounts> } {
    return {
      published: this.#published + (this.#delivery?.delivered ?? 0),
      dropped: this.#outbox.dropped,
      queued: this.#outbox.queued + (this.#delivery?.inFlight ?? 0),
      reconnects: this.#session.reconnects,
      connectedSince: this.#connectedSinceMs === undefined ? null : toTimestamp(this.#connectedSinceMs),
      requests: { ...this.#requests.counts },
    };
  }

  #goOnline(connection: Connection): void {
    const { log } = this.#deps;
    this.#connectedSinceMs = Date.now();
    this.#outbox.goOnline();
    this.#delivery = new Delivery({ connection, outbox: this.#outbox, log });
    // Before the state goes out, so that whoever reads "ready" may ask at once.
    connection.subscribe(this.#topics.requests).catch((error: unknown) => {
      log.warn({ topic: this.#topics.requests, reason: messageOf(error) }, 'mqtt: requests cannot be received');
    });
    this.#delivery.wake();
    this.#beacon.start();
  }

  #goOffline(): void {
    this.#published += this.#delivery?.delivered ?? 0;
    this.#delivery = undefined;
    this.#connectedSinceMs = undefined;
    this.#outbox.goOffline();
    void this.#beacon.stop(BEACON_STOP_MS);
  }

  #retain(topic: string, payload: string): void {
    this.#outbox.putState({ topic, payload, qos: 1, retain: true });
    this.#delivery?.wake();
  }

  #sample(topic: string, message: object | string, expiryS: number): void {
    if (!this.#delivery) {
      // Not worth encoding: nobody listens.
      this.#outbox.drop(topic);
      return;
    }
    const payload = typeof message === 'string' ? message : JSON.stringify(message);
    this.#outbox.putSample({ topic, payload, qos: 0, retain: false, expiryS });
    this.#delivery.wake();
  }

  #stateMessage(state: NodeState, reason?: string): string {
    const ts = toTimestamp(Date.now());
    const message: StateMessage = { v: 1, state, bootId: this.#deps.bootId, ts, ...(reason !== undefined && { reason }) };
    return JSON.stringify(message);
  }
}
