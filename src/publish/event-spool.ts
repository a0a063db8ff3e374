/**
 * Events on their way out: first into the store, from there in order to the broker, and out of the store once the
 * broker has acknowledged them. What was not sent as it happened is replayed, at a limited rate and marked so.
 */
import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import type { EventMessage } from '../wire/event.js';
import type { SpoolTelemetry } from '../wire/telemetry.js';
import { type EventStore, type EventStoreBounds, MemoryEventStore, type StoredEvent, type StoreState } from './event-store.js';
import { TokenBucket } from './token-bucket.js';

/** Events held in memory between store and broker, and waiting for the store. */
const WINDOW = 32;
const MAX_WAITING = 1000;

export interface EventSpoolDeps {
  /** Opened on `start`; memory takes its place when it fails. */
  readonly openStore: () => Promise<EventStore>;
  readonly memoryBounds: EventStoreBounds;
  /** The disk has failed: what waits in memory does not outlive the process. */
  readonly onUnsaved: (reason: string) => void;
  readonly replayPerSecond: number;
  /** An event may be ready to be sent. */
  readonly onReady: () => void;
  readonly log: Logger;
}

interface Entry extends StoredEvent {
  inFlight: boolean;
  /** Sent before, over a connection that broke. */
  sent: boolean;
}

export class EventSpool {
  readonly #deps: EventSpoolDeps;
  readonly #replays: TokenBucket;
  #store: EventStore | undefined;
  #state: StoreState = { depth: 0, bytes: 0, evicted: { bytes: 0, age: 0 } };
  /** Not yet in the store. */
  #waiting: EventMessage[] = [];
  /** The oldest of the store, in order. */
  #window: Entry[] = [];
  #loadedUpTo = 0;
  #delivered: number[] = [];
  #overflowed = 0;
  #refused = 0;
  #working: Promise<void> | undefined;
  #again = false;
  #onlineSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: EventSpoolDeps) {
    this.#deps = deps;
    this.#replays = new TokenBucket({ perSecond: deps.replayPerSecond, burst: Math.max(1, deps.replayPerSecond / 10) });
  }

  get telemetry(): SpoolTelemetry {
    const { depth, bytes, evicted } = this.#state;
    return {
      depth: depth + this.#waiting.length,
      bytes,
      dropped: { ...evicted, overflow: this.#overflowed, refused: this.#refused },
    };
  }

  /** Opens the store in the background; what an earlier run left in it is replayed. */
  start(): void {
    this.#work();
  }

  /** Writes what waits into the store and closes it. Never rejects. */
  async stop(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#work();
    while (this.#working) await this.#working;
    await this.#store?.close().catch(() => undefined);
    this.#store = undefined;
  }

  append(event: EventMessage): void {
    if (this.#closed) return;
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#overflowed += 1;
    }
    this.#work();
  }

  goOnline(): void {
    this.#onlineSinceMs = Date.now();
  }

  /** What was in flight has to be sent again. */
  goOffline(): void {
    this.#onlineSinceMs = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const entry of this.#window) {
      entry.sent ||= entry.inFlight;
      entry.inFlight = false;
    }
  }

  /** The next event to be sent, in order; undefined while there is none or replays would come too fast. */
  next(): StoredEvent | undefined {
    if (this.#onlineSinceMs === undefined) return undefined;
    const entry = this.#window.find(({ inFlight }) => !inFlight);
    if (!entry) return undefined;
    const replayed = entry.sent || Date.parse(entry.event.ts) < this.#onlineSinceMs;
    if (replayed && !this.#replays.take(performance.now())) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#deps.onReady();
      }, 1000 / this.#deps.replayPerSecond);
      return undefined;
    }
    entry.inFlight = true;
    return { number: entry.number, event: { ...entry.event, replayed } };
  }

  /** The broker has it. */
  delivered(number: number): void {
    this.#window = this.#window.filter((entry) => entry.number !== number);
    this.#delivered.push(number);
    this.#work();
  }

  /** The broker will never take it. */
  refused(number: number): void {
    this.#refused += 1;
    this.delivered(number);
  }

  /** One transaction at a time: what came meanwhile goes into the next. */
  #work(): void {
    if (this.#working) {
      this.#again = true;
      return;
    }
    this.#working = this.#transfer().then(() => {
      this.#working = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.#work();
    });
  }

  async #transfer(): Promise<void> {
    try {
      if (!this.#store) {
        this.#store = await this.#deps.openStore();
        this.#state = this.#store.initial;
      }
      await this.#append(this.#store);
      const delivered = this.#delivered.splice(0);
      if (delivered.length > 0) this.#state = await this.#store.remove(delivered);
      if (this.#window.length < WINDOW) await this.#fill(this.#store);
    } catch (error) {
      this.#fallBack(error);
    }
  }

  async #append(store: EventStore): Promise<void> {
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    try {
      this.#state = await store.append(waiting);
    } catch (error) {
      this.#waiting.unshift(...waiting);
      throw error;
    }
  }

  /** Once: memory does not fail. What is on disk stays there for the next run. */
  #fallBack(error: unknown): void {
    const { log, memoryBounds, onUnsaved } = this.#deps;
    log.error({ reason: messageOf(error) }, 'mqtt: events cannot be kept on disk');
    void this.#store?.close().catch(() => undefined);
    this.#store = new MemoryEventStore(memoryBounds, this.#loadedUpTo);
    onUnsaved(messageOf(error));
    this.#again = true;
  }

  async #fill(store: EventStore): Promise<void> {
    const events = await store.read(this.#loadedUpTo, WINDOW - this.#window.length);
    const last = events.at(-1);
    if (!last) return;
    this.#loadedUpTo = last.number;
    for (const event of events) this.#window.push({ ...event, inFlight: false, sent: false });
    this.#deps.onReady();
  }
}
