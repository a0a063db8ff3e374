/** Corners in source pixels: x1 ≤ x < x2, y1 ≤ y < y2. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

export type Point = readonly [x: number, y: number];
