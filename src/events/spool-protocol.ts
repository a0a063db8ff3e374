/** What the spool asks of its thread. */
import type { EventMessage } from '../contract/event.js';
import type { Appended, EventStoreBounds, StoredEvent, StoreState } from './event-store.js';

export interface SpoolSettings extends EventStoreBounds {
  readonly file: string;
}

export type SpoolCalls = {
  append: { request: readonly EventMessage[]; response: Appended };
  read: { request: { readonly after: number; readonly limit: number }; response: StoredEvent[] };
  remove: { request: readonly number[]; response: StoreState };
};
