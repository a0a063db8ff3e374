/**
 * The thread that owns the event database. SQLite writes on the calling thread, and a flash disk that is tidying up can
 * take seconds: the thread of frames and messages must not wait for that.
 */
import { workerData } from 'node:worker_threads';
import { FastsamError, messageOf } from '../errors.js';
import { serve } from '../worker/server.js';
import { EventDatabase } from './event-database.js';
import type { StoreState } from './event-store.js';
import type { SpoolCalls, SpoolSettings } from './spool-protocol.js';

const { file, ...bounds } = workerData as SpoolSettings;

/** An error of SQLite does not survive the way to another thread: its message does. */
function onDisk<T>(work: () => T, hint = ''): T {
  try {
    return work();
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${file}: ${messageOf(cause)}${hint}`);
  }
}

void serve<SpoolCalls, StoreState>(() => {
  const database = onDisk(() => new EventDatabase({ file, ...bounds }), '; expected a writable folder with space');
  return {
    loaded: database.state,
    handlers: {
      append: (events) => onDisk(() => database.append(events)),
      read: ({ after, limit }) => onDisk(() => database.read(after, limit)),
      remove: (numbers) => onDisk(() => database.remove(numbers)),
    },
    close: () => database.close(),
  };
});
