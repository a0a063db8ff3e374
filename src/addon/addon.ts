/**
 * The typed surface of the addon, and help when it fails to load. Nothing else in the project calls `require` on it.
 *
 * Every call that touches pixels or tensors runs off the JS thread and returns a promise. Buffers handed to such a
 * call must not be transferred, resized or written until the promise settles. Errors arrive as `FastsamError`; wrong
 * arguments are `MISUSE`, and a function that returns a promise rejects it instead of throwing.
 */
import { createRequire } from 'node:module';
import type { PixelFormat, PixelRegion } from '../domain/frame.js';
import type { LetterboxGeometry } from '../domain/geometry.js';
import type { Decoder } from '../domain/picture.js';
import type { Segments } from '../domain/segments.js';
import { FastsamError, messageOf } from '../errors.js';
import type { GpuStatus } from './gpus.js';
import type { NativeDifferenceOptions, NativeFeatureMap, NativeMeasurements, NativeMeasureOptions } from './measure.js';
import type { ConveyorOptions, ConveyorTruth, ShapesOptions, ShapesTruth } from './scenes.js';
import type { TensorRtAddon } from './tensorrt.js';
import type { CarryRequests, NativeCameraMotion, NativeTracker, NativeTrackerOptions } from './track.js';

export type ColorMatrix = 'bt601' | 'bt709' | 'bt2020';
export type ColorRange = 'limited' | 'full';

/** Pixels in native memory. `release` may be called twice; any other use after it throws `MISUSE`. */
export interface NativeFrame {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  release(): void;
}

export interface PixelLayout {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  /** Bytes from one row to the next, one per plane; tightly packed when absent. */
  readonly strides?: readonly number[];
  /** For nv12 and i420; default bt601, limited. */
  readonly matrix?: ColorMatrix;
  readonly range?: ColorRange;
}

export interface RawOutputs {
  /** [4 + classes + 32, anchors], row-major: cx, cy, w, h in input pixels, class scores, coefficients. */
  readonly detections: Float32Array;
  readonly anchors: number;
  readonly classes: number;
  /** [32, inputHeight / 4, inputWidth / 4], row-major. */
  readonly proto: Float32Array;
}

export interface DecodeOptions {
  /** Keep score > conf. */
  readonly conf: number;
  /** Suppress IoU > iou, within a class. */
  readonly iou: number;
  readonly maxDet: number;
  /** Distance in input pixels within which a side moves onto the content's border; 0 turns it off. */
  readonly snapToBorder: number;
  /** Hand out the mask coefficients of each object; false when absent. */
  readonly coefficients?: boolean;
  /** Masks to compute besides, from coefficients of an earlier frame. */
  readonly carry?: CarryRequests;
}

export interface EdgeOptions {
  /** Keep an edge only on the outer boundary of its object, as SAM's evaluation does; else every gradient counts. */
  readonly boundaryOnly: boolean;
  /** Weight the edges of an object by its score. */
  readonly byScore: boolean;
}

/**
 * Per object: polygons, each a list of rings (the first is the outline, the rest are holes) of [x, y] pixel corners. Rings are
 * those of GeoJSON: at least four positions, of which the last repeats the first.
 */
export type MultiPolygon = [x: number, y: number][][][];

