/** The record of verdicts; its database lives on a separate thread. */
import { Worker } from 'node:worker_threads';
import { compiledModule } from '../compiled.js';
import { FastsamError, messageOf } from '../errors.js';
import type { CallName, RecordAnswer, RecordCalls, RecordSettings } from './protocol.js';

export class VerdictRecord {
  readonly #worker: Worker;
  readonly #file: string;
  readonly #waiting: { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void }[] = [];
  #dead: Error | undefined;

  private constructor(worker: Worker, file: string, onPutAside: (path: string) => void) {
    this.#worker = worker;
    this.#file = file;
    worker.on('message', (message: RecordAnswer) => {
      if ('putAside' in message) {
        onPutAside(message.putAside);
        return;
      }
      const call = this.#waiting.shift();
      if ('failed' in message) call?.reject(this.#unwritable(message.failed));
      else call?.resolve(message.answer);
    });
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('the record is closed')));
  }

  /**
   * `onPutAside`: a file was damaged, was put there, and a new record was begun; now or later. Errors: OUTPUT_UNWRITABLE when the
   * database cannot be opened.
   */
  static async open(settings: RecordSettings, onPutAside: (path: string) => void = () => undefined): Promise<VerdictRecord> {
    const worker = new Worker(compiledModule('./record-worker.js', import.meta.url), {
      workerData: settings,
      name: 'record',
      execArgv: [],
    });
    const record = new VerdictRecord(worker, settings.file, onPutAside);
    await record.#next();
    return record;
  }

  /** One after the other, in the order of the calls. Errors: OUTPUT_UNWRITABLE. */
  call<N extends CallName>(name: N, ask: RecordCalls[N]['ask']): Promise<RecordCalls[N]['answer']> {
    if (this.#dead) return Promise.reject(this.#dead);
    this.#worker.postMessage({ name, ask });
    return this.#next() as Promise<RecordCalls[N]['answer']>;
  }

  /** After the calls under way. */
  async close(): Promise<void> {
    if (this.#dead) return;
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#worker.postMessage('close');
    await exited;
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #fail(error: Error): void {
    this.#dead ??= this.#unwritable(messageOf(error));
    for (const { reject } of this.#waiting.splice(0)) reject(this.#dead);
  }

  #unwritable(reason: string): FastsamError {
    return new FastsamError('OUTPUT_UNWRITABLE', `${this.#file}: ${reason}; expected a writable folder with space`);
  }
}
