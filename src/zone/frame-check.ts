/** Whether lines and zones lie where a camera sees them. */
import { FastsamError } from '../errors.js';
import type { ZoneSet } from './saved.js';

/** Errors: PROMPT_INVALID for a line or zone that lies outside of the frame with all its corners on one side. */
export function assertInFrame(
  { lines, zones }: ZoneSet,
  camera: string,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  const shapes = [
    ...lines.map(({ id, space, from, to }) => ({ id, space, corners: [from, to], kind: 'line' })),
    ...zones.map(({ id, space, polygon }) => ({ id, space, corners: polygon, kind: 'zone' })),
  ];
  for (const { id, space, corners, kind } of shapes) {
    const [w, h] = space === 'normalized' ? [1, 1] : [width, height];
    const sides = [
      corners.every(([x]) => x < 0),
      corners.every(([x]) => x > w),
      corners.every(([, y]) => y < 0),
      corners.every(([, y]) => y > h),
    ];
    if (!sides.includes(true)) continue;
    throw new FastsamError('PROMPT_INVALID', `${kind} "${id}" lies outside of the ${width}x${height} frame of camera "${camera}"`);
  }
}
