/** What the builder's process and its parent say to each other. */

import type { BuildRequest } from '../../addon/tensorrt.js';
import type { ErrorCode } from '../../errors.js';
import type { Verification, Wanted } from './sidecar.js';

/** The native request, and what happens before and after it. */
export interface BuildOrder extends BuildRequest {
  /** Locked while building: two builds at once would need twice the memory. */
  readonly lockPath: string;
  /** What is built: where it goes, and for what. A builder that had to wait for another may find it there. */
  readonly enginePath: string;
  readonly wanted: Wanted;
  /** The ONNX file of the user; what is built from it is written to `onnxPath` first, where that is another file. */
  readonly model: string;
  /** Folder of pictures to calibrate int8 with, and to verify with; drawn scenes when absent. */
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
  | {
      readonly type: 'built';
      readonly inputWidth: number;
      readonly inputHeight: number;
      /** Null where nothing was verified: float32, and pictures without an object. */
      readonly verification: Verification | null;
    }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };
