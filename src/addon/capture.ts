/** Pictures from GStreamer and into it, and what a capture device offers. */
import type { Decoder } from '../domain/picture.js';
import type { NativeFrame } from './frame.js';

export interface CapturedFrame {
  readonly frame: NativeFrame;
  /** CLOCK_MONOTONIC at capture: from the buffer's clock for live sources, the time of arrival otherwise. */
  readonly monotonicNs: bigint;
  /** Presentation time in the stream; −1 when unknown. */
  readonly ptsNs: bigint;
}

/** received = frames read + overwritten + corrupt + discarded + the one that waits to be read, if any. */
export interface CaptureStats {
  /** Frames that left the pipeline, or that a decoder gave up on. */
  readonly received: number;
  /** Frames of a live source that were replaced by a newer one before anybody read them. */
  readonly overwritten: number;
  /** Frames that could not be decoded or mapped, or were flagged corrupt; none of them is handed out. */
  readonly corrupt: number;
  /** Frames that were under way when the capture was stopped. */
  readonly discarded: number;
  /** The pipeline holds nothing any more: it may become true long after `stop` gave up on it. */
  readonly released: boolean;
}

export interface CaptureOptions {
  /**
   * gst-launch syntax; must contain an `appsink name=sink` fed with one of the PixelFormats, in system memory or, on a Jetson, in plain rows of memory:NVMM. Through an `identity
   * name=guard` no more than 32 MiB pass from one frame to the next.
   */
  readonly pipeline: string;
  /** True: one slot, the newest frame wins. False: nothing is dropped, the pipeline waits. */
  readonly live: boolean;
  /** Limit for reaching PLAYING. */
  readonly startTimeoutMs: number;
  /** Of a file: begin here rather than at its start. */
  readonly startAtMs?: number;
  /** What decodebin may choose: cpu (default), auto: hardware for everything but JPEG, hardware: any. */
  readonly decoder?: Decoder;
}

/**
 * A GStreamer pipeline: started once, read by one `read` at a time, stopped once; a second `stop` gets the answer of the
 * first. A call under way keeps the process alive, an idle capture does not.
 */
export interface Capture {
  /** Errors: SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED, SOURCE_CORRUPT, SOURCE_TIMEOUT, SOURCE_LOST. */
  start(): Promise<void>;
  /**
   * The next frame, or null at the end of the stream and after `stop`. Frames that came before an error are handed out
   * before it. Errors: as `start`; SOURCE_TIMEOUT when nothing came in time (the capture stays usable).
   */
  read(timeoutMs: number): Promise<CapturedFrame | null>;
  /** Resolves false when the pipeline could not be stopped in time: its thread is then abandoned. A pending read settles with null. */
  stop(timeoutMs: number): Promise<boolean>;
  stats(): CaptureStats;
}

export interface VideoWriterOptions {
  /** gst-launch syntax; must contain an `appsrc name=src`. */
  readonly pipeline: string;
  readonly width: number;
  readonly height: number;
  /** Nominal: steers the encoder, and how long a frame is shown that no other follows. */
  readonly fps: number;
}

/** Encodes RGB frames through a GStreamer pipeline. One call at a time. Errors: OUTPUT_UNWRITABLE. */
export interface VideoWriter {
  /** Errors: SOURCE_UNSUPPORTED when GStreamer lacks an element of the pipeline, OUTPUT_UNWRITABLE. */
  start(): Promise<void>;
  /**
   * `rgb`: width × height × 3, tightly packed; shown `ptsMs` after the beginning of the video. A time that is not later than
   * the one before is moved behind it by 1 / fps. Resolves when the pipeline took it (backpressure).
   */
  write(rgb: Uint8Array, ptsMs: number): Promise<void>;
  /** Ends the stream and waits until the file is complete. */
  finish(timeoutMs: number): Promise<void>;
}

export interface VideoMode {
  /** FourCC, like YUYV or MJPG. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** Highest frame rate; 0 when the driver does not say. */
  readonly fps: number;
}

export interface VideoDevice {
  readonly path: string;
  readonly name: string;
  readonly driver: string;
  readonly bus: string;
  readonly modes: readonly VideoMode[];
}
