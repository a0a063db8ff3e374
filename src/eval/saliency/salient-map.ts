/** A map of the salient object from the objects of a picture. */
import { maskOf } from '../../domain/mask.js';
import type { Segments } from '../../domain/segments.js';
import type { GreyMap } from '../grey-map.js';

/** Spread of the prior for the middle of the picture, as a share of its sides. */
const SIGMA = 0.25;

/**
 * Each pixel has the highest value of the objects that cover it: score · exp(−d² / (2 · 0.25²)), d being the distance of
 * the object's centroid from the middle of the picture, with each side as 1. The rule was fixed before any picture was
 * measured with it: what people photograph is large in the network's eyes and near the middle.
 */
export function salientMap(segments: Segments): GreyMap {
  const { width, height, count } = segments;
  const levels = new Uint8Array(width * height);
  for (let index = 0; index < count; index += 1) {
    const runs = maskOf(segments, index);
    const { x, y } = centroidOf(runs, height);
    const squared = (x / width - 0.5) ** 2 + (y / height - 0.5) ** 2;
    const level = Math.round(255 * segments.scores[index]! * Math.exp(-squared / (2 * SIGMA ** 2)));
    for (let k = 0; k < runs.length; k += 2) {
      for (let pixel = runs[k]!; pixel < runs[k + 1]!; pixel += 1) {
        const place = (pixel % height) * width + Math.floor(pixel / height);
        if (levels[place]! < level) levels[place] = level;
      }
    }
  }
  return { width, height, levels };
}

/** Mean position of the pixels' centres, in pixels; the corner for an empty mask. */
function centroidOf(runs: Uint32Array, height: number): { x: number; y: number } {
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  for (let k = 0; k < runs.length; k += 2) {
    for (let start = runs[k]!; start < runs[k + 1]!; ) {
      const column = Math.floor(start / height);
      const end = Math.min(runs[k + 1]!, (column + 1) * height);
      const rows = end - start;
      area += rows;
      sumX += rows * (column + 0.5);
      sumY += (rows * (start + end - 2 * column * height)) / 2;
      start = end;
    }
  }
  return area === 0 ? { x: 0, y: 0 } : { x: sumX / area, y: sumY / area };
}
