/** Where events wait for the broker: an ordered store, bounded by bytes and age. */
import type { EventMessage } from '../wire/event.js';

/** An event in the store; `number` orders the events of a node across restarts. */
export interface StoredEvent {
  readonly number: number;
  readonly event: EventMessage;
}

/** Events thrown away to keep the bounds, by reason, since the store was opened. */
export interface Evictions {
  readonly bytes: number;
  readonly age: number;
}

export interface StoreState {
  readonly depth: number;
  readonly bytes: number;
  readonly evicted: Evictions;
}

export interface EventStore {
  /** When it was opened. */
  readonly initial: StoreState;
  /** Appends in order, then evicts the oldest until the bounds hold. */
  append(events: readonly EventMessage[]): Promise<StoreState>;
  /** The oldest events with a number above `after`, in order. */
  read(after: number, limit: number): Promise<StoredEvent[]>;
  remove(numbers: readonly number[]): Promise<StoreState>;
  close(): Promise<void>;
}

export interface EventStoreBounds {
  readonly maxBytes: number;
  readonly maxAgeS: number;
}

/** Keeps events in memory: for nodes without a state directory, and when the disk fails. */
export class MemoryEventStore implements EventStore {
  readonly initial: StoreState = { depth: 0, bytes: 0, evicted: { bytes: 0, age: 0 } };
  readonly #bounds: EventStoreBounds;
  #events: (StoredEvent & { readonly bytes: number })[] = [];
  #number: number;
  #bytes = 0;
  #evicted = { bytes: 0, age: 0 };

  /** Numbers begin above `after`. */
  constructor(bounds: EventStoreBounds, after = 0) {
    this.#bounds = bounds;
    this.#number = after;
  }

  async append(events: readonly EventMessage[]): Promise<StoreState> {
    for (const event of events) {
      const bytes = Buffer.byteLength(JSON.stringify(event));
      this.#number += 1;
      this.#bytes += bytes;
      this.#events.push({ number: this.#number, event, bytes });
    }
    this.#evict();
    return this.#state();
  }

  async read(after: number, limit: number): Promise<StoredEvent[]> {
    return this.#events.filter(({ number }) => number > after).slice(0, limit);
  }

  async remove(numbers: readonly number[]): Promise<StoreState> {
    const gone = new Set(numbers);
    this.#events = this.#events.filter(({ number }) => !gone.has(number));
    this.#bytes = this.#events.reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#state();
  }

  async close(): Promise<void> {}

  #evict(): void {
    const { maxBytes, maxAgeS } = this.#bounds;
    const oldest = Date.now() - maxAgeS * 1000;
    for (let first = this.#events[0]; first; first = this.#events[0]) {
      const reason = Date.parse(first.event.ts) < oldest ? 'age' : this.#bytes > maxBytes ? 'bytes' : undefined;
      if (reason === undefined) return;
      this.#evicted[reason] += 1;
      this.#bytes -= first.bytes;
      this.#events.shift();
    }
  }

  #state(): StoreState {
    return { depth: this.#events.length, bytes: this.#bytes, evicted: { ...this.#evicted } };
  }
}
