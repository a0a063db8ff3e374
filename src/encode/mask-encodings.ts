/** Masks in the encodings that other tools read; the library's names for what the addon does. */

import { type MultiPolygon, native } from '../addon/addon.js';
import type { Segments } from '../domain/segments.js';

/**
 * COCO's compressed RLE of each object at `indices` (all when absent): with `size: [height, width]` what pycocotools calls
 * a segmentation. Errors: MISUSE for an index that is out of range.
 */
export function encodeRle(segments: Segments, indices: Uint32Array = allOf(segments)): Promise<string[]> {
  return native().encodeRle(segments, indices);
}

/** The runs (see Segments) of a compressed RLE string. Errors: PROMPT_INVALID when it does not describe width × height pixels. */
export function decodeRle(counts: string, width: number, height: number): Uint32Array {
  return native().decodeRle(counts, width, height);
}

/** One byte per pixel of the frame, row by row: 255 inside the mask of object `index`, 0 outside. Errors: MISUSE. */
export function maskBitmap(segments: Segments, index: number): Promise<Uint8Array> {
  return native().maskBitmap(segments, index);
}

/** Outlines along pixel corners of each object at `indices` (all when absent), simplified by at most `tolerance` pixels. */
export function maskPolygons(segments: Segments, indices: Uint32Array = allOf(segments), tolerance = 1): Promise<MultiPolygon[]> {
  return native().polygons(segments, indices, tolerance);
}

function allOf({ count }: Segments): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => index);
}
