/**
 * What waits to be sent, bounded by construction. Three kinds of message, three ways to keep them:
 * - state: one retained payload per topic, sent again on every connection, never lost;
 * - samples (results, telemetry): one slot per topic, the newest wins;
 * - responses: a short queue.
 * Samples and responses are not kept while disconnected: both would be stale by the next connection.
 * Whatever is not delivered is counted by topic. No I/O here: delivery.ts takes the messages out.
 */
import type { Publication } from './publication.js';

const MAX_RESPONSES = 256;

export interface OutboxDeps {
  /** Topic sent after all other state, because its reader may then rely on the rest. */
  readonly lastTopic: string;
  /** Name under which drops of a topic are counted. */
  readonly nameOf: (topic: string) => string;
}

export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #state = new Map<string, Publication>();
  readonly #unsent = new Set<string>();
  readonly #samples = new Map<string, Publication>();
  #responses: Publication[] = [];
  readonly #dropped = new Map<string, number>();
  #online = false;
  #onReady: () => void = () => undefined;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /** From now on `listener` is called whenever there may be something to take, here or in the spool of events. */
  onReady(listener: () => void): void {
    this.#onReady = listener;
  }

  /** To be called when something else than a message of the outbox waits to be sent. */
  wake(): void {
    this.#onReady();
  }

  /** Messages not delivered since the start, by topic. */
  get dropped(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#dropped);
  }

  get queued(): number {
    return this.#unsent.size + this.#samples.size + this.#responses.length;
  }

  /** Replaces the payload of a retained topic. */
  putState(publication: Publication): void {
    this.#state.set(publication.topic, publication);
    this.#unsent.add(publication.topic);
    this.#onReady();
  }

  /** Empties a retained topic: sent until delivered once, then forgotten. */
  clearState(topic: string): void {
    this.#state.set(topic, { topic, payload: '', qos: 1, retain: true });
    this.#unsent.add(topic);
    this.#onReady();
  }

  /** The payload of a retained topic did not arrive. */
  sendAgain(topic: string): void {
    if (this.#state.has(topic)) this.#unsent.add(topic);
  }

  /** True while the topic has a payload to keep. */
  holds(topic: string): boolean {
    return (this.#state.get(topic)?.payload.length ?? 0) > 0;
  }

  /** True while the topic has a payload to keep, or one to clear that is not delivered yet. */
  keeps(topic: string): boolean {
    return this.#state.has(topic);
  }

  /** A message was taken over by the broker. */
  delivered({ topic, payload, retain }: Publication): void {
    if (retain && payload.length === 0 && !this.#unsent.has(topic)) this.#state.delete(topic);
  }

  /** Replaces what waits on the topic. */
  putSample(publication: Publication): void {
    const { topic } = publication;
    if (!this.#online || this.#samples.has(topic)) this.drop(topic);
    if (!this.#online) return;
    this.#samples.set(topic, publication);
    this.#onReady();
  }

  /** Appends an answer; drops the oldest one of a full queue, whose requester has waited longest and likely left. */
  putResponse(publication: Publication): void {
    if (this.#online) this.#responses.push(publication);
    else this.drop(publication.topic);
    if (this.#responses.length > MAX_RESPONSES) this.drop(this.#responses.shift()!.topic);
    this.#onReady();
  }

  /** A connection is up: all state has to be sent again, whatever an earlier broker got. */
  goOnline(): void {
    this.#online = true;
    for (const topic of this.#state.keys()) this.#unsent.add(topic);
  }

  /** The connection is gone, and with it the clients that wait for answers; samples would be stale by the next connection. */
  goOffline(): void {
    this.#online = false;
    for (const { topic } of [...this.#samples.values(), ...this.#responses]) this.drop(topic);
    this.#samples.clear();
    this.#responses = [];
  }

  /** The next message that has to be acknowledged. */
  takeReliable(): Publication | undefined {
    const { lastTopic } = this.#deps;
    for (const topic of this.#unsent) {
      if (topic === lastTopic && this.#unsent.size > 1) continue;
      this.#unsent.delete(topic);
      return this.#state.get(topic);
    }
    return this.#responses.shift();
  }

  /** The sample that has waited longest, by topic. */
  takeSample(): Publication | undefined {
    for (const [topic, publication] of this.#samples) {
      this.#samples.delete(topic);
      return publication;
    }
    return undefined;
  }

  /** Counts a message that will not be delivered. */
  drop(topic: string): void {
    const name = this.#deps.nameOf(topic);
    this.#dropped.set(name, (this.#dropped.get(name) ?? 0) + 1);
  }
}
