/** A map of the salient object from the objects of a picture. */
import { maskOf } from '../../domain/mask.js';
import type { Segments } from '../../domain/segments.js';
import { salience } from '../../prompt/salient.js';
import type { GreyMap } from '../grey-map.js';

/** Each pixel has the highest salience of the objects that cover it, as 0 to 255. */
export function salientMap(segments: Segments): GreyMap {
  const { width, height, count } = segments;
  const levels = new Uint8Array(width * height);
  for (let index = 0; index < count; index += 1) {
    const runs = maskOf(segments, index);
    const level = Math.round(255 * salience(segments, index));
    for (let k = 0; k < runs.length; k += 2) {
      for (let pixel = runs[k]!; pixel < runs[k + 1]!; pixel += 1) {
        const place = (pixel % height) * width + Math.floor(pixel / height);
        if (levels[place]! < level) levels[place] = level;
      }
    }
  }
  return { width, height, levels };
}
