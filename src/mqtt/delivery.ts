/**
 * Moves messages from the outbox into one connection, in two lanes that do not hold each other up: acknowledged
 * messages with a bounded number in flight, and samples one at a time, each once the socket has taken the last.
 * A broker that stops reading so stops both lanes, and the outbox keeps its bounds.
 */
import type { Logger } from 'pino';
import type { SchemaName } from '../contract/messages.js';
import { FastsamError, isFastsamError, messageOf } from '../errors.js';
import type { EventSpool } from '../events/event-spool.js';
import type { StoredEvent } from '../events/event-store.js';
import type { Connection } from './connection.js';
import type { Outbox } from './outbox.js';
import { type Publication, packetSizeOf } from './publication.js';
import { REFUSED_AGAIN_MS } from './subscriptions.js';

const MAX_IN_FLIGHT = 16;

export interface DeliveryDeps {
  readonly connection: Connection;
  readonly outbox: Outbox;
  readonly events: EventSpool;
  readonly eventTopic: (camera: string) => string;
  readonly log: Logger;
}

const EVENT_SCHEMA: SchemaName = 'fastsam.v1.event';

export class Delivery {
  readonly #deps: DeliveryDeps;
  readonly #window: number;
  #inFlight = 0;
  #sampleInFlight = false;
  /** When the lanes last moved; of no meaning while they are empty. */
  #reliableMovedAt = 0;
  #sampleMovedAt = 0;
  #delivered = 0;
  #over = false;
  /** Topics whose last message was refused. */
  readonly #refused = new Map<string, string>();
  /** Of `#refused`, the retained ones: they are tried again. */
  readonly #refusedState = new Set<string>();
  #again: NodeJS.Timeout | undefined;
  #onIdle: (() => void)[] = [];
  readonly #jobAnswers: { readonly publication: Publication; readonly settle: (failure?: unknown) => void }[] = [];

  constructor(deps: DeliveryDeps) {
    this.#deps = deps;
    this.#window = Math.min(MAX_IN_FLIGHT, deps.connection.limits.receiveMaximum);
  }

  get delivered(): number {
    return this.#delivered;
  }

  get inFlight(): number {
    return this.#inFlight + (this.#sampleInFlight ? 1 : 0);
  }

  /** Milliseconds for which the broker has not taken anything of what waits for it in a lane; 0 when nothing waits. */
  get stalledMs(): number {
    const now = performance.now();
    return Math.max(this.#inFlight > 0 ? now - this.#reliableMovedAt : 0, this.#sampleInFlight ? now - this.#sampleMovedAt : 0);
  }

  /** Topics whose last message the broker refused, with its reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  /** Sends what waits, as far as the lanes have room. */
  wake(): void {
    if (!this.#over) {
      this.#sendReliable();
      this.#sendSample();
    }
    if (this.inFlight > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Resolves when the broker has the message. Errors: as Connection.publish. */
  send(publication: Publication): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (failure?: unknown) => (failure === undefined ? resolve() : reject(failure));
      this.#jobAnswers.push({ publication, settle });
      this.wake();
    });
  }

  /** The connection has ended: what waits for it fails. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#again);
    for (const { settle } of this.#jobAnswers.splice(0)) settle(new FastsamError('BROKER_UNREACHABLE', 'the connection was closed'));
  }

  /** Resolves once nothing waits and nothing is in flight, or everything in flight has failed. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.wake();
    });
  }

  #sendReliable(): void {
    while (this.#inFlight < this.#window) {
      const sending = this.#nextReliable();
      if (!sending) return;
      if (this.#inFlight === 0) this.#reliableMovedAt = performance.now();
      this.#inFlight += 1;
      void sending.then(() => {
        this.#inFlight -= 1;
        this.#reliableMovedAt = performance.now();
        this.wake();
      });
    }
  }

  /** Sends the next message that has to be acknowledged; settles, and never rejects, when it was or has failed. */
  #nextReliable(): Promise<void> | undefined {
    const publication = this.#deps.outbox.takeReliable();
    if (publication) return this.#send(publication);
    const answer = this.#jobAnswers.shift();
    if (answer) return this.#publish(answer.publication).then(() => answer.settle(), answer.settle);
    const event = this.#deps.events.next();
    return event && this.#sendEvent(event);
  }

  /** Never rejects. */
  async #sendEvent({ number, event }: StoredEvent): Promise<void> {
    const { events, eventTopic } = this.#deps;
    const topic = eventTopic(event.camera);
    try {
      await this.#publish({ topic, payload: JSON.stringify(event), qos: 1, retain: false, schema: EVENT_SCHEMA });
      events.delivered(number);
    } catch (error) {
      if (isFastsamError(error, 'BROKER_UNREACHABLE')) {
        this.#over = true;
        return;
      }
      this.#warnOnce(topic, error);
      events.refused(number);
    }
  }

  #sendSample(): void {
    if (this.#sampleInFlight) return;
    const publication = this.#deps.outbox.takeSample();
    if (!publication) return;
    this.#sampleInFlight = true;
    this.#sampleMovedAt = performance.now();
    void this.#send(publication).then(() => {
      this.#sampleInFlight = false;
      this.wake();
    });
  }

  /** Never rejects: what cannot be delivered is counted; state is not, for the next connection sends it again. */
  async #send(publication: Publication): Promise<void> {
    const { outbox } = this.#deps;
    const { topic, retain } = publication;
    try {
      await this.#publish(publication);
      outbox.delivered(publication);
    } catch (error) {
      if (isFastsamError(error, 'BROKER_UNREACHABLE')) this.#over = true;
      else {
        this.#warnOnce(topic, error);
        if (retain && !this.#over) this.#tryAgain(topic);
      }
      if (!this.#over || !retain) outbox.drop(topic);
    }
  }

  /** State may not change for weeks: its readers must not wait for the next change once the broker takes messages again. */
  #tryAgain(topic: string): void {
    this.#refusedState.add(topic);
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      for (const each of this.#refusedState) this.#deps.outbox.sendAgain(each);
      this.#refusedState.clear();
      this.wake();
    }, REFUSED_AGAIN_MS);
  }

  async #publish(publication: Publication): Promise<void> {
    const { connection } = this.#deps;
    const bytes = packetSizeOf(publication);
    const limit = connection.limits.maximumPacketSize;
    // A larger packet would make the broker close the connection, and the next one, and so on.
    if (bytes > limit) throw new Error(`${bytes} bytes are more than the ${limit} that the broker takes in one packet`);
    await connection.publish(publication);
    this.#delivered += 1;
    this.#refused.delete(publication.topic);
  }

  /** Once per topic until it works again: results come at the frame rate, warnings about them must not. */
  #warnOnce(topic: string, error: unknown): void {
    const isNews = !this.#refused.has(topic);
    this.#refused.set(topic, messageOf(error));
    if (!isNews) return;
    this.#deps.log.warn({ topic, reason: messageOf(error) }, 'mqtt: message dropped');
  }
}
