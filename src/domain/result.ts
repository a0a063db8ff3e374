import type { FollowTransition, PromptAnswer } from './answer.js';
import type { BackendName } from './backend.js';
import type { CaptureTime, FrameFile } from './frame.js';
import type { LetterboxGeometry } from './geometry.js';
import type { Segments } from './segments.js';
import type { Tracks } from './track.js';

/** What the network is, as far as consumers of results care. */
export interface ModelIdentity {
  /** File name without extension. */
  readonly name: string;
  readonly backend: BackendName;
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** Class names by index; empty for class-agnostic models (FastSAM). */
  readonly labels: readonly string[];
  /** Whether inference is one launch of a CUDA graph; only with tensorrt. */
  readonly graph?: boolean;
  /** Why the backend `auto` did not take tensorrt. */
  readonly fallback?: string;
}

/** Milliseconds a frame spent in each stage. `wait` is time in no stage: captured but not yet, or between stages. */
export interface StageTimings {
  readonly wait: number;
  readonly preprocess: number;
  readonly infer: number;
  readonly decode: number;
  /** Absent without tracking. */
  readonly track?: number;
  readonly prompt: number;
}

/** What text prompts cost on one frame. */
export interface TextUse {
  /** Objects that were asked about. */
  readonly objects: number;
  /** Objects that were looked at in this frame. */
  readonly crops: number;
  /** Objects that keep what was seen in an earlier frame. */
  readonly hits: number;
}

/** Everything known about one frame once its prompts are answered; plain data, no pixels. */
export interface FrameResult {
  readonly sequence: number;
  readonly captured: CaptureTime;
  readonly origin: string;
  /** Of a frame from a file; `mediaTimeMs` is its time within a video. */
  readonly file?: (FrameFile & { readonly mediaTimeMs: number | null }) | undefined;
  readonly model: ModelIdentity;
  readonly geometry: LetterboxGeometry;
  readonly segments: Segments;
  /** [frame height × frame width] soft boundaries, where they were asked for. */
  readonly edges?: Uint8Array;
  readonly promptRevision: number;
  readonly answers: readonly PromptAnswer[];
  /** Absent without text prompts. */
  readonly text?: TextUse;
  /** Absent without tracking. */
  readonly tracks?: Tracks;
  /** The frame's time on the tracker's clock; absent without tracking. */
  readonly trackTimeMs?: number;
  /** Followed prompts that changed their state in this frame; absent without tracking. */
  readonly followChanges?: readonly FollowTransition[];
  readonly timings: StageTimings;
  /** Frames dropped since the previous result of this camera, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}
