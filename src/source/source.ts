import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { native } from '../addon/addon.js';
import type { NativeFrame, Region } from '../addon/frame.js';
import type { SecretReference } from '../config/secrets.js';
import type { CaptureTime, Frame, FrameFile, PixelFormat } from '../domain/frame.js';
import type { CameraPixelFormat, Decoder, Flip, Rotation, Transport } from '../domain/picture.js';
import { FastsamError } from '../errors.js';
import type { Address } from './reachability.js';

/**
 * How frames come, each way slower and surer than the one before: left in device memory, where the GPU reads them; copied to system
 * memory; decoded by the processor.
 */
export type Way = 'in place' | 'copied' | 'cpu';

/** What a source can be asked for; each kind uses what applies to it. */
export interface SourceOptions {
  /** Devices are asked for this size, in pixels, and rate; frames of streams and videos are scaled to the size. */
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  /** V4L2 devices are asked for it. */
  readonly pixelFormat?: CameraPixelFormat;
  /** Clockwise, before `flip`; everything but test scenes. */
  readonly rotate?: Rotation;
  readonly flip?: Flip;
  /** Default: auto. */
  readonly decoder?: Decoder;
  /** Of a Jetson, default true: frames may stay in device memory, for the GPU to read. */
  readonly deviceMemory?: boolean;
  /** Told which way is taken instead when one gives no frame, and why. */
  readonly onFallback?: (to: Exclude<Way, 'in place'>, why: string) => void;
  /** Videos: begin here. */
  readonly startAtMs?: number;
  /** Directories: go on with the pictures that come later. */
  readonly watch?: boolean;
  /** Watched directories: pictures are moved there once their frames have been released, those that are corrupt to `bad` in it. */
  readonly moveTo?: string;
  /** RTSP, see RtspSettings. */
  readonly transport?: Transport;
  readonly latencyMs?: number;
  /** RTSP and HTTP; in place of what the URI says. */
  readonly username?: string;
  readonly secret?: SecretReference;
  readonly insecureTls?: boolean;
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
  /** Called once for each corrupt picture of a directory; it is counted and left out, the others follow. */
  readonly onCorrupt?: (error: Error, path: string) => void;
  /**
   * Pictures of files that are too large to be held in memory come as frames that are read in parts (Frame.part), upright,
   * without `rotate` and `flip`; without it they are SOURCE_UNSUPPORTED.
   */
  readonly inParts?: boolean;
  /** Pictures of files with more than 8 bits a sample are stretched to 8 bits, see DepthOptions. */
  readonly stretchDepth?: boolean;
  /** Go on where an earlier source of the same URI was closed. */
  readonly resume?: Place | undefined;
}

/** How far the reading of files has come. */
export type Place =
  /** A list of pictures: up to and including this one. */
  | { readonly afterPath: string }
  /** A drop folder: versions that were handed out or given up, by path. */
  | { readonly done: ReadonlyMap<string, string> }
  /** A video: its frames up to this time. */
  | { readonly afterMs: number };

/**
 * Frames in order. Iterate once, after `open`. A live source keeps only the newest frame while none is read; any other
 * waits and loses nothing. The consumer releases every frame it gets.
 */
export interface Source extends AsyncIterable<Frame> {
  /** The URI it was opened from, without credentials. */
  readonly uri: string;
  readonly live: boolean;
  /** Where it can be asked whether it is back, for sources behind a network. */
  readonly address?: Address | undefined;
  /** Errors: SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED, SOURCE_CORRUPT, SOURCE_TIMEOUT, SOURCE_LOST; iterating may throw the same. */
  open(): Promise<void>;
  /** Frames that arrived so far, whatever became of them. */
  received(): number;
  /**
   * Frames dropped so far, by reason: `busy` (a newer one came before anybody took it), `corrupt`, `stopped` (under way when
   * the source was closed). received = frames handed out + dropped + the one that waits, if any.
   */
  dropped(): Readonly<Record<string, number>>;
  /**
   * Of a live source: the newest frame, in place of the latest one handed out, which is released and counts as `busy`; the
   * same one when it still is the newest. Not while `next` is pending.
   */
  newest?(frame: Frame): Promise<Frame>;
  /** Where `resume` is to go on, of files that are read once; also after `stop`. Undefined before the first frame. */
  place?(): Place | undefined;
  /**
   * Ends the iteration and frees everything. May be called twice, and before `open`. Errors: SOURCE_WEDGED when it does
   * not let go within 5 s; calling it again then tells whether it has meanwhile.
   */
  stop(): Promise<void>;
}

/** A native frame with its place in the stream. */
export class SourceFrame implements Frame {
  /** Of the pixels; shared by all frames that retain them. */
  #holders: { count: number; readonly done: (() => void) | undefined };
  #isReleased = false;
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;

  constructor(
    readonly pixels: NativeFrame,
    readonly sequence: number,
    readonly captured: CaptureTime,
    readonly origin: string,
    readonly ptsNs: bigint | null = null,
    readonly file: FrameFile | undefined = undefined,
    /** Called when the last holder has released the pixels. */
    done: (() => void) | undefined = undefined,
  ) {
    this.#holders = { count: 1, done };
    this.width = pixels.width;
    this.height = pixels.height;
    this.format = pixels.format;
  }

  retain(): SourceFrame {
    if (this.#isReleased) throw new FastsamError('MISUSE', 'a frame was retained after its release');
    const { pixels, sequence, captured, origin, ptsNs, file } = this;
    const other = new SourceFrame(pixels, sequence, captured, origin, ptsNs, file);
    other.#holders = this.#holders;
    this.#holders.count += 1;
    return other;
  }

  [Symbol.dispose](): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#holders.count -= 1;
    if (this.#holders.count > 0) return;
    this.pixels.release();
    this.#holders.done?.();
  }
}

/** A part of a frame, `region` in its pixels, over the same memory; the frame itself is released with it. Errors: SOURCE_UNSUPPORTED when nothing of it is inside. */
export function croppedFrame(frame: Frame, region: Region): Frame {
  const { x, y } = region;
  const width = Math.min(region.width, frame.width - x);
  const height = Math.min(region.height, frame.height - y);
  if (width < 1 || height < 1) {
    frame[Symbol.dispose]();
    throw new FastsamError(
      'SOURCE_UNSUPPORTED',
      `${frame.origin}: the region of interest lies outside its ${frame.width}×${frame.height} frames`,
    );
  }
  const pixels = native().cropFrame(frame.pixels as NativeFrame, { x, y, width, height });
  return new SourceFrame(pixels, frame.sequence, frame.captured, frame.origin, frame.ptsNs, frame.file, () => frame[Symbol.dispose]());
}

/** The still at `path`, as results name it. */
export async function fileOf(path: string): Promise<FrameFile> {
  const stats = await stat(path).catch(() => undefined);
  return { name: basename(path), modifiedMs: stats?.mtimeMs ?? null };
}

/** Capture time from a reading of CLOCK_MONOTONIC; now when absent. */
export function captureTime(monotonicNs: bigint = process.hrtime.bigint()): CaptureTime {
  const ageMs = Number(process.hrtime.bigint() - monotonicNs) / 1e6;
  return { monotonicNs, wallMs: Date.now() - ageMs };
}
