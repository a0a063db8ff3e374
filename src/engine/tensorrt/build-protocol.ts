/** What the builder's process and its parent say to each other. */

import type { BuildRequest } from '../../addon/tensorrt.js';
import type { ErrorCode } from '../../errors.js';
import type { Wanted } from './sidecar.js';

/** The native request; for int8 with the pictures to calibrate with, and where to put them letterboxed. */
export interface BuildOrder extends BuildRequest {
  /** Locked while building: two builds at once would need twice the memory. */
  readonly lockPath: string;
  /** What is built: where it goes, and for what. A builder that had to wait for another may find it there. */
  readonly enginePath: string;
  readonly wanted: Wanted;
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
  | { readonly type: 'there' }
  | { readonly type: 'built'; readonly inputWidth: number; readonly inputHeight: number }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };
