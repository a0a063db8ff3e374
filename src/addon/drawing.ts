/** What the addon draws over a frame, and what it packs for a viewer. */
import type { Region } from './frame.js';

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
