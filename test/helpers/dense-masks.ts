/** Masks as plain bitmaps, for oracles: slow and obviously right. Column-major, like the runs. */
import fc from 'fast-check';
import type { Segments } from '../../src/domain/segments.js';

export function runsOf(inside: readonly boolean[]): Uint32Array {
  const runs: number[] = [];
  for (const [pixel, is] of inside.entries()) {
    const was = pixel > 0 && inside[pixel - 1];
    if (is !== was) runs.push(pixel);
  }
  if (inside.at(-1)) runs.push(inside.length);
  return Uint32Array.from(runs);
}

export function denseOf(runs: Uint32Array, pixels: number): boolean[] {
  const inside = new Array<boolean>(pixels).fill(false);
  for (let k = 0; k < runs.length; k += 2) inside.fill(true, runs[k], runs[k + 1]);
  return inside;
}

/** Segments of the given masks, scores falling from 0.9. */
export function segmentsOf(width: number, height: number, masks: readonly (readonly boolean[])[]): Segments {
  const runs = masks.map(runsOf);
  const offsets = Uint32Array.from([0, ...runs.map((mask) => mask.length / 2)]);
  for (let k = 1; k < offsets.length; k += 1) offsets[k]! += offsets[k - 1]!;
  return {
    count: masks.length,
    width,
    height,
    boxes: new Float32Array(4 * masks.length),
    scores: Float32Array.from(masks, (_, k) => 0.9 - 0.01 * k),
    classes: new Int32Array(masks.length),
    areas: Uint32Array.from(masks, (mask) => mask.filter(Boolean).length),
    runs: Uint32Array.from(runs.flatMap((mask) => [...mask])),
    offsets,
  };
}

/** Rectangles from `[x1, y1, x2, y2]`. */
export function rectangle(width: number, height: number, [x1, y1, x2, y2]: readonly [number, number, number, number]): boolean[] {
  return Array.from({ length: width * height }, (_, pixel) => {
    const x = Math.floor(pixel / height);
    const y = pixel % height;
    return x >= x1 && x < x2 && y >= y1 && y < y2;
  });
}

/** Up to `most` masks on one small frame, of blobs and of noise. */
export function scenes(most: number): fc.Arbitrary<{ width: number; height: number; masks: boolean[][] }> {
  return fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) }).chain(({ width, height }) => {
    const side = (size: number) =>
      fc.tuple(fc.integer({ min: 0, max: size }), fc.integer({ min: 0, max: size })).map((pair) => pair.sort((a, b) => a - b));
    const blob = fc.tuple(side(width), side(height)).map(([[x1, x2], [y1, y2]]) => rectangle(width, height, [x1!, y1!, x2!, y2!]));
    const noise = fc.array(fc.boolean(), { minLength: width * height, maxLength: width * height });
    return fc.array(fc.oneof(blob, noise), { maxLength: most }).map((masks) => ({ width, height, masks }));
  });
}
