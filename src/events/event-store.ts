/** Where events wait for the broker: an ordered store, bounded by bytes and age. */
import type { EventMessage } from '../contract/event.js';

/** An event in the store; `number` orders the events of a node across restarts. */
export interface StoredEvent {
  readonly number: number;
  readonly event: EventMessage;
}

/** Events thrown away since the store was opened, by reason: two of them keep the bounds. */
export interface Evictions {
  readonly bytes: number;
  readonly age: number;
  /** What was on the disk was no event. */
  readonly unreadable: number;
}

export const NO_EVICTIONS: Evictions = { bytes: 0, age: 0, unreadable: 0 };

export interface StoreState {
  readonly depth: number;
  readonly bytes: number;
  readonly evicted: Evictions;
}

/** What an `append` has done. */
export interface Appended {
  readonly state: StoreState;
  /** Number of the last event; those before it have the numbers before. */
  readonly last: number;
}

export interface EventStore {
  /** When it was opened. */
  readonly initial: StoreState;
  /** Appends in order, then evicts the oldest until the bounds hold. */
  append(events: readonly EventMessage[]): Promise<Appended>;
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
  readonly initial: StoreState = { depth: 0, bytes: 0, evicted: NO_EVICTIONS };
  readonly #bounds: EventStoreBounds;
  #events: (StoredEvent & { readonly bytes: number; readonly at: number })[] = [];
  #number = 0;
  #bytes = 0;
  #evicted = { ...NO_EVICTIONS };

  constructor(bounds: EventStoreBounds) {
    this.#bounds = bounds;
  }

  async append(events: readonly EventMessage[]): Promise<Appended> {
    for (const event of events) {
      const bytes = Buffer.byteLength(JSON.stringify(event));
      this.#number += 1;
      this.#bytes += bytes;
      this.#events.push({ number: this.#number, event, bytes, at: performance.now() });
    }
    this.#evict();
    return { state: this.#state(), last: this.#number };
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
    const oldest = performance.now() - maxAgeS * 1000;
    for (let first = this.#events[0]; first; first = this.#events[0]) {
      const reason = first.at < oldest ? 'age' : this.#bytes > maxBytes ? 'bytes' : undefined;
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
