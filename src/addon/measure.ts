/** The measuring calls of the addon; see native/measure for the definitions. */

export interface NativeMeasureOptions {
  /** Find the outlines again in the picture. */
  readonly refine: boolean;
  /** Mean CIELAB. */
  readonly colour: boolean;
  /** Hand out outlines. */
  readonly outlines: boolean;
  /** Measure the hull and what is made of it (HULL_MEASURES), fit a circle (CIRCLE_MEASURES): NaN otherwise. */
  readonly hull: boolean;
  readonly circle: boolean;
  /** Side of a cell of the proto masks in pixels of the frame: search distance, and what the colour leaves out at the edge. */
  readonly cell: number;
  /** Of the pool, that share the objects out: whichever is free takes the next one. */
  readonly threads: number;
  /** Holes below this many pixels are not counted. */
  readonly minHoleArea: number;
  /** The plane that is measured on, as `packed` of src/measure/calibration.ts orders it; measures are then in its units. */
  readonly plane?: Float64Array;
}

export interface NativeMeasurements {
  /** Per object: the measures in the order of `measureNames`, as many uncertainties, then refined (0 or 1), weak, off, L, a, b. */
  readonly values: Float64Array;
  /** x, y; empty unless asked for. */
  readonly points: Float64Array;
  /** Where each ring ends, in points: of each object its outlines, then its holes. */
  readonly rings: Uint32Array;
  /** Where each object ends, in rings. */
  readonly objects: Uint32Array;
}

/** One output of a network, [channels, height, width]. */
export interface NativeFeatureMap {
  readonly values: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface NativeDifferenceOptions {
  /** Pixels that an edge may lie off, 0 to 16. */
  readonly tolerance: number;
  /** Grey levels. */
  readonly contrast: number;
  /** Pixels either way in which the shift is searched, 0 to 64. */
  readonly reach: number;
  /** Pixels of the smallest difference that counts. */
  readonly minArea: number;
  /** a, b, c, d: a place (x, y) of the golden picture lies at (a x − b y + c, b x + a y + d) of the frame. */
  readonly pose: Float64Array;
  /** Runs [start, end) of the golden picture's columns that are compared; the whole picture when absent. */
  readonly mask?: Uint32Array;
}
