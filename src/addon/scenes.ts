/** Scenes that the addon draws, and what is true about them. */

/** How a scene is looked at; what is left out changes nothing. */
export interface SceneView {
  /** What the camera does: at most 60 pixels of 1080 lines a picture. */
  readonly camera?: 'fixed' | 'pan' | 'zoom' | 'shake' | 'yaw';
  /** Width of an upright bar in the middle that hides what passes behind it, in shorter sides of the picture: 0…10. */
  readonly bar?: number;
  /** The light falls by this share and comes back, every 90 pictures: 0…0.9. */
  readonly light?: number;
}

interface SceneOptions extends SceneView {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

export interface ShapesOptions extends SceneOptions {
  /** Two of each: same form, colour and size. */
  readonly twins?: boolean;
  /** Shapes leave the picture and come back instead of turning at its edges. */
  readonly leave?: boolean;
  /** Every shape has a disc of another colour on it, an object within it. */
  readonly pieces?: boolean;
}

/** What is true about one shape, or piece of one. */
export interface ShapesInstance {
  /** The same in every picture of the scene. */
  readonly id: number;
  /** Of a piece, the id of its shape. */
  readonly parent?: number;
  /** Bounds of the visible pixels: x0 ≤ x < x1. Those of a shape hold its piece. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
  readonly visiblePixels: number;
  /** Of the whole, beyond the picture's border and behind others too: 0…1. */
  readonly visibleFraction: number;
}

export interface ShapesTruth {
  /** [height, width]: 0 is the floor, k + 1 is instances[k]. A pixel of a piece is one of its shape, too. */
  readonly labels: Uint16Array;
  /** Without those of which nothing is visible. */
  readonly instances: readonly ShapesInstance[];
}

export interface ConveyorOptions extends SceneOptions {
  /** Pictures a second: how far the belt moves from one to the next. */
  readonly fps: number;
  /** One product, one part behind the other, none touching: plates with two bores, 18 % of them with a defect. */
  readonly plates?: boolean;
  /** Rows of plates side by side: 1 (when absent) or 2. */
  readonly lanes?: number;
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
