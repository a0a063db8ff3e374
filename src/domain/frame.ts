export const PIXEL_FORMATS = ['rgb', 'bgr', 'rgba', 'nv12', 'i420'] as const;
export type PixelFormat = (typeof PIXEL_FORMATS)[number];

/** When a frame was captured, on both clocks. */
export interface CaptureTime {
  /** Milliseconds since the Unix epoch. */
  readonly wallMs: number;
  /** CLOCK_MONOTONIC, the clock of `process.hrtime.bigint()`. */
  readonly monotonicNs: bigint;
}

/** The file that a frame came from. */
export interface FrameFile {
  /** Without folders. */
  readonly name: string;
  /** When a still was written, milliseconds since the Unix epoch: the nearest to when it was taken. Null for videos. */
  readonly modifiedMs: number | null;
}

/** A rectangle of whole pixels. */
export interface PixelRegion {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * One picture. The pixels stay in native memory behind an opaque handle; the last holder of the frame releases it
 * (`using frame = …` or `frame[Symbol.dispose]()`), after which the pixels are gone.
 */
export interface Frame extends Disposable {
  /** Opaque: a `NativeFrame` of the addon. Only native calls look inside. */
  readonly pixels: object;
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  /** Counts the frames of one source from 0, without gaps for frames that were dropped. */
  readonly sequence: number;
  readonly captured: CaptureTime;
  /** Presentation time within its stream, in nanoseconds; null for stills. */
  readonly ptsNs: bigint | null;
  /** Where the picture came from, for messages and output names: a file path or a URI without credentials. */
  readonly origin: string;
  /** Absent for cameras and scenes. */
  readonly file?: FrameFile | undefined;
  /**
   * Only of a picture that is too large to be held in memory, whose `pixels` throw SOURCE_UNSUPPORTED: its pixels in `region`,
   * as a frame that the caller releases. Reading row by row is cheapest. Errors: SOURCE_CORRUPT.
   */
  part?(region: PixelRegion): Promise<Frame>;
  /** The same picture for another holder, who releases it as well; the pixels go with the last. Not after the release. */
  retain(): Frame;
}