/** A small greyscale picture that is blended over an annotated frame, a text label say. */
export interface Stamp {
  readonly alpha: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A text beside an object: `ink` on the object's colour, both packed 0xRRGGBB, with its upper left corner at `left`, `top`. */
export interface OverlayLabel extends Stamp {
  readonly left: number;
  readonly top: number;
  readonly ink: number;
}

export interface OverlayObject {
  /** Index into the segments. */
  readonly index: number;
  /** Packed 0xRRGGBB. */
  readonly color: number;
  /** Outline the object's box too. */
  readonly box?: boolean;
  readonly label?: OverlayLabel;
}

/** A line from point to point, drawn over a frame. */
export interface AnnotationLine {
  /** x, y of each point, in pixels. */
  readonly points: Float64Array;
  readonly closed: boolean;
  /** Packed 0xRRGGBB. */
  readonly color: number;
  /** Pixels. */
  readonly width: number;
}

/** A text over a frame: `ink` on `ground`, both packed 0xRRGGBB, with its upper left corner at `left`, `top`. */
export interface AnnotationStamp extends Stamp {
  readonly left: number;
  readonly top: number;
  readonly ink: number;
  readonly ground: number;
}

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

/** How an image encoder wants its pictures. */
export interface CropOptions {
  /** Side of the square that the encoder reads, in pixels; at most 1024. */
  readonly size: number;
  readonly filter: 'bilinear' | 'bicubic';
  /** What is in the box and not on the mask: left as it is, or replaced by `fill`. */
  readonly background: 'keep' | 'mean';
  /** 8 bit red, green, blue of the padding, and of the background unless that is kept. */
  readonly fill: readonly [number, number, number];
  /** A sample v of 0…255 becomes (v / 255 − mean) / deviation. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

export type Region = PixelRegion;

export interface ViewOptions {
  /** What is shown. */
  readonly part: Region;
  /** Neither above the part's. */
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  /** Of the JPEG, 1…100; 0 for no picture. */
  readonly quality: number;
  /** Cells of the region map; at most 65534 in all. */
  readonly mapWidth: number;
  readonly mapHeight: number;
  /** [count] a bit for each prompt that the object answers. */
  readonly prompts: Uint32Array;
  /** [count] track ids. */
  readonly tracks?: Uint32Array;
  /** 72 bytes, of which sizes, lengths and codec are filled in. */
  readonly header: Uint8Array;
  /** At most 64 KiB. */
  readonly meta: Uint8Array;
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

/** Writes text on a thread that nothing waits for; what does not fit in its queue or is refused is lost and counted. */
export interface LineWriter {
  /** False when the text is lost. Never blocks on the descriptor, never throws for it. */
  write(text: string): boolean;
  /** Waits, on the calling thread, until everything is written, no longer than `limitMs`; false when something still waits. */
  flush(limitMs: number): boolean;
  /** Texts lost so far. */
  readonly lost: number;
}

/** Detections in columns, an element each where nothing else is said. */
export interface DetectionBlock {
  /** Ids of their pictures, and of their categories: whole numbers. */
  readonly pictures: Float64Array;
  readonly categories: Float64Array;
  readonly scores: Float64Array;
  /** [n × 4] x, y, width, height; NaN where a detection has no box. */
  readonly boxes: Float64Array;
  /** How the mask is written: 0 none, 1 COCO's compressed run lengths, 2 plain run lengths as JSON, 3 polygons as JSON. */
  readonly kinds: Uint8Array;
  /** [n × 2] height and width of run lengths. */
  readonly sizes: Uint32Array;
  /** The texts of all masks one behind the other (ASCII), and where each ends. */
  readonly text: Uint8Array;
  readonly textEnds: Uint32Array;
}

/** Reads a list of detections in COCO's results format from the pieces of a file. */
export interface NativeDetectionReader {
  /**
   * The detections that `piece` (at most 64 MiB) completes; one call at a time. Errors: DATASET_INVALID with the number of the wrong
   * entry, MISUSE.
   */
  push(piece: Uint8Array): Promise<DetectionBlock>;
  /** Throws DATASET_INVALID unless the list has ended. */
  finish(): void;
}

export interface NativeAddon {
  /** What this build contains. */
  readonly features: {
    readonly gstreamer: boolean;
    readonly tensorrt: boolean;
    /** Whether `encodeJpeg` is there and `viewMessage` makes pictures; sharp does it at several times the cost. */
    readonly turbojpeg: boolean;
    /** What TensorRT needs and the machine that built this lacked: a word of scripts/find-tensorrt.mjs. */
    readonly tensorrtMissing?: string;
  };
  /** Absent when the build has no TensorRT. */
  readonly tensorrt?: TensorRtAddon;

