/** Scenes that the addon draws, and what is true about them. */

export interface ShapesOptions {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

export interface ConveyorOptions extends ShapesOptions {
  /** Pictures a second: how far the belt moves from one to the next. */
  readonly fps: number;
  /** One product, one part behind the other, none touching: plates with two bores, 18 % of them with a defect. */
  readonly plates?: boolean;
}

/** What is true about one part of a conveyor picture. */
export interface ConveyorInstance {
  /** The same for this part in every picture of the scene. */
  readonly id: number;
  readonly part: 'washer' | 'nut' | 'bracket' | 'bolt' | 'plate';
  readonly defect: 'none' | 'missing-hole' | 'bent' | 'scratch';
  /** Bounds of the visible pixels: x0 ≤ x < x1. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
  readonly visiblePixels: number;
  /** Of the whole part, 0…1. */
  readonly visibleFraction: number;
}

export interface ConveyorTruth {
  /** [height, width]: 0 is no part, k + 1 is instances[k]. */
  readonly labels: Uint16Array;
  /** Without the parts that are nearly hidden (less than 15 % visible, or less than 60 pixels of a 640 × 640 picture). */
  readonly instances: readonly ConveyorInstance[];
}
