/** The thread's side of a WorkerClient. */
import { parentPort, type Transferable } from 'node:worker_threads';
import { type ErrorCode, FastsamError, messageOf } from '../errors.js';
import type { Calls, FromWorker, ToWorker } from './calls.js';

export interface Call {
  /** Moved to the caller with the response, instead of being copied. */
  readonly transfer: Transferable[];
}

export interface Service<C extends Calls, Loaded> {
  /** Handed to the client once. */
  readonly loaded: Loaded;
  /** What they throw rejects the call: a FastsamError as it is, anything else as INTERNAL with its message. */
  readonly handlers: {
    readonly [K in keyof C]: (request: C[K]['request'], call: Call) => C[K]['response'] | Promise<C[K]['response']>;
  };
  readonly close: () => Promise<void> | void;
}

/** Loads the service, then answers one call after the other until told to stop. Does nothing outside a worker thread. */
export async function serve<C extends Calls, Loaded>(load: () => Promise<Service<C, Loaded>> | Service<C, Loaded>): Promise<void> {
  const port = parentPort;
  if (!port) return;
  const post = (message: FromWorker, transfer: readonly Transferable[] = []) => port.postMessage(message, transfer);
  let service: Service<C, Loaded>;
  try {
    service = await load();
  } catch (error) {
    post({ type: 'unloadable', code: codeOf(error), message: messageOf(error) });
    return;
  }
  const handle = async (message: ToWorker) => {
    if (message.type === 'stop') {
      await service.close();
      port.close();
      return;
    }
    const { id, name, request } = message;
    const transfer: Transferable[] = [];
    try {
      const response = await service.handlers[name as keyof C](request, { transfer });
      post({ type: 'done', id, response }, transfer);
    } catch (error) {
      post({ type: 'failed', id, code: codeOf(error), message: messageOf(error) });
    }
  };
  let last = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    last = last.then(() => handle(message));
  });
  post({ type: 'loaded', loaded: service.loaded });
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof FastsamError ? error.code : 'INTERNAL';
}