  /** Wraps pixels without copying; keeps `pixels` alive until released. Throws on a layout that does not fit the buffer. */
  createFrame(pixels: Uint8Array, layout: PixelLayout): NativeFrame;
  /** A part of a frame over the same memory; both are released on their own. MISUSE when it reaches outside. */
  cropFrame(frame: NativeFrame, part: Region): NativeFrame;
  /** Whether the wall clock is disciplined (NTP, PTP); null when the kernel does not say. */
  clockSynced(): boolean | null;
  /** What a V4L2 capture device says about itself. Errors: SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED, SOURCE_LOST. */
  queryVideoDevice(path: string): Promise<VideoDevice>;
  /** Every NVIDIA GPU as the driver's NVML library sees it. Can hang with the driver. Errors: ENGINE_UNAVAILABLE without library, driver or access. */
  queryGpus(): Promise<readonly GpuStatus[]>;
  /** Picture `index` of a deterministic scene of moving shapes, as an rgb frame. */
  renderShapes(index: number, options: ShapesOptions): Promise<NativeFrame>;
  /** What `renderShapes` shows with the same arguments. */
  shapesTruth(index: number, options: ShapesOptions): Promise<ShapesTruth>;
  /** Picture `index` of a conveyor belt with parts of random kind, finish and defects, as an rgb frame. */
  renderConveyor(index: number, options: ConveyorOptions): Promise<NativeFrame>;
  /** What `renderConveyor` shows with the same arguments. */
  conveyorTruth(index: number, options: ConveyorOptions): Promise<ConveyorTruth>;
  /** The frame as tightly packed RGB. */
  toRgb(frame: NativeFrame): Promise<Uint8Array>;

  /**
   * The frame as a JPEG of `width` × `height`, neither above the frame's own, by area average. Absent when the build has no
   * libturbojpeg.
   */
  encodeJpeg?(frame: NativeFrame, width: number, height: number, quality: number): Promise<Uint8Array>;
  /** One frame with its objects for a preview, packed as src/contract/view-message.ts says; without a picture when the build has no libturbojpeg. */
  viewMessage(frame: NativeFrame, segments: Segments, options: ViewOptions): Promise<Uint8Array>;

  letterboxGeometry(frameWidth: number, frameHeight: number, inputWidth: number, inputHeight: number): LetterboxGeometry;
  /** Writes [3, inputHeight, inputWidth] RGB 0…1 into `input`. */
  letterbox(frame: NativeFrame, input: Float32Array, inputWidth: number, inputHeight: number): Promise<LetterboxGeometry>;
  /** Candidates → NMS → border snap → mask runs. */
  decode(outputs: RawOutputs, geometry: LetterboxGeometry, options: DecodeOptions): Promise<Segments>;
  /** Soft boundaries of everything in a frame: [frame height × frame width] grey levels, row-major, the highest 255. */
  edgeMap(outputs: RawOutputs, geometry: LetterboxGeometry, options: DecodeOptions, edges: EdgeOptions): Promise<Uint8Array>;
  /** The crests of such a map: lines a pixel or two wide, fading out 5 pixels from the border. */
  edgeCrests(map: Uint8Array, width: number, height: number): Promise<Uint8Array>;

  /** A tracker of one camera. Throws MISUSE for options out of range. */
  openTracker(options: NativeTrackerOptions): NativeTracker;
  openCameraMotion(): NativeCameraMotion;

  /**
   * Writes the crops of the objects at `indices` as [n, 3, size, size] RGB to the front of `output`: box rounded outwards
   * to whole pixels, background, longer side resized to `size` as Pillow does (8 bit, antialiased), padded to a square
   * with the object in the middle, normalised.
   */
  cropBatch(frame: NativeFrame, segments: Segments, indices: Uint32Array, options: CropOptions, output: Float32Array): Promise<void>;

