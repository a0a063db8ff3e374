/** Events on disk: the database lives on a separate thread (spool-worker.ts). */
import { compiledModule } from '../compiled.js';
import { WorkerClient } from '../worker/client.js';
import type { EventStore, StoreState } from './event-store.js';
import type { SpoolCalls, SpoolSettings } from './spool-protocol.js';

/** A flash disk may take long over the last write. */
const CLOSE_TIMEOUT_MS = 60_000;

/** Errors: OUTPUT_UNWRITABLE when the database cannot be opened, and of every call when it cannot be written or read. */
export async function openDiskStore(settings: SpoolSettings): Promise<EventStore> {
  const { client, loaded } = await WorkerClient.start<SpoolCalls, StoreState>({
    script: compiledModule('./spool-worker.js', import.meta.url),
    name: 'events',
    settings,
    failure: 'OUTPUT_UNWRITABLE',
    stopTimeoutMs: CLOSE_TIMEOUT_MS,
  });
  return {
    initial: loaded,
    append: (events) => client.call('append', events),
    read: (after, limit) => client.call('read', { after, limit }),
    remove: (numbers) => client.call('remove', numbers),
    close: () => client.stop(),
  };
}
