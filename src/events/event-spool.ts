/**
 * Events on their way out: first into the store, from there in order to the broker, and out of the store once the
 * broker has acknowledged them. What was not sent as it happened is replayed, at a limited rate and marked so.
 */
import type { Logger } from 'pino';
import type { EventMessage } from '../contract/event.js';
import type { SpoolTelemetry } from '../contract/telemetry.js';
import { messageOf } from '../errors.js';
import { TokenBucket } from '../time/token-bucket.js';
import {
  type EventStore,
  type EventStoreBounds,
  MemoryEventStore,
  NO_EVICTIONS,
  type StoredEvent,
  type StoreState,
} from './event-store.js';

/** Events held in memory between store and broker, and waiting for the store. */
const WINDOW = 32;
const MAX_WAITING = 1000;
/** A disk that failed is tried again this often. */
const RETRY_MS = 10_000;

export interface EventSpoolDeps {
  /** Opened on `start`; memory takes its place when it fails. */
  readonly openStore: () => Promise<EventStore>;
  readonly memoryBounds: EventStoreBounds;
  /** The disk has failed: what waits in memory does not outlive the process. */
  readonly onUnsaved: (reason: string) => void;
  /** The disk works again, and what waited in memory is on it. */
  readonly onSaved: () => void;
  readonly replayPerSecond: number;
  /** An event may be ready to be sent. */
  readonly onReady: () => void;
  readonly log: Logger;
}

interface Entry {
  /** Of the spool: it stays the same when the event moves to another store. */
  readonly key: number;
  readonly event: EventMessage;
  /** Where it is kept, and its number there. */
  store: EventStore;
  number: number;
  inFlight: boolean;
  /** Sent before, over a connection that broke. */
  sent: boolean;
}

