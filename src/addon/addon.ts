/**
 * The typed surface of the addon, and help when it fails to load. Nothing else in the project calls `require` on it.
 *
 * Every call that touches pixels or tensors runs off the JS thread and returns a promise. Buffers handed to such a
 * call must not be transferred, resized or written until the promise settles. Errors arrive as `FastsamError`; wrong
 * arguments are `MISUSE`, and a function that returns a promise rejects it instead of throwing.
 */
import { createRequire } from 'node:module';
import type { LetterboxGeometry } from '../domain/geometry.js';
import type { Segments } from '../domain/segments.js';
import { FastsamError, messageOf } from '../errors.js';
import type { Capture, CaptureOptions, VideoDevice, VideoWriter, VideoWriterOptions } from './capture.js';
import type { NativeDetectionReader } from './detections.js';
import type { AnnotationLine, AnnotationStamp, OverlayObject, ViewOptions } from './drawing.js';
import type { NativeFrame, PixelLayout, Region } from './frame.js';
import type { GpuStatus } from './gpus.js';
import type { NativeDifferenceOptions, NativeFeatureMap, NativeMeasurements, NativeMeasureOptions } from './measure.js';
import type { CropOptions, DecodeOptions, EdgeOptions, RawOutputs } from './network.js';
import type { ConveyorOptions, ConveyorTruth, ShapesOptions, ShapesTruth } from './scenes.js';
import type { TensorRtAddon } from './tensorrt.js';
import type { NativeCameraMotion, NativeTracker, NativeTrackerOptions } from './track.js';

/**
 * Per object: polygons, each a list of rings (the first is the outline, the rest are holes) of [x, y] pixel corners. Rings are
 * those of GeoJSON: at least four positions, of which the last repeats the first.
 */
export type MultiPolygon = [x: number, y: number][][][];

/** Writes text on a thread that nothing waits for; what does not fit in its queue or is refused is lost and counted. */
export interface LineWriter {
  /** False when the text is lost. Never blocks on the descriptor, never throws for it. */
  write(text: string): boolean;
  /** Waits, on the calling thread, until everything is written, no longer than `limitMs`; false when something still waits. */
  flush(limitMs: number): boolean;
  /** Texts lost so far. */
  readonly lost: number;
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

  /**
   * An array of an ordinary ArrayBuffer over the memory of a shared one, which it keeps: for what takes no SharedArrayBuffer, as
   * onnxruntime-node. Never to be transferred.
   */
  ordinaryView(shared: Float32Array<SharedArrayBuffer>): Float32Array<ArrayBuffer>;

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