  /** The objects at `indices`, as an engine's segments (see Segments). Carried masks belong to no object and are left out. */
  selectObjects(segments: Segments, indices: Uint32Array): Promise<Segments>;
  /** COCO compressed RLE `counts` of the objects at `indices`. */
  encodeRle(segments: Segments, indices: Uint32Array): Promise<string[]>;
  /** Runs (as in Segments) of a COCO compressed RLE string. Throws PROMPT_INVALID when it does not describe width × height. */
  decodeRle(counts: string, width: number, height: number): Uint32Array;
  /** Outlines along pixel corners, simplified by at most `tolerance` pixels (0: exact). */
  polygons(segments: Segments, indices: Uint32Array, tolerance: number): Promise<MultiPolygon[]>;
  /** Full-frame bitmaps, one byte a pixel, 255 inside. */
  maskBitmap(segments: Segments, index: number): Promise<Uint8Array>;
  /** A copy of the frame, rgb, with lines and then texts on it; the caller releases it. */
  annotate(frame: NativeFrame, lines: readonly AnnotationLine[], stamps: readonly AnnotationStamp[]): Promise<NativeFrame>;
  /** The frame as tightly packed RGB with masks filled, outlined and labelled. */
  drawOverlay(frame: NativeFrame, segments: Segments, objects: readonly OverlayObject[]): Promise<Uint8Array>;

  /**
   * Runs (as in Segments) of the union of polygon rings [x, y, x, y, …], rasterised bit for bit as pycocotools does.
   * Throws PROMPT_INVALID on a ring of fewer than three points.
   */
  polygonMask(rings: readonly (readonly number[])[], width: number, height: number): Uint32Array;
  /**
   * COCO's IoU of every detection with the truths of its group: a row for each detection, as long as its group, one row after the other;
   * a crowd's union is the detection. `areas`: pixels of each detection. Masks are runs, polygons as for `polygonMask`, or COCO compressed RLE
   * strings that must describe width × height (PROMPT_INVALID otherwise).
   */
  maskOverlaps(
    detections: readonly (Uint32Array | string | readonly (readonly number[])[])[],
    truths: readonly (Uint32Array | string | readonly (readonly number[])[])[],
    crowd: Uint8Array,
    detectionGroups: Int32Array,
    truthGroups: Int32Array,
    width: number,
    height: number,
  ): Promise<{ readonly overlaps: Float64Array; readonly areas: Float64Array }>;
  /** A reader of one file of detections in COCO's results format. */
  openDetectionReader(): NativeDetectionReader;
  /**
   * Pixels of a soft boundary map (grey levels, row-major) cut at level / 255 ≥ `threshold` and thinned, that correspond to pixels of the
   * annotators' maps (1 on a boundary) within `maxDistance` pixels: one to one, at the least total cost.
   */
  countBoundaries(
    map: Uint8Array,
    truths: readonly Uint8Array[],
    width: number,
    height: number,
    threshold: number,
    maxDistance: number,
  ): Promise<{ recalled: number; annotated: number; precise: number; detected: number }>;

