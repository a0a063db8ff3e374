/** Pictures for people: the outlines that were measured, and the numbers beside them. */
import sharp from 'sharp';
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame } from '../domain/frame.js';
import type { Measure } from '../domain/measure.js';
import type { ObjectMeasures } from '../measure/measures.js';
import { placeLabels } from './label-layout.js';
import { cssColour, inkOn, paletteColour } from './object-colours.js';
import { blend, pathOf } from './outline-drawing.js';
import { fontPixelsFor, TextStamps } from './text-stamp.js';

/** Above this circularity an object is labelled with its diameter, else with length and width. */
const ROUND = 0.95;

export interface MeasureOverlayOptions {
  /** A value with its uncertainty as text, in the unit of the user. */
  readonly format: (object: ObjectMeasures, measure: Measure) => string;
  readonly unit: string;
}

/**
 * The frame as tightly packed RGB with the outline of every object (measured with `outlines`): solid where it was found in
 * the picture, dashed where it is that of the mask; a cross at the centroid; index, and diameter or length × width.
 */
export async function drawMeasures(
  frame: Frame,
  measured: readonly ObjectMeasures[],
  { format, unit }: MeasureOverlayOptions,
): Promise<Uint8Array> {
  const { width, height } = frame;
  const rgb = await native().toRgb(frame.pixels as NativeFrame);
  const line = Math.max(1, Math.min(width, height) / 500);
  const shapes = measured.map((object, k) => shapeOf(object, cssColour(paletteColour(k)), line));
  const stamps = new TextStamps();
  const fontPixels = fontPixelsFor(width, height);
  const labels = await Promise.all(measured.map((object) => stamps.render(labelOf(object, format, unit), fontPixels)));
  const places = placeLabels(measured.map(boundsOf), labels, frame);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`;
  const tags = labels.flatMap((stamp, k) => {
    const place = places[k];
    if (!place || stamp.width > width || stamp.height > height) return [];
    const colour = paletteColour(k);
    const raw = { width: stamp.width, height: stamp.height, channels: 3 as const };
    return [{ input: blend(stamp.alpha, inkOn(colour), colour), raw, left: place.left, top: place.top }];
  });
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }, ...tags])
    .removeAlpha()
    .raw()
    .toBuffer();
}

function labelOf(object: ObjectMeasures, format: MeasureOverlayOptions['format'], unit: string): string {
  const size =
    object.values.circularity > ROUND ? `Ø ${format(object, 'diameter')}` : `${format(object, 'length')} × ${format(object, 'width')}`;
  return `${object.index}: ${size} ${unit}`;
}

function shapeOf(object: ObjectMeasures, colour: string, line: number): string {
  const dash = object.edge === 'mask' ? ` stroke-dasharray="${4 * line} ${3 * line}"` : '';
  const rings = [...(object.outlines ?? []), ...(object.holeOutlines ?? [])].map(pathOf).join('');
  const { x, y } = object.values;
  const arm = 4 * line;
  const cross = Number.isNaN(x) ? '' : `M${x - arm} ${y}H${x + arm}M${x} ${y - arm}V${y + arm}`;
  return `<path d="${rings}" fill="none" stroke="${colour}" stroke-width="${line}"${dash}/><path d="${cross}" stroke="${colour}" stroke-width="${line}"/>`;
}

function boundsOf({ outlines = [] }: ObjectMeasures): number[] {
  const box = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const ring of outlines) {
    for (let k = 0; k < ring.length; k += 2) {
      box[0] = Math.min(box[0]!, ring[k]!);
      box[1] = Math.min(box[1]!, ring[k + 1]!);
      box[2] = Math.max(box[2]!, ring[k]!);
      box[3] = Math.max(box[3]!, ring[k + 1]!);
    }
  }
  return box.every(Number.isFinite) ? box : [0, 0, 0, 0];
}
