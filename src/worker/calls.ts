/** What travels between a WorkerClient and the `serve` of its thread. */
import type { ErrorCode } from '../errors.js';

/** What a thread can be asked, by name. */
export type Calls = Record<string, { readonly request: unknown; readonly response: unknown }>;

/** Buffers that a call moves to the thread; they come back with the answer, also with an error. Nothing is copied. */
export type Lent = Record<string, Float32Array<ArrayBuffer>>;

export type ToWorker =
  | { readonly type: 'call'; readonly id: number; readonly name: string; readonly request: unknown; readonly lent: Lent }
  | { readonly type: 'stop' };

export type FromWorker =
  | { readonly type: 'loaded'; readonly loaded: unknown }
  | { readonly type: 'unloadable'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly response: unknown; readonly lent: Lent }
  | { readonly type: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string; readonly lent: Lent };

export function buffersOf(lent: Lent): ArrayBuffer[] {
  return Object.values(lent).map(({ buffer }) => buffer);
}
