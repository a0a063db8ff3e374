/**
 * MQTT as a transport: what the node says goes out through it, and what it is asked comes in. One session carries all of it but
 * `availability` and the jobs; a delivery moves what waits into each connection of that session.
 */
import { randomUUID } from 'node:crypto';
import { toTimestamp } from '../contract/common.js';
import type {
  CameraEvent,
  EventMessage,
  MqttTelemetry,
  ResultMessage,
  StateMessage,
  SummaryMessage,
  TelemetryMessage,
} from '../contract/messages.js';
import { FastsamError } from '../errors.js';
import { openDiskStore } from '../events/disk-store.js';
import { EventSpool } from '../events/event-spool.js';
import type { EventIdentity } from '../status/feed.js';
import { Deadline } from '../time/deadline.js';
import { AvailabilityBeacon } from './availability.js';
import type { Connection, InboundMessage } from './connection.js';
import { Delivery } from './delivery.js';
import type { LinkState, Publisher, PublisherDeps } from './interface.js';
import { JobWorker } from './job-worker.js';
import { Link } from './link.js';
import { Outbox } from './outbox.js';
import type { Publication } from './publication.js';
import { Requests } from './requests.js';
import { RetainedTopics } from './retained-topics.js';
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

/** For saying offline when only the main connection broke. */
const BEACON_STOP_MS = 1000;

export type { Publisher, PublisherDeps } from './interface.js';

export function createPublisher(deps: PublisherDeps): Publisher {
  return new MqttPublisher(deps);
}

/** What belongs to one connection of the session. */
interface Online {
  readonly delivery: Delivery;
  readonly subscriptions: Subscriptions;
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
}

class MqttPublisher implements Publisher {
  readonly #deps: PublisherDeps;
  readonly #topics;
  readonly #link = new Link();
  readonly #linkListeners: (() => void)[] = [];
  readonly #outbox: Outbox;
  readonly #events: EventSpool;
  readonly #retained: RetainedTopics;
  readonly #requests: Requests;
  readonly #jobs: JobWorker;
  readonly #beacon: AvailabilityBeacon;
  readonly #session: Session;
  #online: Online | undefined;
  /** Messages delivered over earlier connections. */
  #published = 0;

