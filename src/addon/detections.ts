/** Lists of detections in COCO's results format. */

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
