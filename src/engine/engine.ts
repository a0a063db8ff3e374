/** From pixels to segments: what every backend offers. */

import type { EdgeOptions } from '../addon/network.js';
import type { CarryRequests } from '../addon/track.js';
import type { Frame } from '../domain/frame.js';
import type { LetterboxGeometry } from '../domain/geometry.js';
import type { ModelIdentity } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';

export interface SegmentationOptions {
  /** Keep score > conf. */
  readonly conf: number;
  /** Suppress IoU > iou, within a class. */
  readonly iou: number;
  readonly maxDet: number;
  /** Input pixels; `auto`: 20 for class-agnostic models, 0 for labelled ones. */
  readonly snapToBorder: number | 'auto';
  /** Hand out `edges` too. Only where masks are decoded on the CPU: a GPU keeps the proto masks to itself. */
  readonly edges?: EdgeOptions;
}

/** What tracking asks of a frame on top. Results are bit-identical with and without. */
export interface TrackingRequest {
  /** Hand out `segments.coefficients`. */
  readonly coefficients: true;
  /**
   * What to carry through this frame of this model; called as late as the backend can: when decoding begins, or at the
   * call.
   */
  readonly carry?: (model: ModelIdentity) => CarryRequests | undefined;
}

export interface Segmented {
  readonly segments: Segments;
  readonly geometry: LetterboxGeometry;
  /** [frame height × frame width] soft boundaries, when asked for; see NativeAddon.edgeMap. */
  readonly edges?: Uint8Array;
  /** Which model it was, where an engine has several. */
  readonly model?: ModelIdentity;
  /** Milliseconds; `wait` is time between the stages, while another frame had the network. */
  readonly timings: { readonly wait: number; readonly preprocess: number; readonly infer: number; readonly decode: number };
}

/**
 * A loaded network. `segment` may be called while earlier calls are in flight: up to `depth` frames overlap, so that
 * one is prepared and one decoded while the network works on a third. Results of overlapping calls settle in the
 * order of the calls.
 */
export interface SegmentationEngine {
  readonly model: ModelIdentity;
  /** Frames that are worth having in flight at once. */
  readonly depth: number;
  /** The caller keeps the frame. Errors: ENGINE_FAILED, MISUSE after stop. */
  segment(frame: Frame, options: SegmentationOptions, tracking?: TrackingRequest): Promise<Segmented>;
  /** Milliseconds until the network could begin with a frame that arrives now, estimated from recent frames; 0 when it idles. */
  msUntilFree(): number;
  /** Runs the network alone `runs` times on its last input and returns the milliseconds of each: the bare rate. */
  measureNetwork(runs: number): Promise<number[]>;
  /** Waits for what is in flight, then frees everything. May be called twice. */
  stop(): Promise<void>;
}

/** What decoding does for tracking. */
export function decodeForTracking(
  tracking: TrackingRequest | undefined,
  model: ModelIdentity,
): { coefficients?: true; carry?: CarryRequests } {
  if (!tracking) return {};
  const carry = tracking.carry?.(model);
  return { coefficients: true, ...(carry ? { carry } : {}) };
}

/** Border snap for this model in input pixels: FastSAM's rule belongs to class-agnostic models. */
export function snapDistance(option: number | 'auto', classes: number): number {
  if (option !== 'auto') return option;
  return classes === 1 ? 20 : 0;
}
