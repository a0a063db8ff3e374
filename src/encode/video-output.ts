/** Annotated frames as a video file. */

import { native } from '../addon/addon.js';
import type { VideoWriter } from '../addon/capture.js';
import { fraction, quoted } from '../addon/launch-text.js';
import { FastsamError, isFastsamError } from '../errors.js';

const DEFAULT_FPS = 30;
/** Bounds of the nominal rate, which the encoder's bit rate follows. */
const MIN_FPS = 1;
const MAX_FPS = 240;
/** Bits per pixel and frame at which H.264 shows contours and labels without smear. */
const BITS_PER_PIXEL = 0.15;
const FINISH_TIMEOUT_MS = 60_000;

/** H.264 encoders in order of preference: Jetson hardware, then software. `bits` per second. */
const ENCODERS: readonly ((bits: number) => string)[] = [
  (bits) => `nvvidconv ! nvv4l2h264enc bitrate=${bits}`,
  (bits) => `x264enc speed-preset=veryfast bitrate=${Math.round(bits / 1000)}`,
  (bits) => `openh264enc name=encoder rate-control=bitrate bitrate=${bits}`,
];

/** The gst-launch text that encodes RGB frames into an MP4 or Matroska file. H.264 wants even sides: an odd one loses a pixel. */
function writerPipeline(path: string, encoder: string, width: number, height: number): string {
  const muxer = /\.mkv$/i.test(path) ? 'matroskamux' : 'mp4mux';
  const even = `videocrop right=${width % 2} bottom=${height % 2}`;
  return `appsrc name=src ! ${even} ! videoconvert ! ${encoder} ! h264parse ! ${muxer} ! filesink location=${quoted(path)}`;
}

/**
 * Writes frames of one size; the first one fixes it. Each is shown when its own time says, so that the video is as long as
 * what it shows, whatever was dropped; the first two give the nominal rate.
 */
export class VideoOutput {
  #writer: VideoWriter | undefined;
  #first: { readonly rgb: Uint8Array; readonly width: number; readonly height: number; readonly timeNs: bigint | null } | undefined;
  #periodNs = BigInt(Math.round(1e9 / DEFAULT_FPS));
  /** In the video, of the frame before. */
  #shownNs = 0n;
  /** From the times of the present source to those in the video. */
  #offsetNs = 0n;

  constructor(readonly path: string) {}

  /**
   * `timeNs` grows from frame to frame, from any beginning; when it does not, a new source begins, one frame later. Null: one
   * frame later. Errors: OUTPUT_UNWRITABLE.
   */
  async write(rgb: Uint8Array, width: number, height: number, timeNs: bigint | null): Promise<void> {
    if (!this.#first) {
      this.#first = { rgb, width, height, timeNs };
      this.#offsetNs = -(timeNs ?? 0n);
      return;
    }
    if (width !== this.#first.width || height !== this.#first.height) {
      const { width: w, height: h } = this.#first;
      throw new FastsamError(
        'OUTPUT_UNWRITABLE',
        `${this.path}: the frame size changed from ${w}×${h} to ${width}×${height}; a video file has one size`,
      );
    }
    const writer = this.#writer ?? (await this.#begin(rateOf(this.#first.timeNs, timeNs)));
    await writer.write(rgb, this.#shownAt(timeNs));
  }

  /** Completes the file. */
  async finish(): Promise<void> {
    if (!this.#first) return;
    const writer = this.#writer ?? (await this.#begin(DEFAULT_FPS));
    await writer.finish(FINISH_TIMEOUT_MS);
  }

  /** Milliseconds from the beginning of the video. */
  #shownAt(timeNs: bigint | null): number {
    const next = this.#shownNs + this.#periodNs;
    if (timeNs === null) this.#shownNs = next;
    else {
      if (timeNs + this.#offsetNs <= this.#shownNs) this.#offsetNs = next - timeNs;
      this.#shownNs = timeNs + this.#offsetNs;
    }
    return Number(this.#shownNs) / 1e6;
  }

  async #begin(fps: number): Promise<VideoWriter> {
    const { rgb, width, height } = this.#first!;
    this.#writer = await openWriter(this.path, width, height, fps);
    this.#periodNs = BigInt(Math.round(1e9 / fps));
    await this.#writer.write(rgb, 0);
    return this.#writer;
  }
}

function rateOf(first: bigint | null, second: bigint | null): number {
  if (first === null || second === null || second <= first) return DEFAULT_FPS;
  const [numerator, denominator] = fraction(1e9 / Number(second - first))
    .split('/')
    .map(Number);
  return Math.min(Math.max(numerator! / denominator!, MIN_FPS), MAX_FPS);
}

async function openWriter(path: string, width: number, height: number, fps: number): Promise<VideoWriter> {
  const { openVideoWriter } = native();
  const bits = Math.round(width * height * fps * BITS_PER_PIXEL);
  for (const encoder of openVideoWriter ? ENCODERS : []) {
    const writer = openVideoWriter!({ pipeline: writerPipeline(path, encoder(bits), width, height), width, height, fps });
    try {
      await writer.start();
      return writer;
    } catch (error) {
      // A missing encoder is reported as an unsupported pipeline: the next one may be there.
      if (!isFastsamError(error, 'SOURCE_UNSUPPORTED')) throw error;
    }
  }
  throw new FastsamError(
    'OUTPUT_UNWRITABLE',
    `${path}: no H.264 encoder; install gstreamer1.0-plugins-bad (openh264enc) or gstreamer1.0-plugins-ugly (x264enc)`,
  );
}
