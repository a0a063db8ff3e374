/** The node's voice and ear on MQTT: everything the app publishes, and the requests it is sent, go through here. */
import { randomUUID } from 'node:crypto';
import { toTimestamp } from '../contract/common.js';
import type {
  CameraEvent,
  EventMessage,
  MqttTelemetry,
  ResultMessage,
  SchemaName,
  StateMessage,
  SummaryMessage,
  TelemetryMessage,
} from '../contract/messages.js';
import { followsObject } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';
import { openDiskStore } from '../events/disk-store.js';
import { EventSpool } from '../events/event-spool.js';
import type { StatusKey } from '../status/board.js';
import { Deadline } from '../time/deadline.js';
import { AvailabilityBeacon } from './availability.js';
import type { Connection, InboundMessage } from './connection.js';
import { Delivery } from './delivery.js';
import { discoveryMessage } from './home-assistant.js';
import type { EventIdentity, LinkState, Publisher, PublisherDeps } from './interface.js';
import { JobWorker } from './job-worker.js';
import { Link } from './link.js';
import { Outbox } from './outbox.js';
import type { Publication } from './publication.js';
import { Requests } from './requests.js';
import { RetainedRecord } from './retained-record.js';
import { Session } from './session.js';
import { Subscriptions } from './subscriptions.js';
import { topicsOf } from './topics.js';

/** Undelivered results are old news after this long. MQTT counts expiry in whole seconds. */
const RESULT_EXPIRY_S = 1;

/** Of events, when the disk fails. */
const MAX_MEMORY_BYTES = 10_000_000;

const EVENTS_ALERT = 'events-unsaved';

/** For writing the last events, also when the broker has taken all the time there was. */
const DISK_STOP_MS = 300;

/** Topics of a camera that tracks: of one that does so no longer they are cleared. */
const OF_TRACKING = /\/(follow|zones|counts)$/;

/** For saying offline when only the main connection broke. */
const BEACON_STOP_MS = 1000;

export type { Publisher, PublisherDeps } from './interface.js';

export function createPublisher(deps: PublisherDeps): Publisher {
  return new MqttPublisher(deps);
}

class MqttPublisher implements Publisher {
  readonly #deps: PublisherDeps;
  readonly #topics;
  readonly #outbox: Outbox;
  readonly #events: EventSpool;
  readonly #requests: Requests;
  readonly #session: Session;
  readonly #jobs: JobWorker;
  readonly #beacon: AvailabilityBeacon;
  readonly #record: RetainedRecord;
  #delivery: Delivery | undefined;
  #connectedSinceMs: number | undefined;
  /** Messages delivered over earlier connections. */
  #published = 0;
  readonly #link = new Link();
  #subscriptions: Subscriptions | undefined;
  #unsubscribe: (() => void) | undefined;
  /** What Home Assistant was told last. */
  #announced: string | undefined;