export class EventSpool {
  readonly #deps: EventSpoolDeps;
  readonly #replays: TokenBucket;
  #store: EventStore | undefined;
  /** Takes the place of the disk while that fails. */
  #memory: MemoryEventStore | undefined;
  #state: StoreState = { depth: 0, bytes: 0, evicted: NO_EVICTIONS };
  /** Of stores that were closed since. */
  #evictedEarlier = NO_EVICTIONS;
  /** Not yet in the store. */
  #waiting: EventMessage[] = [];
  /** The oldest of the store, in order. */
  #window: Entry[] = [];
  #loadedUpTo = 0;
  /** As far as the disk was read before memory took its place. */
  #loadedUpToOnDisk = 0;
  #keys = 0;
  /** Delivered, and still in the store. */
  #delivered: number[] = [];
  /** Delivered while the disk failed, and still on it. */
  #deliveredOnDisk: number[] = [];
  /** Ids of events that happened during the present connection: they are no replays. */
  readonly #live = new Set<string>();
  #reopening = false;
  #retry: NodeJS.Timeout | undefined;
  #overflowed = 0;
  #refused = 0;
  #working: Promise<void> | undefined;
  #again = false;
  #online = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: EventSpoolDeps) {
    this.#deps = deps;
    this.#replays = new TokenBucket({ perSecond: deps.replayPerSecond, burst: Math.max(1, deps.replayPerSecond / 10) });
  }

  get telemetry(): SpoolTelemetry {
    const { depth, bytes, evicted } = this.#state;
    const earlier = this.#evictedEarlier;
    return {
      depth: depth + this.#waiting.length,
      bytes,
      dropped: {
        bytes: evicted.bytes + earlier.bytes,
        age: evicted.age + earlier.age,
        unreadable: evicted.unreadable + earlier.unreadable,
        overflow: this.#overflowed,
        refused: this.#refused,
      },
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
    clearTimeout(this.#retry);
    this.#work();
    while (this.#working) await this.#working;
    await this.#store?.close().catch(() => undefined);
    this.#store = undefined;
  }

  append(event: EventMessage): void {
    if (this.#closed) return;
    this.#waiting.push(event);
    if (this.#online && this.#live.size < MAX_WAITING) this.#live.add(event.eventId);
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting.shift();
      this.#overflowed += 1;
    }
    this.#work();
  }

  /** The file is gone from the disk: what it still holds is written into a new one. */
  reopen(): void {
    this.#reopening = true;
    this.#work();
  }

  goOnline(): void {
    this.#online = true;
    this.#live.clear();
  }

  /** What was in flight has to be sent again. */
  goOffline(): void {
    this.#online = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const entry of this.#window) {
      entry.sent ||= entry.inFlight;
      entry.inFlight = false;
    }
  }

  /** The next event to be sent, in order; undefined while there is none or replays would come too fast. */
  next(): StoredEvent | undefined {
    if (!this.#online) return undefined;
    const entry = this.#window.find(({ inFlight }) => !inFlight);
    if (!entry) return undefined;
    const replayed = entry.sent || !this.#live.has(entry.event.eventId);
    if (replayed && !this.#replays.take(performance.now())) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#deps.onReady();
      }, 1000 / this.#deps.replayPerSecond);
      return undefined;
    }
    entry.inFlight = true;
    return { number: entry.key, event: { ...entry.event, replayed } };
  }

  /** The broker has it; `key` is the number that `next` gave. */
  delivered(key: number): void {
    const entry = this.#window.find((each) => each.key === key);
    if (!entry) return;
    this.#window = this.#window.filter((each) => each !== entry);
    this.#live.delete(entry.event.eventId);
    (entry.store === this.#store ? this.#delivered : this.#deliveredOnDisk).push(entry.number);
    this.#work();
  }

  /** The broker will never take it. */
  refused(key: number): void {
    this.#refused += 1;
    this.delivered(key);
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
      if (this.#reopening) await this.#reopen(this.#store);
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
      ({ state: this.#state } = await store.append(waiting));
    } catch (error) {
      this.#waiting.unshift(...waiting);
      throw error;
    }
  }

  /** Memory does not fail. What is on the disk stays there until the disk works again. */
  #fallBack(error: unknown): void {
    const { log, memoryBounds, onUnsaved } = this.#deps;
    log.error({ reason: messageOf(error) }, 'mqtt: events cannot be kept on disk');
    const disk = this.#store;
    void disk?.close().catch(() => undefined);
    this.#retire(this.#state);
    this.#loadedUpToOnDisk = this.#loadedUpTo;
    this.#deliveredOnDisk.push(...this.#delivered.splice(0));
    this.#loadedUpTo = 0;
    this.#memory = new MemoryEventStore(memoryBounds);
    this.#store = this.#memory;
    this.#state = this.#memory.initial;
    onUnsaved(messageOf(error));
    this.#again = true;
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.reopen(), RETRY_MS).unref();
  }

  /** Opens the disk once more, and moves what the present store holds to it. The present store stays when that fails. */
  async #reopen(present: EventStore): Promise<void> {
    this.#reopening = false;
    const { onSaved, log } = this.#deps;
    const fromMemory = present === this.#memory;
    let disk: EventStore | undefined;
    try {
      disk = await this.#deps.openStore();
      // Of a file that was deleted under our hands everything is written once more; of the one that failed, all is still there.
      const gone = new Set(this.#delivered);
      const held = (await present.read(0, Number.MAX_SAFE_INTEGER)).filter(({ number }) => !gone.has(number));
      let state = disk.initial;
      const done = fromMemory ? [...this.#deliveredOnDisk] : [];
      if (done.length > 0) state = await disk.remove(done);
      const numbers = new Map<number, number>();
      if (held.length > 0) {
        const appended = await disk.append(held.map(({ event }) => event));
        state = appended.state;
        for (const [index, { number }] of held.entries()) numbers.set(number, appended.last - held.length + 1 + index);
      }
      for (const entry of this.#window) {
        if (entry.store === present) entry.number = numbers.get(entry.number) ?? entry.number;
        entry.store = disk;
      }
      this.#retire(this.#state);
      // What was delivered while this took its time.
      const later = this.#delivered.flatMap((number) => numbers.get(number) ?? []);
      this.#delivered = [...later, ...(fromMemory ? this.#deliveredOnDisk.slice(done.length) : [])];
      this.#deliveredOnDisk = [];
      this.#loadedUpTo = fromMemory ? this.#loadedUpToOnDisk : 0;
      this.#memory = undefined;
      this.#store = disk;
      this.#state = state;
      void present.close().catch(() => undefined);
      log.info({ events: held.length }, 'mqtt: events are kept on disk again');
      onSaved();
    } catch (error) {
      await disk?.close().catch(() => undefined);
      log.debug({ reason: messageOf(error) }, 'mqtt: events can still not be kept on disk');
      this.#retryLater();
    }
  }

  #retire({ evicted }: StoreState): void {
    const { bytes, age, unreadable } = this.#evictedEarlier;
    this.#evictedEarlier = {
      bytes: bytes + evicted.bytes,
      age: age + evicted.age,
      unreadable: unreadable + evicted.unreadable,
    };
  }

  async #fill(store: EventStore): Promise<void> {
    // Events that moved to this store are in the window already, wherever in it their new numbers are.
    const known = new Set(this.#window.filter((entry) => entry.store === store).map(({ number }) => number));
    const events = await store.read(this.#loadedUpTo, WINDOW - this.#window.length + known.size);
    const last = events.at(-1);
    if (!last) return;
    this.#loadedUpTo = last.number;
    for (const { number, event } of events) {
      if (known.has(number)) continue;
      this.#keys += 1;
      this.#window.push({ key: this.#keys, event, store, number, inFlight: false, sent: false });
    }
    this.#deps.onReady();
  }
}
