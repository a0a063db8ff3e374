/** What the spool and its thread say to each other: one request at a time, each answered once. */
import type { EventMessage } from '../contract/event.js';
import type { Appended, EventStoreBounds, StoredEvent, StoreState } from './event-store.js';

export interface SpoolSettings extends EventStoreBounds {
  readonly file: string;
}

export type SpoolRequest =
  | { readonly type: 'append'; readonly events: readonly EventMessage[] }
  | { readonly type: 'read'; readonly after: number; readonly limit: number }
  | { readonly type: 'remove'; readonly numbers: readonly number[] }
  | { readonly type: 'close' };

export type SpoolAnswer =
  | { readonly type: 'state'; readonly state: StoreState }
  | ({ readonly type: 'appended' } & Appended)
  | { readonly type: 'events'; readonly events: StoredEvent[] }
  | { readonly type: 'failed'; readonly message: string };