  constructor(deps: PublisherDeps) {
    const { config, node, status, control, jobs, log } = deps;
    const topics = topicsOf(config.prefix, node, config.groups);
    const clientId = config.clientId ?? `fastsamd-${node}`;
    const responsePrefix = (config.responsePrefix ?? `${config.prefix}/clients`).replace(/\/?$/, '/');
    const outbox = new Outbox({ lastTopic: topics.state, nameOf: topics.relative });
    this.#deps = deps;
    this.#topics = topics;
    this.#outbox = outbox;
    this.#events = new EventSpool({
      openStore: () => openDiskStore({ ...deps.events, file: deps.eventsFile }),
      memoryBounds: { maxBytes: Math.min(deps.events.maxBytes, MAX_MEMORY_BYTES), maxAgeS: deps.events.maxAgeS },
      replayPerSecond: deps.events.replayPerSecond,
      onUnsaved: (reason) => {
        status.setAlert(EVENTS_ALERT, { severity: 'warning', message: `events are kept in memory only: ${reason}`.slice(0, 1000) });
      },
      onSaved: () => status.clearAlert(EVENTS_ALERT),
      onReady: () => outbox.wake(),
      log,
    });
    this.#retained = new RetainedTopics({ config, topics, status, outbox, file: deps.retainedFile, tracking: deps.tracking, log });
    this.#requests = new Requests({
      control,
      role: config.admin ? 'admin' : 'operator',
      topics,
      responsePrefix,
      respond: (publication) => outbox.putResponse(publication),
      log,
    });
    this.#jobs = new JobWorker({
      config,
      jobs,
      node,
      clientId,
      responsePrefix,
      run: deps.runJob,
      answer: (publication) => this.#answerJob(publication),
      log,
    });
    this.#beacon = new AvailabilityBeacon({ config, clientId, topic: topics.availability, log });
    this.#session = new Session({
      config,
      clientId,
      will: { topic: topics.state, payload: lostMessage(deps.bootId), qos: 1, retain: true },
      connect: deps.connect,
      log,
      onMessage: (message) => this.#receive(message),
      onUp: (connection) => this.#goOnline(connection),
      onDown: (reason) => this.#goOffline(reason),
      onRefused: (reason) => {
        this.#link.refused(reason);
        this.#tellLink();
      },
    });
  }

  start(): void {
    const { config, status, log } = this.#deps;
    this.#retained.start();
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
    if (this.#online) await deadline.wait(this.#online.delivery.idle());
    // A disk that hangs keeps the events from being written, but not the process from ending.
    const ended = Promise.all([
      this.#beacon.stop(deadline.leftMs),
      this.#session.stop(deadline.leftMs),
      this.#events.stop(),
      this.#retained.keepRecord(),
    ]);
    await new Deadline(Math.max(deadline.leftMs, DISK_STOP_MS)).wait(ended);
    this.#retained.stop();
  }

  publishResult(camera: string, message: ResultMessage | string): void {
    this.#sample(this.#topics.result(camera), message, { expiryS: RESULT_EXPIRY_S, schema: 'fastsam.v1.result' });
  }

  publishSummary(camera: string, message: SummaryMessage): void {
    // Without the name of the schema, which would be a third of the packet.
    this.#sample(this.#topics.summary(camera), message, { expiryS: RESULT_EXPIRY_S });
  }

  publishTelemetry(message: TelemetryMessage): void {
    const expiryS = Math.ceil((2 * this.#deps.telemetryIntervalMs()) / 1000);
    this.#sample(this.#topics.telemetry, message, { expiryS, schema: 'fastsam.v1.telemetry' });
  }

  link(): LinkState {
    return this.#link.state(this.#online?.delivery, this.#online?.subscriptions);
  }

  onLinkChange(listener: () => void): void {
    this.#linkListeners.push(listener);
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
    return this.#publishPicture(this.#topics.snapshot(camera), jpeg);
  }

  publishEvidence(camera: string, jpeg: Buffer): string {
    return this.#publishPicture(this.#topics.evidence(camera), jpeg);
  }

  stats(): MqttTelemetry {
    const online = this.#online;
    return {
      published: this.#published + (online?.delivery.delivered ?? 0),
      dropped: this.#outbox.dropped,
      queued: this.#outbox.queued + (online?.delivery.inFlight ?? 0),
      reconnects: this.#session.reconnects,
      connectedSince: online ? toTimestamp(online.sinceMs) : null,
      spool: this.#events.telemetry,
      requests: { ...this.#requests.counts },
      ...(this.#deps.jobs.queues.length > 0 && { jobs: { ...this.#jobs.counts } }),
    };
  }

  #goOnline(connection: Connection): void {
    const { log } = this.#deps;
    const outbox = this.#outbox;
    outbox.goOnline();
    this.#events.goOnline();
    const delivery = new Delivery({ connection, outbox, events: this.#events, eventTopic: this.#topics.event, log });
    const filters = [...this.#topics.requests, this.#topics.alert('+'), ...this.#jobs.filters];
    const subscriptions = new Subscriptions({ connection, filters, log });
    this.#online = { delivery, subscriptions, sinceMs: Date.now() };
    // Before the state goes out, so that a client that reads "ready" may ask at once.
    subscriptions.start();
    this.#tellLink();
    outbox.onReady(() => delivery.wake());
    delivery.wake();
    this.#beacon.start();
  }

  #goOffline(reason: string): void {
    this.#link.ended(reason);
    this.#jobs.linkLost();
    this.#online?.subscriptions.end();
    this.#online?.delivery.end();
    this.#published += this.#online?.delivery.delivered ?? 0;
    this.#online = undefined;
    this.#outbox.goOffline();
    this.#events.goOffline();
    void this.#beacon.stop(BEACON_STOP_MS);
    this.#tellLink();
  }

  #tellLink(): void {
    for (const listener of this.#linkListeners) listener();
  }

  #receive(message: InboundMessage): void {
    if (this.#jobs.receive(message.topic, message.payload)) return;
    if (message.topic.startsWith(this.#topics.alert(''))) this.#retained.clearOldAlert(message);
    else void this.#requests.handle(message);
  }

  /** Resolves when the broker has the answer. Errors: BROKER_UNREACHABLE. */
  async #answerJob(publication: Publication): Promise<void> {
    if (!this.#online) throw new FastsamError('BROKER_UNREACHABLE', 'not connected to the broker');
    await this.#online.delivery.send(publication);
  }

  #publishPicture(topic: string, jpeg: Buffer): string {
    this.#sample(topic, jpeg, { contentType: 'image/jpeg' });
    return topic;
  }

  #sample(topic: string, message: object | string | Buffer, properties: Pick<Publication, 'expiryS' | 'schema' | 'contentType'>): void {
    if (!this.#online) {
      // Not worth encoding: it cannot be sent.
      this.#outbox.drop(topic);
      return;
    }
    const payload = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    this.#outbox.putSample({ topic, payload, qos: 0, retain: false, ...properties });
  }
}

/** The will: the broker publishes it when the connection breaks. */
function lostMessage(bootId: string): string {
  const message: StateMessage = { v: 1, state: 'lost', bootId, ts: toTimestamp(Date.now()) };
  return JSON.stringify(message);
}