  /** The names of what `measureObjects` measures, in its order. */
  measureNames(): string[];
  /** Measures the objects at `indices`. Errors: MISUSE for a frame of another size than the segments'. */
  measureObjects(frame: NativeFrame, segments: Segments, indices: Uint32Array, options: NativeMeasureOptions): Promise<NativeMeasurements>;
  /**
   * Where `frame` differs from `golden`; see native/measure/difference.h. Returns dx, dy, match, area, then per region area, x, y,
   * left, top, right, bottom. Errors: MISUSE for an empty mask.
   */
  goldenDifference(golden: NativeFrame, frame: NativeFrame, options: NativeDifferenceOptions): Promise<Float64Array>;
  /**
   * Features of the places `cells` of a network's outputs, the finest first: [cells, features], as (feature − mean) / sd where these are
   * given; see native/measure/patches.h. Errors: MISUSE for sides that do not divide those of the first map.
   */
  patchRows(maps: readonly NativeFeatureMap[], cells: Uint32Array, mean?: Float32Array, sd?: Float32Array): Promise<Float32Array>;
  /**
   * The `most` rows that are farthest from the nearest row of `memory`, the farthest first: row and distance of each. Errors: MISUSE for
   * an empty memory.
   */
  patchHighest(rows: Float32Array, memory: Float32Array, dims: number, most: number): Promise<Float64Array>;
  /** Indices of at most `most` of the rows of `dims` numbers that cover all of them; see native/measure/patches.h. */
  patchCoreset(rows: Float32Array, dims: number, most: number): Promise<Uint32Array>;
  /** Distance of each row to the nearest of `memory`. Errors: MISUSE for an empty memory. */
  patchDistances(rows: Float32Array, memory: Float32Array, dims: number): Promise<Float32Array>;
  /** Least distance of two closed lines [x, y, …] and where it is: distance, x and y on the one, x and y on the other. */
  contourGap(a: Float64Array, b: Float64Array): Promise<Float64Array>;

  /**
   * Sends one datagram to a Unix socket, as sd_notify(3) does: `socket` is a path, or "@" and a name of the abstract
   * namespace. Returns null, or why it was not taken; never blocks.
   */
  notify(socket: string, message: string): string | null;
  /**
   * Ends the process as _exit(2) does, without tearing down what runs: `process.exit` terminates worker threads inside
   * native calls, which aborts the process, and waits for threads that hang. `code`: 0 to 255.
   */
  exitAtOnce(code: number): never;

  /** See LineWriter; the descriptor is copied. `capacity`: bytes that may wait. */
  openLineWriter(descriptor: number, capacity: number): LineWriter;
  /** Makes writes of libraries to standard error fail rather than block, where it is a pipe or a socket. */
  unblockStandardError(): void;
  /**
   * Ends the process after `limitMs` with this exit code, also while its threads hang in a driver or on a disk, which
   * `process.exit` would wait for. Called again, it replaces the earlier limit and code.
   */
  endProcessAfter(limitMs: number, code: number): void;
  /**
   * Locks a file for as long as this process lives, and writes `holder` (at most 1000 bytes) into it. Never waits: answers
   * with the text of the process that has the lock instead. Errors: OUTPUT_UNWRITABLE.
   */
  lockFile(path: string, holder: string): Promise<{ readonly descriptor: number } | { readonly holder: string }>;

  /** Absent (undefined) when the build has no GStreamer. */
  hasGstElement?(name: string): Promise<boolean>;
  /** Whether libnvbufsurface is there, by which frames in a Jetson's device memory are read where they lie. */
  hasDeviceMemory?(): Promise<boolean>;
  openCapture?(options: CaptureOptions): Capture;
  openVideoWriter?(options: VideoWriterOptions): VideoWriter;
}

interface AddonModule extends NativeAddon {
  /** Hands the JS error class to the addon, so that native errors are instances of it. */
  setErrorClass(errorClass: typeof FastsamError): void;
}

let loaded: NativeAddon | undefined;

/** The addon, loaded on first use. Loading it sets ORT_DISABLE_TELEMETRY, see engine/onnxruntime.ts. Errors: NATIVE_UNAVAILABLE with what to do. */
export function native(): NativeAddon {
  if (loaded) return loaded;
  const require = createRequire(import.meta.url);
  try {
    const addon = require('../../build/Release/fastsamd.node') as AddonModule;
    addon.setErrorClass(FastsamError);
    loaded = addon;
    return addon;
  } catch (cause) {
    const missing = messageOf(cause).includes('Cannot find module');
    const why = missing ? 'it has not been built' : messageOf(cause);
    throw new FastsamError(
      'NATIVE_UNAVAILABLE',
      `the native addon does not load: ${why}; run "make build" in the fastsamd folder (it installs what is missing)`,
      { cause },
    );
  }
}
