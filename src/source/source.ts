import type { CaptureTime, Frame, PixelFormat } from '../domain/frame.js';
import type { NativeFrame } from '../native.js';

/** What a source can be asked for; each kind uses what applies to it. */
export interface SourceOptions {
  /** Ask the camera for this size, in pixels, and rate. */
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  /** Files and directories: start again at the end. */
  readonly loop?: boolean;
  /** Files: play at their own frame rate and drop frames like a camera. Default: as fast as frames are taken, dropping none. */
  readonly realtime?: boolean;
  /** Live sources: without a frame for this long they are lost; default 3000. */
  readonly stallTimeoutMs?: number;
  /** A live source that is silent for as long as nothing happens (a triggered camera) is never lost for that. */
  readonly expectIdle?: boolean;
  /** Sequence number of the first frame; a camera that is reopened counts on. */
  readonly firstSequence?: number;
  /** Called for a corrupt picture in a directory, which is then skipped; without it the error ends the source. */
  readonly onCorrupt?: (error: Error) => void;
}

/**
 * Frames in order. Iterate once, after `open`. A live source keeps only the newest frame while nobody reads; any other
 * waits and loses nothing. The consumer releases every frame it gets.
 */
export interface Source extends AsyncIterable<Frame> {
  /** The URI it was opened from, without credentials. */
  readonly uri: string;
  readonly live: boolean;
  /** Errors: SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED, SOURCE_CORRUPT, SOURCE_TIMEOUT, SOURCE_LOST; iterating may throw the same. */
  open(): Promise<void>;
  /** Frames dropped so far, by reason. */
  dropped(): Readonly<Record<string, number>>;
  /**
   * Ends the iteration and frees everything. May be called twice, and before `open`. Errors: SOURCE_WEDGED when it does
   * not let go within 5 s; calling it again then tells whether it has meanwhile.
   */
  stop(): Promise<void>;
}

/** A native frame with its place in the stream. */
export class SourceFrame implements Frame {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;

  constructor(
    readonly pixels: NativeFrame,
    readonly sequence: number,
    readonly captured: CaptureTime,
    readonly origin: string,
    readonly ptsNs: bigint | null = null,
  ) {
    this.width = pixels.width;
    this.height = pixels.height;
    this.format = pixels.format;
  }

  [Symbol.dispose](): void {
    this.pixels.release();
  }
}

/** Capture time from a reading of CLOCK_MONOTONIC; now when absent. */
export function captureTime(monotonicNs: bigint = process.hrtime.bigint()): CaptureTime {
  const ageMs = Number(process.hrtime.bigint() - monotonicNs) / 1e6;
  return { monotonicNs, wallMs: Date.now() - ageMs };
}
