/**
 * Moves messages from the outbox into one connection, in two lanes that do not hold each other up: acknowledged
 * messages with a bounded number in flight, and samples one at a time, each once the socket has taken the last.
 * A broker that stops reading so stops both lanes, and the outbox keeps its bounds.
 */
import type { Logger } from 'pino';
import { isFastsamError, messageOf } from '../errors.js';
import type { SchemaName } from '../wire/messages.js';
import type { Connection } from './connection.js';
import type { EventSpool } from './event-spool.js';
import type { StoredEvent } from './event-store.js';
import type { Outbox } from './outbox.js';
import { type Publication, packetSizeOf } from './publication.js';

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
  #delivered = 0;
  #over = false;
  /** Topics whose last message was refused. */
  readonly #refused = new Set<string>();
  #onIdle: (() => void)[] = [];

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

  /** To be called after every change of the outbox. */
  wake(): void {
    if (!this.#over) {
      this.#sendReliable();
      this.#sendSample();
    }
    if (this.inFlight > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
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
      const publication = this.#deps.outbox.takeReliable();
      const event = publication ? undefined : this.#deps.events.next();
      if (!publication && !event) return;
      this.#inFlight += 1;
      void (publication ? this.#send(publication) : this.#sendEvent(event!)).then(() => {
        this.#inFlight -= 1;
        this.wake();
      });
    }
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
      else this.#warnOnce(topic, error);
      if (!this.#over || !retain) outbox.drop(topic);
    }
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
    if (this.#refused.has(topic)) return;
    this.#refused.add(topic);
    this.#deps.log.warn({ topic, reason: messageOf(error) }, 'mqtt: message dropped');
  }
}
