/** The thread's side of a WorkerClient. */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { FastsamError, messageOf } from '../errors.js';
import type { FromWorker, ToWorker } from './client.js';

export interface Service<Loaded, Request, Response> {
  /** What the client is told once. */
  readonly loaded: Loaded;
  /** Answers one call; failures are part of the answer, so that lent memory comes back with it. */
  readonly handle: (request: Request) => Promise<{ readonly response: Response; readonly transfer: readonly Transferable[] }>;
  readonly close: () => Promise<void>;
}

/** Loads the service, then answers one call after the other until told to stop. */
export async function serve<Loaded, Request, Response>(
  port: MessagePort,
  load: () => Promise<Service<Loaded, Request, Response>>,
): Promise<void> {
  const post = (message: FromWorker<Loaded, Response>, transfer: readonly Transferable[] = []) => port.postMessage(message, transfer);
  let service: Service<Loaded, Request, Response>;
  try {
    service = await load();
  } catch (error) {
    post({ type: 'unloadable', code: error instanceof FastsamError ? error.code : 'INTERNAL', message: messageOf(error) });
    return;
  }
  let last = Promise.resolve();
  const handle = async (message: ToWorker<Request>) => {
    if (message.type === 'stop') {
      await service.close();
      port.close();
      return;
    }
    const { response, transfer } = await service.handle(message.request);
    post({ type: 'done', id: message.id, response }, transfer);
  };
  port.on('message', (message: ToWorker<Request>) => {
    last = last.then(() => handle(message));
  });
  post({ type: 'loaded', loaded: service.loaded });
}
