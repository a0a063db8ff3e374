/** Corners in source pixels: x1 ≤ x < x2, y1 ≤ y < y2. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

export type Point = readonly [x: number, y: number];

/** Intersection over union of the areas; 0 for boxes that do not overlap. */
export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const inside = width * height;
  return inside / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inside);
}
