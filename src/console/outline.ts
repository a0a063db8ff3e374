/** The exact outline of one object, for the page that points at it. */
import type { Outline } from '../contract/console.js';
import type { FrameResult } from '../domain/result.js';
import { maskPolygons } from '../encode/mask-encodings.js';
import { FastsamError } from '../errors.js';

/** More corners than an outline has on a screen; a message of them has about 100 KB. */
const MAX_CORNERS = 8000;
/** By how much an outline may deviate, pixels: exact, and more only where that has too many corners. */
const TOLERANCES = [0, 0.75, 2, 8];

/** In pixels of the frame. `object`: its index in the result. Errors: REQUEST_INVALID for an object that is not there. */
export async function outlineOf({ segments, sequence }: FrameResult, object: number): Promise<Outline> {
  if (object >= segments.count)
    throw new FastsamError('REQUEST_INVALID', `object: expected one of the ${segments.count} of frame ${sequence}, got ${object}`);
  for (const tolerance of TOLERANCES) {
    const [polygons] = await maskPolygons(segments, Uint32Array.of(object), tolerance);
    const rings = polygons!.flat();
    if (rings.reduce((sum, { length }) => sum + length, 0) <= MAX_CORNERS) return { rings, tolerance };
  }
  throw new FastsamError('REQUEST_INVALID', `object ${object}: its outline has more than ${MAX_CORNERS} corners`);
}
