/** What goes into a network, and how objects are made of what comes out of it. */
import type { CarryRequests } from './track.js';

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
