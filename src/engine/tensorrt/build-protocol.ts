/** What the builder's process and its parent say to each other. */
import type { ErrorCode } from '../../errors.js';
import type { BuildRequest } from '../../native/tensorrt.js';

/** The native request; for int8 with the pictures to calibrate with, and where to put them letterboxed. */
export interface BuildOrder extends BuildRequest {
  readonly pictures?: string;
}

export type FromBuilder =
  | {
      readonly type: 'report';
      readonly kind: 'error' | 'warning' | 'info' | 'progress';
      readonly text: string;
      readonly step: number;
      readonly steps: number;
    }
  | { readonly type: 'built'; readonly inputWidth: number; readonly inputHeight: number }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };
