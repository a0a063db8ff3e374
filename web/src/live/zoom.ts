/** The part of the frame that fills the stage. Pure. */
import type { Roi } from '../../../src/contract/console.js';

/** 0…1 of the frame: the upper left corner, and the share of each side that is seen. */
export interface Zoom {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

export const UNZOOMED: Zoom = { x: 0, y: 0, size: 1 };
export const LEAST_PART = 1 / 8;
/** As ROI_STEPS of the contract. */
const STEPS = 8;

function placed(x: number, y: number, size: number): Zoom {
  const within = (value: number) => Math.min(Math.max(value, 0), 1 - size);
  return { x: within(x), y: within(y), size };
}

/** `factor` times as large; the place (0…1 of the frame) stays where it is on the screen. */
export function zoomAt({ x, y, size }: Zoom, factor: number, [atX, atY]: readonly [number, number]): Zoom {
  const next = Math.min(Math.max(size / factor, LEAST_PART), 1);
  return placed(atX - ((atX - x) * next) / size, atY - ((atY - y) * next) / size, next);
}

/** Moved by shares of the frame. */
export function pan({ x, y, size }: Zoom, dx: number, dy: number): Zoom {
  return placed(x + dx, y + dy, size);
}

/** Moved so that the place is in the middle, as far as the frame reaches. */
export function centred({ size }: Zoom, [x, y]: readonly [number, number]): Zoom {
  return placed(x - size / 2, y - size / 2, size);
}

/** What to ask the daemon for: the eighths that cover what is seen; undefined for all of the frame. */
export function roiOf({ x, y, size }: Zoom): Roi | undefined {
  if (size === 1) return undefined;
  // A hair beyond an eighth, by rounding, needs no further one.
  const [left, top] = [Math.floor(x * STEPS + 1e-6), Math.floor(y * STEPS + 1e-6)];
  const [right, bottom] = [Math.ceil((x + size) * STEPS - 1e-6), Math.ceil((y + size) * STEPS - 1e-6)];
  return [left, top, right - left, bottom - top];
}

/** The style of an element that is as large as the whole frame, so that the part fills its parent. */
export function planeStyle({ x, y, size }: Zoom): string {
  return `left:${(-100 * x) / size}%;top:${(-100 * y) / size}%;width:${100 / size}%;height:${100 / size}%`;
}
