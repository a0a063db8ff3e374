/** Pictures of coloured parts on a grey belt, and the segments a perfect network would find in them. */

import { native } from '../../src/addon/addon.js';
import type { Frame, PixelFormat } from '../../src/domain/frame.js';
import type { Segments } from '../../src/domain/segments.js';

export const COLOURS = {
  red: [200, 30, 30],
  green: [30, 160, 60],
  blue: [40, 70, 200],
  yellow: [230, 200, 40],
  white: [240, 240, 240],
  black: [15, 15, 15],
  orange: [235, 130, 30],
} as const;
export type Colour = keyof typeof COLOURS;

const BELT = [128, 128, 128] as const;

export interface Part {
  readonly colour: Colour;
  /** x1, y1, x2, y2 in whole pixels. */
  readonly box: readonly [number, number, number, number];
}

/** A row-by-row grid of parts, `size` pixels a side with as much between them. */
export function grid(colours: readonly Colour[], columns: number, size: number): Part[] {
  return colours.map((colour, k) => {
    const x = (k % columns) * 2 * size;
    const y = Math.floor(k / columns) * 2 * size;
    return { colour, box: [x, y, x + size, y + size] };
  });
}

export function segmentsOfParts(width: number, height: number, parts: readonly Part[]): Segments {
  const runs = parts.flatMap(({ box: [x1, y1, x2, y2] }) =>
    y1 === 0 && y2 === height
      ? [x1 * height, x2 * height]
      : Array.from({ length: x2 - x1 }, (_, k) => [(x1 + k) * height + y1, (x1 + k) * height + y2]).flat(),
  );
  const counts = parts.map(({ box: [x1, y1, x2, y2] }) => (y1 === 0 && y2 === height ? 1 : x2 - x1));
  let end = 0;
  return {
    count: parts.length,
    width,
    height,
    boxes: Float32Array.from(parts.flatMap(({ box }) => box)),
    scores: Float32Array.from(parts, (_, k) => 0.99 - 0.001 * k),
    classes: new Int32Array(parts.length),
    areas: Uint32Array.from(parts, ({ box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1)),
    runs: Uint32Array.from(runs),
    offsets: Uint32Array.from([
      0,
      ...counts.map((count) => {
        end += count;
        return end;
      }),
    ]),
  };
}

/** The picture; `atMs` is its time of capture. */
export function frameOfParts(width: number, height: number, parts: readonly Part[], atMs = 0, format: PixelFormat = 'rgb'): Frame {
  const step = format === 'rgba' ? 4 : 3;
  const order = format === 'bgr' ? [2, 1, 0] : [0, 1, 2];
  const pixels = new Uint8Array(width * height * step).fill(255);
  const paint = ([x1, y1, x2, y2]: Part['box'], colour: readonly number[]) => {
    for (let y = y1; y < y2; y += 1) {
      for (let x = x1; x < x2; x += 1) for (const c of [0, 1, 2]) pixels[(y * width + x) * step + order[c]!] = colour[c]!;
    }
  };
  paint([0, 0, width, height], BELT);
  for (const { box, colour } of parts) paint(box, COLOURS[colour]);
  const frame = native().createFrame(pixels, { width, height, format });
  const picture: Frame = {
    pixels: frame,
    width,
    height,
    format,
    sequence: 0,
    captured: { wallMs: 0, monotonicNs: BigInt(Math.round(atMs * 1e6)) },
    ptsNs: null,
    origin: 'parts',
    retain: () => picture,
    [Symbol.dispose]: () => frame.release(),
  };
  return picture;
}
