/** Calls into a worker thread: one at a time there, in the order they were made here. */
import { type Transferable, Worker } from 'node:worker_threads';
import { type ErrorCode, FastsamError, messageOf } from '../errors.js';

/** A thread that has nothing left to do must end at once; this only bounds a broken one. */
const STOP_TIMEOUT_MS = 4000;

export type ToWorker<Request> = { readonly type: 'call'; readonly id: number; readonly request: Request } | { readonly type: 'stop' };
export type FromWorker<Loaded, Response> =
  | { readonly type: 'loaded'; readonly loaded: Loaded }
  | { readonly type: 'unloadable'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly response: Response };

interface Call<Response> {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: FastsamError) => void;
}

export class WorkerClient<Request, Response> {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #calls = new Map<number, Call<Response>>();
  readonly #exited: Promise<void>;
  #next = 0;
  #dead: FastsamError | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(worker: Worker, name: string) {
    this.#worker = worker;
    this.#name = name;
    worker.on('message', (message: FromWorker<unknown, Response>) => {
      if (message.type !== 'done') return;
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      call?.resolve(message.response);
    });
    worker.on('error', (error) => this.#fail(new FastsamError('ENGINE_FAILED', `${name} stopped: ${messageOf(error)}`, { cause: error })));
    this.#exited = new Promise((resolve) =>
      worker.once('exit', () => {
        this.#fail(new FastsamError('MISUSE', `${name} has been stopped`));
        resolve();
      }),
    );
  }

  /** Starts `script` with `settings` and waits until it has loaded. Errors: what the thread says, ENGINE_FAILED. */
  static async start<Request, Response, Loaded>(
    script: URL,
    name: string,
    settings: unknown,
  ): Promise<{ client: WorkerClient<Request, Response>; loaded: Loaded }> {
    const worker = new Worker(script, { workerData: settings, name, execArgv: [] });
    const client = new WorkerClient<Request, Response>(worker, name);
    const loaded = await new Promise<Loaded>((resolve, reject) => {
      worker.once('error', (error) =>
        reject(new FastsamError('ENGINE_FAILED', `${name} does not start: ${messageOf(error)}`, { cause: error })),
      );
      worker.once('exit', () => reject(new FastsamError('ENGINE_FAILED', `${name} does not start`)));
      worker.once('message', (message: FromWorker<Loaded, Response>) => {
        if (message.type === 'loaded') resolve(message.loaded);
        if (message.type === 'unloadable') reject(new FastsamError(message.code, message.message));
      });
    });
    return { client, loaded };
  }

  /**
   * `timeoutMs`: a thread that is longer over the call is ended, for it may never come back.
   * Errors: ENGINE_FAILED when the thread dies or is ended, MISUSE after stop.
   */
  call(request: Request, transfer: readonly Transferable[] = [], timeoutMs?: number): Promise<Response> {
    if (this.#dead) return Promise.reject(this.#dead);
    if (this.#stopping) return Promise.reject(new FastsamError('MISUSE', `${this.#name} has been stopped`));
    const id = this.#next;
    this.#next += 1;
    const answered = new Promise<Response>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#worker.postMessage({ type: 'call', id, request } satisfies ToWorker<Request>, transfer);
    });
    if (timeoutMs === undefined) return answered;
    const timer = setTimeout(() => {
      this.#fail(new FastsamError('ENGINE_FAILED', `${this.#name}: no answer within ${timeoutMs} ms; it was ended`));
      void this.#worker.terminate();
    }, timeoutMs);
    return answered.finally(() => clearTimeout(timer));
  }

  /** Waits for the calls under way, then ends the thread. May be called twice. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#worker.postMessage({ type: 'stop' } satisfies ToWorker<Request>);
      const giveUp = setTimeout(() => void this.#worker.terminate(), STOP_TIMEOUT_MS);
      await this.#exited;
      clearTimeout(giveUp);
    })();
    return this.#stopping;
  }

  #fail(error: FastsamError): void {
    this.#dead ??= error;
    for (const call of this.#calls.values()) call.reject(this.#dead);
    this.#calls.clear();
  }
}