  constructor(deps: PublisherDeps) {
    const { config, node, status, control, log } = deps;
    this.#deps = deps;
    const topics = topicsOf(config.prefix, node, config.groups);
    this.#topics = topics;
    const responsePrefix = (config.responsePrefix ?? `${config.prefix}/clients`).replace(/\/?$/, '/');
    this.#outbox = new Outbox({ lastTopic: topics.state, nameOf: topics.relative });
    this.#events = new EventSpool({
      openStore: () => openDiskStore({ ...deps.events, file: deps.eventsFile }),
      memoryBounds: { maxBytes: Math.min(deps.events.maxBytes, MAX_MEMORY_BYTES), maxAgeS: deps.events.maxAgeS },
      replayPerSecond: deps.events.replayPerSecond,
      onUnsaved: (reason) => {
        status.setAlert(EVENTS_ALERT, { severity: 'warning', message: `events are kept in memory only: ${reason}`.slice(0, 1000) });
      },
      onSaved: () => status.clearAlert(EVENTS_ALERT),
      onReady: () => this.#delivery?.wake(),
      log,
    });
    this.#requests = new Requests({
      control,
      role: config.admin ? 'admin' : 'operator',
      topics,
      responsePrefix,
      respond: (publication) => {
        this.#outbox.putResponse(publication);
        this.#delivery?.wake();
      },
      log,
    });
    const clientId = config.clientId ?? `fastsamd-${node}`;
    this.#record = new RetainedRecord({ file: deps.retainedFile, log });
    this.#beacon = new AvailabilityBeacon({ config, clientId, topic: topics.availability, log });
    this.#session = new Session({
      config,
      clientId,
      will: { topic: topics.state, payload: this.#lostMessage(), qos: 1, retain: true },
      connect: deps.connect,
      log,
      onMessage: (message) => this.#receive(message),
      onUp: (connection) => this.#goOnline(connection),
      onDown: (reason) => this.#goOffline(reason),
      onRefused: (reason) => {
        this.#link.refused(reason);
        deps.onLink?.();
      },
    });
    this.#jobs = new JobWorker({
      config,
      jobs: deps.jobs,
      node,
      clientId,
      responsePrefix,
      run: deps.runJob,
      answer: (publication) =>
        this.#delivery?.send(publication) ?? Promise.reject(new FastsamError('BROKER_UNREACHABLE', 'not connected to the broker')),
      log,
    });
  }

  start(): void {
    const { config, status, log } = this.#deps;
    // Before this run adds to the record.
    void this.#clearForgotten();
    this.#unsubscribe ??= status.subscribe((key, message) => this.#retain(key, message));
    if (config.tls.insecure) {
      const message = 'mqtt.tls.insecure: any certificate is accepted; expected false outside of a bench';
      log.warn(message);
      status.setAlert('mqtt-insecure', { severity: 'warning', message });
    }
    this.#events.start();
    this.#session.start();
  }

  takeJobs(): void {
    this.#jobs.start();
  }

  async stop(reason: string, timeoutMs: number, last: 'stopping' | 'degraded' = 'stopping'): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    this.#deps.status.setState(last, reason);
    await this.#jobs.stop(deadline.leftMs / 2);
    if (this.#delivery) await deadline.wait(this.#delivery.idle());
    // A disk that hangs keeps the events from being written, but not the process from ending.
    const ended = Promise.all([
      this.#beacon.stop(deadline.leftMs),
      this.#session.stop(deadline.leftMs),
      this.#events.stop(),
      this.#record.keepOnly((topic) => this.#outbox.keeps(topic)),
    ]);
    await new Deadline(Math.max(deadline.leftMs, DISK_STOP_MS)).wait(ended);
    this.#unsubscribe?.();
  }

  publishResult(camera: string, message: ResultMessage | string): void {
    this.#sample(this.#topics.result(camera), message, { expiryS: RESULT_EXPIRY_S, schema: 'fastsam.v1.result' });
  }

  publishSummary(camera: string, message: SummaryMessage): void {
    // Without the name of the schema, which would be a third of the packet.
    this.#sample(this.#topics.summary(camera), message, { expiryS: RESULT_EXPIRY_S });
  }

  publishTelemetry(message: TelemetryMessage): void {
    const expiryS = Math.ceil((2 * this.#deps.telemetryIntervalMs) / 1000);
    this.#sample(this.#topics.telemetry, message, { expiryS, schema: 'fastsam.v1.telemetry' });
  }

  link(): LinkState {
    return this.#link.state(this.#delivery, this.#subscriptions);
  }

  publishEvent(camera: string, event: CameraEvent, identity?: EventIdentity): void {
    const { node, bootId } = this.#deps;
    const { eventId, ts } = identity ?? { eventId: randomUUID(), ts: toTimestamp(Date.now()) };
    const message: EventMessage = { v: 1, node, camera, bootId, eventId, ts, replayed: false, ...event };
    this.#events.append(message);
  }

  reopenEvents(): void {
    this.#events.reopen();
  }

  publishSnapshot(camera: string, jpeg: Buffer): string {
    const topic = this.#topics.snapshot(camera);
    this.#sample(topic, jpeg, { contentType: 'image/jpeg' });
    return topic;
  }

  stats(): MqttTelemetry {
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
    const filters = [...this.#topics.requests, this.#topics.alert('+'), ...this.#jobs.filters];
    this.#subscriptions = new Subscriptions({ connection, filters, log });
    this.#subscriptions.start();
    this.#deps.onLink?.();
    this.#delivery.wake();
    this.#beacon.start();
  }

  #goOffline(reason: string): void {
    this.#link.ended(reason);
    this.#subscriptions?.end();
    this.#jobs.linkLost();
    this.#published += this.#delivery?.delivered ?? 0;
    this.#delivery?.end();
    this.#delivery = undefined;
    this.#connectedSinceMs = undefined;
    this.#outbox.goOffline();
    this.#events.goOffline();
    void this.#beacon.stop(BEACON_STOP_MS);
    this.#deps.onLink?.();
  }

  #receive(message: InboundMessage): void {
    if (this.#jobs.receive(message.topic, message.payload)) return;
    if (message.topic.startsWith(this.#topics.alert(''))) this.#clearOldAlert(message);
    else void this.#requests.handle(message);
  }

  /** A retained alert of an earlier run of this node, which ended with it: no other client would clear it. */
  #clearOldAlert({ topic, payload, retain }: InboundMessage): void {
    if (!retain || payload.length === 0 || this.#outbox.holds(topic)) return;
    this.#outbox.clearState(topic);
    this.#delivery?.wake();
  }

  /** Clears what earlier runs have retained of cameras that are no longer configured, and of announcements that are off. */
  async #clearForgotten(): Promise<void> {
    const topics = await this.#record.load();
    const { config, status, node } = this.#deps;
    const isCamera = (topic: string, camera: string) => topic.startsWith(`${this.#topics.base}/cameras/${camera}/`);
    const isOfCamera = (topic: string) => {
      const camera = (status.get('info')?.cameras ?? []).find(({ id }) => isCamera(topic, id))?.id;
      return camera !== undefined && (!OF_TRACKING.test(topic) || this.#deps.tracking(camera));
    };
    const announcement = config.homeAssistant.enabled ? this.#discoveryTopic(node) : undefined;
    for (const topic of topics) {
      const isCurrent = topic === announcement || isOfCamera(topic);
      if (!isCurrent && !this.#outbox.holds(topic)) this.#outbox.clearState(topic);
    }
    this.#delivery?.wake();
  }

  #discoveryTopic(node: string): string {
    return `${this.#deps.config.homeAssistant.prefix}/device/${node}/config`;
  }

  /** Home Assistant's discovery message, sent whenever the entities have changed. */
  #announce(): void {
    const { config, status } = this.#deps;
    const info = status.get('info');
    if (!config.homeAssistant.enabled || !info) return;
    const ofCamera = (id: string) => {
      const prompts = status.get(`cameras/${id}/prompts`)?.prompts ?? [];
      const zones = status.get(`cameras/${id}/zones`);
      return {
        prompts: prompts.map((prompt) => prompt.id),
        // Without tracking there is no object to follow.
        followed: zones ? prompts.filter(followsObject).map((prompt) => prompt.id) : [],
        lines: zones?.lines.map((line) => line.id) ?? [],
        zones: zones?.zones.map((zone) => zone.id) ?? [],
      };
    };
    const payload = JSON.stringify(discoveryMessage(this.#topics, { info, ofCamera, admin: config.admin }));
    if (payload === this.#announced) return;
    this.#announced = payload;
    const topic = this.#discoveryTopic(info.node);
    this.#record.add(topic);
    this.#outbox.putState({ topic, payload, qos: 1, retain: true });
    this.#delivery?.wake();
  }

  /** The status board has news. Its keys are the topics below the base. */
  #retain(key: StatusKey, message: object | undefined): void {
    const topic = `${this.#topics.base}/${key}`;
    if (message) this.#outbox.putState({ topic, payload: JSON.stringify(message), qos: 1, retain: true, schema: schemaOf(key) });
    else this.#outbox.clearState(topic);
    if (message && key.startsWith('cameras/')) this.#record.add(topic);
    this.#delivery?.wake();
    if (key === 'info' || key.endsWith('/prompts') || key.endsWith('/zones')) this.#announce();
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

  /** The will: the broker publishes it when the connection breaks. */
  #lostMessage(): string {
    const message: StateMessage = { v: 1, state: 'lost', bootId: this.#deps.bootId, ts: toTimestamp(Date.now()) };
    return JSON.stringify(message);
  }
}

function schemaOf(key: StatusKey): SchemaName {
  if (key === 'state' || key === 'info' || key === 'health') return `fastsam.v1.${key}`;
  if (key.startsWith('alert/')) return 'fastsam.v1.alert';
  if (key.endsWith('/state')) return 'fastsam.v1.camera-state';
  return `fastsam.v1.${key.slice(key.lastIndexOf('/') + 1) as 'prompts' | 'inspection' | 'follow' | 'zones' | 'counts'}`;
}
