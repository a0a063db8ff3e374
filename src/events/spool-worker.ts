/**
 * The thread that owns the event database. SQLite writes on the calling thread, and a flash disk that is tidying up can
 * take seconds: the thread of frames and messages must not wait for that.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.js';
import { EventDatabase } from './event-database.js';
import type { SpoolAnswer, SpoolRequest, SpoolSettings } from './spool-protocol.js';

const port = parentPort!;

function send(message: SpoolAnswer): void {
  port.postMessage(message);
}

function answer(database: EventDatabase, request: SpoolRequest): SpoolAnswer {
  switch (request.type) {
    case 'append':
      return { type: 'appended', ...database.append(request.events) };
    case 'read':
      return { type: 'events', events: database.read(request.after, request.limit) };
    case 'remove':
      return { type: 'state', state: database.remove(request.numbers) };
    case 'close':
      database.close();
      return { type: 'state', state: database.state };
  }
}

try {
  const database = new EventDatabase(workerData as SpoolSettings);
  port.on('message', (request: SpoolRequest) => {
    try {
      send(answer(database, request));
    } catch (error) {
      send({ type: 'failed', message: messageOf(error) });
    }
    if (request.type === 'close') port.close();
  });
  send({ type: 'state', state: database.state });
} catch (error) {
  // An error of SQLite does not survive the way to another thread: its message does.
  send({ type: 'failed', message: messageOf(error) });
}
