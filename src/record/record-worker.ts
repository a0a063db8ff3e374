/** The thread that owns the database of verdicts: a slow disk must not stop frames and messages. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.js';
import type { RecordAnswer, RecordRequest, RecordSettings } from './protocol.js';
import { VerdictDatabase } from './verdict-database.js';

const port = parentPort!;
const send = (answer: RecordAnswer) => port.postMessage(answer);

try {
  const database = new VerdictDatabase(workerData as RecordSettings, { onPutAside: (path) => send({ putAside: path }) });
  port.on('message', (request: RecordRequest | 'close') => {
    if (request === 'close') {
      database.close();
      port.close();
      return;
    }
    try {
      send({ answer: database.call(request.name, request.ask as never) });
    } catch (error) {
      send({ failed: messageOf(error) });
    }
  });
  send({ answer: null });
} catch (error) {
  send({ failed: messageOf(error) });
}
