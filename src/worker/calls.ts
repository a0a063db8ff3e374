/** What travels between a WorkerClient and the `serve` of its thread. */
import type { ErrorCode } from '../errors.js';

/** What a thread can be asked, by name. */
export type Calls = Record<string, { readonly request: unknown; readonly response: unknown }>;

export type ToWorker =
  | { readonly type: 'call'; readonly id: number; readonly name: string; readonly request: unknown }
  | { readonly type: 'stop' };

export type FromWorker =
  | { readonly type: 'loaded'; readonly loaded: unknown }
  | { readonly type: 'unloadable'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly response: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string };
