/** Annotated frames as a video file. */
import { FastsamError, isFastsamError } from '../errors.js';
import { native, type VideoWriter } from '../native.js';
import { fraction, quoted } from '../source/pipelines.js';

const DEFAULT_FPS = 30;
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

/** Writes frames of one size; the first one fixes it, the first two fix the frame rate. */
export class VideoOutput {
  #writer: VideoWriter | undefined;
  #first: { readonly rgb: Uint8Array; readonly width: number; readonly height: number; readonly ptsNs: bigint | null } | undefined;

  constructor(readonly path: string) {}

  /** Errors: OUTPUT_UNWRITABLE. */
  async write(rgb: Uint8Array, width: number, height: number, ptsNs: bigint | null): Promise<void> {
    if (!this.#first) {
      this.#first = { rgb, width, height, ptsNs };
      return;
    }
    if (width !== this.#first.width || height !== this.#first.height) {
      const { width: w, height: h } = this.#first;
      throw new FastsamError(
        'OUTPUT_UNWRITABLE',
        `${this.path}: the frame size changed from ${w}×${h} to ${width}×${height}; a video file has one size`,
      );
    }
    const writer = this.#writer ?? (await this.#begin(rateOf(this.#first.ptsNs, ptsNs)));
    await writer.write(rgb);
  }

  /** Completes the file. */
  async finish(): Promise<void> {
    if (!this.#first) return;
    const writer = this.#writer ?? (await this.#begin(DEFAULT_FPS));
    await writer.finish(FINISH_TIMEOUT_MS);
  }

  async #begin(fps: number): Promise<VideoWriter> {
    const { rgb, width, height } = this.#first!;
    this.#writer = await openWriter(this.path, width, height, fps);
    await this.#writer.write(rgb);
    return this.#writer;
  }
}

function rateOf(first: bigint | null, second: bigint | null): number {
  if (first === null || second === null || second <= first) return DEFAULT_FPS;
  const [numerator, denominator] = fraction(1e9 / Number(second - first))
    .split('/')
    .map(Number);
  return numerator! / denominator!;
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
