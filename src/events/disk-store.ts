/** Events on disk: the database lives on a thread of its own (spool-worker.ts). */
import { Worker } from 'node:worker_threads';
import { compiledModule } from '../compiled.js';
import type { EventMessage } from '../contract/event.js';
import { FastsamError, messageOf } from '../errors.js';
import { type Appended, type EventStore, NO_EVICTIONS, type StoredEvent, type StoreState } from './event-store.js';
import type { SpoolAnswer, SpoolRequest, SpoolSettings } from './spool-protocol.js';

/** Errors: OUTPUT_UNWRITABLE when the database cannot be opened. */
export async function openDiskStore(settings: SpoolSettings): Promise<EventStore> {
  const worker = new Worker(compiledModule('./spool-worker.js', import.meta.url), { workerData: settings, name: 'events', execArgv: [] });
  const store = new DiskEventStore(worker);
  try {
    await store.opened();
    return store;
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${settings.file}: ${messageOf(cause)}; expected a writable folder with space`, { cause });
  }
}

class DiskEventStore implements EventStore {
  readonly #worker: Worker;
  readonly #waiting: { readonly resolve: (answer: SpoolAnswer) => void; readonly reject: (error: Error) => void }[] = [];
  #dead: Error | undefined;
  initial: StoreState = NOTHING;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: SpoolAnswer) => this.#waiting.shift()?.resolve(answer));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('the event database is closed')));
  }

  async opened(): Promise<void> {
    this.initial = stateOf(notFailed(await this.#next()));
  }

  async append(events: readonly EventMessage[]): Promise<Appended> {
    const answer = await this.#ask({ type: 'append', events });
    return answer.type === 'appended' ? answer : { state: NOTHING, last: 0 };
  }

  async read(after: number, limit: number): Promise<StoredEvent[]> {
    const answer = await this.#ask({ type: 'read', after, limit });
    return answer.type === 'events' ? answer.events : [];
  }

  async remove(numbers: readonly number[]): Promise<StoreState> {
    return stateOf(await this.#ask({ type: 'remove', numbers }));
  }

  async close(): Promise<void> {
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    await this.#ask({ type: 'close' });
    await exited;
  }

  async #ask(request: SpoolRequest): Promise<SpoolAnswer> {
    if (this.#dead) throw this.#dead;
    this.#worker.postMessage(request);
    return notFailed(await this.#next());
  }

  #next(): Promise<SpoolAnswer> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #fail(error: Error): void {
    this.#dead ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#dead);
  }
}

const NOTHING: StoreState = { depth: 0, bytes: 0, evicted: NO_EVICTIONS };

function notFailed(answer: SpoolAnswer): SpoolAnswer {
  if (answer.type === 'failed') throw new Error(answer.message);
  return answer;
}

function stateOf(answer: SpoolAnswer): StoreState {
  return answer.type === 'state' ? answer.state : NOTHING;
}
