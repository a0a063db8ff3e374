/** Calls into a worker thread: one at a time there, in the order they were made here. */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, FastsamError, messageOf } from '../errors.js';
import type { Calls, FromWorker, ToWorker } from './calls.js';

/** A thread that has nothing left to do must end at once; this only bounds a broken one. */
const STOP_TIMEOUT_MS = 4000;

export interface WorkerOptions {
  /** JavaScript that calls `serve`; see compiledModule. */
  readonly script: URL;
  /** For errors, and of the thread. */
  readonly name: string;
  /** Handed to the thread as its `workerData`. */
  readonly settings: unknown;
  /** Code of the errors about the thread itself; ENGINE_FAILED when absent. */
  readonly failure?: ErrorCode;
  /** After a `stop` that takes longer the thread is terminated; 4 s when absent. */
  readonly stopTimeoutMs?: number;
}

export interface CallOptions {
  /** A thread that takes longer is terminated, because it may never answer. */
  readonly timeoutMs?: number;
}

interface Pending {
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: FastsamError) => void;
}

export class WorkerClient<C extends Calls> {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #failure: ErrorCode;
  readonly #stopTimeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #next = 0;
  #dead: FastsamError | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(worker: Worker, { name, failure = 'ENGINE_FAILED', stopTimeoutMs = STOP_TIMEOUT_MS }: WorkerOptions) {
    this.#worker = worker;
    this.#name = name;
    this.#failure = failure;
    this.#stopTimeoutMs = stopTimeoutMs;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => this.#fail(new FastsamError(failure, `${name} stopped: ${messageOf(error)}`, { cause: error })));
    this.#exited = new Promise((resolve) =>
      worker.once('exit', () => {
        this.#fail(this.#stopped());
        resolve();
      }),
    );
  }

  /** Starts the thread and waits until it has loaded. Errors: what the thread says, `failure`. */
  static async start<C extends Calls, Loaded>(options: WorkerOptions): Promise<{ client: WorkerClient<C>; loaded: Loaded }> {
    const { script, name, settings, failure = 'ENGINE_FAILED' } = options;
    const worker = new Worker(script, { workerData: settings, name, execArgv: [] });
    const client = new WorkerClient<C>(worker, options);
    const loaded = await new Promise<Loaded>((resolve, reject) => {
      worker.once('error', (error) => reject(new FastsamError(failure, `${name} does not start: ${messageOf(error)}`, { cause: error })));
      worker.once('exit', () => reject(new FastsamError(failure, `${name} does not start`)));
      worker.once('message', (message: FromWorker) => {
        if (message.type === 'loaded') resolve(message.loaded as Loaded);
        if (message.type === 'unloadable') reject(new FastsamError(message.code, message.message));
      });
    });
    return { client, loaded };
  }

  /** Errors: what the thread throws; `failure` when the thread crashes or is terminated; MISUSE after stop. */
  call<K extends keyof C & string>(name: K, request: C[K]['request'], { timeoutMs }: CallOptions = {}): Promise<C[K]['response']> {
    if (this.#dead) return Promise.reject(this.#dead);
    if (this.#stopping) return Promise.reject(this.#stopped());
    const id = this.#next;
    this.#next += 1;
    const answered = new Promise<C[K]['response']>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ type: 'call', id, name, request } satisfies ToWorker);
    });
    if (timeoutMs === undefined) return answered;
    const timer = setTimeout(() => {
      this.#fail(new FastsamError(this.#failure, `${this.#name}: no answer within ${timeoutMs} ms; the thread was terminated`));
      void this.#worker.terminate();
    }, timeoutMs);
    return answered.finally(() => clearTimeout(timer));
  }

  /** Waits for the calls under way, then ends the thread. May be called twice. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#worker.postMessage({ type: 'stop' } satisfies ToWorker);
      const giveUp = setTimeout(() => void this.#worker.terminate(), this.#stopTimeoutMs);
      await this.#exited;
      clearTimeout(giveUp);
    })();
    return this.#stopping;
  }

  #receive(message: FromWorker): void {
    if (message.type !== 'done' && message.type !== 'failed') return;
    const call = this.#pending.get(message.id);
    if (!call) return;
    this.#pending.delete(message.id);
    if (message.type === 'done') call.resolve(message.response);
    else call.reject(new FastsamError(message.code, message.message));
  }

  #fail(error: FastsamError): void {
    this.#dead ??= error;
    for (const call of this.#pending.values()) call.reject(this.#dead);
    this.#pending.clear();
  }

  #stopped(): FastsamError {
    return new FastsamError('MISUSE', `${this.#name} has been stopped`);
  }
}
