/** Colours that stay with their objects from one frame to the next. */
import type { ViewObjects } from '../../../src/contract/view-message.js';

/** Distinct to most kinds of colour vision, in turns of the golden angle at two lightnesses. */
const PALETTE = Array.from({ length: 24 }, (_, i) => fromHsl((i * 137.508) % 360, 0.78, i % 2 === 0 ? 0.6 : 0.7));
const LEAST_IOU = 0.35;

export type Rgb = readonly [number, number, number];

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const a = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

export function cssOf([r, g, b]: Rgb): string {
  return `rgb(${r} ${g} ${b})`;
}

export function boxIou(a: Uint16Array, i: number, b: Uint16Array, j: number): number {
  const width = Math.min(a[i + 2]!, b[j + 2]!) - Math.max(a[i]!, b[j]!);
  const height = Math.min(a[i + 3]!, b[j + 3]!) - Math.max(a[i + 1]!, b[j + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Uint16Array, k: number) => (box[k + 2]! - box[k]!) * (box[k + 3]! - box[k + 1]!);
  return (width * height) / (area(a, i) + area(b, j) - width * height);
}

/** Gives each object a number that it keeps while its box overlaps that of the frame before; a track id where there is one. */
export class Identities {
  #before: { readonly objects: ViewObjects; readonly ids: Uint32Array } | undefined;
  #next = 1;

  assign(objects: ViewObjects): Uint32Array {
    const ids = new Uint32Array(objects.count);
    const used = new Set<number>();
    for (let i = 0; i < objects.count; i += 1) {
      const track = objects.tracks[i]!;
      if (track > 0) {
        ids[i] = track;
        continue;
      }
      let best = LEAST_IOU;
      let from = -1;
      const before = this.#before?.objects;
      for (let j = 0; j < (before?.count ?? 0); j += 1) {
        if (used.has(j)) continue;
        const iou = boxIou(objects.boxes, 4 * i, before!.boxes, 4 * j);
        if (iou > best) {
          best = iou;
          from = j;
        }
      }
      if (from >= 0) {
        used.add(from);
        ids[i] = this.#before!.ids[from]!;
      } else {
        ids[i] = this.#next;
        this.#next += 1;
      }
    }
    this.#before = { objects, ids };
    return ids;
  }
}

export function colourOf(id: number): Rgb {
  return PALETTE[id % PALETTE.length]!;
}
