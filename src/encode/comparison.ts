/** Pictures that hold an answer against the truth: on the left what was to be found, on the right what was found. */
import sharp from 'sharp';
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { MaskRuns } from '../domain/mask.js';
import { maskArea } from '../domain/mask.js';
import type { Segments } from '../domain/segments.js';

/** Okabe and Ito's colours: told apart by colour-blind readers too. */
const COLOURS = {
  /** Truth that the answer has. */
  found: 0x009e73,
  missed: 0xd55e00,
  /** Objects of the answer that are true. */
  right: 0x0072b2,
  wrong: 0x999999,
  /** Pixels of the answer that are not true; grey would not show on a grey picture. */
  stray: 0xe69f00,
} as const;
const GAP = 8;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Two pictures of one size, tightly packed RGB. */
export interface Comparison extends Size {
  readonly truth: Uint8Array;
  readonly answer: Uint8Array;
}

/** A mask, and whether its counterpart is there. */
export interface Judged {
  readonly runs: MaskRuns;
  readonly matched: boolean;
}

/** Objects: green and red those that were to be found, blue and grey those that were. `frame` is borrowed. */
export async function compareObjects(
  frame: NativeFrame,
  size: Size,
  truths: readonly Judged[],
  answers: readonly Judged[],
): Promise<Comparison> {
  const draw = (masks: readonly Judged[], yes: number, no: number) => {
    // What matched is drawn last: it stays visible where masks overlap.
    const ordered = [...masks].sort((a, b) => Number(a.matched) - Number(b.matched));
    return native().drawOverlay(
      frame,
      segmentsOf(ordered, size),
      ordered.map(({ matched }, index) => ({ index, color: matched ? yes : no })),
    );
  };
  const [truth, answer] = await Promise.all([draw(truths, COLOURS.found, COLOURS.missed), draw(answers, COLOURS.right, COLOURS.wrong)]);
  return { width: size.width, height: size.height, truth, answer };
}

/**
 * Maps on the faded picture: the true pixels from red (missed) to green (found), the answer's in blue (true) and orange (not).
 * `rgb`: [height × width × 3]; `truth`: [height × width], 1 where something is; `answer`: [height × width], 255 for certain. `near`:
 * pixels that count as found lie within this distance along each axis; 0 for the place itself.
 */
export function compareMaps(rgb: Uint8Array, size: Size, truth: Uint8Array, answer: Uint8Array, near = 0): Comparison {
  const trueNearby = widened(truth, size, near);
  const answerNearby = widened(answer, size, near);
  const panels = { truth: new Uint8Array(rgb.length), answer: new Uint8Array(rgb.length) };
  // A line of one pixel is to be seen, an area is to be seen through.
  const cover = near > 0 ? 1 : 0.7;
  for (let i = 0; i < truth.length; i += 1) {
    const luma = 0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!;
    const share = answerNearby[i]! / 255;
    for (let c = 0; c < 3; c += 1) {
      const of = (colour: number) => (colour >> (16 - 8 * c)) & 255;
      const mix = (from: number, to: number, part: number) => from + (to - from) * part;
      const faded = mix(255, luma, 0.6);
      const verdict = mix(of(COLOURS.missed), of(COLOURS.found), share);
      panels.truth[3 * i + c] = mix(faded, verdict, truth[i] ? cover : 0);
      const ink = of(trueNearby[i] ? COLOURS.right : COLOURS.stray);
      panels.answer[3 * i + c] = mix(faded, ink, (cover * answer[i]!) / 255);
    }
  }
  return { width: size.width, height: size.height, ...panels };
}

/** Writes a comparison as a JPEG. Errors: sharp's. */
export async function writeComparison(path: string, { width, height, truth, answer }: Comparison): Promise<void> {
  const raw = { width, height, channels: 3 as const };
  const panel = (rgb: Uint8Array, left: number) => ({ input: Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength), raw, left, top: 0 });
  await sharp({ create: { width: 2 * width + GAP, height, channels: 3, background: 'white' } })
    .composite([panel(truth, 0), panel(answer, width + GAP)])
    .jpeg({ quality: 90 })
    .toFile(path);
}

/** Each pixel gets the highest level within `reach` pixels along each axis. */
function widened(levels: Uint8Array, { width, height }: Size, reach: number): Uint8Array {
  if (reach === 0) return levels;
  const rows = new Uint8Array(levels.length);
  for (const [i, level] of levels.entries()) {
    if (level === 0) continue;
    const start = i - (i % width);
    for (let k = Math.max(i - reach, start); k <= Math.min(i + reach, start + width - 1); k += 1) rows[k] = Math.max(rows[k]!, level);
  }
  const all = new Uint8Array(levels.length);
  for (const [i, level] of rows.entries()) {
    if (level === 0) continue;
    const y = Math.floor(i / width);
    for (let k = Math.max(y - reach, 0); k <= Math.min(y + reach, height - 1); k += 1) {
      const place = k * width + (i % width);
      all[place] = Math.max(all[place]!, level);
    }
  }
  return all;
}

/** Masks as segments, to be drawn. */
function segmentsOf(masks: readonly Judged[], { width, height }: Size): Segments {
  const offsets = new Uint32Array(masks.length + 1);
  for (const [k, { runs }] of masks.entries()) offsets[k + 1] = offsets[k]! + runs.length / 2;
  const runs = new Uint32Array(2 * offsets[masks.length]!);
  for (const [k, own] of masks.entries()) runs.set(own.runs, 2 * offsets[k]!);
  return {
    count: masks.length,
    width,
    height,
    boxes: new Float32Array(4 * masks.length),
    scores: new Float32Array(masks.length),
    classes: new Int32Array(masks.length),
    areas: Uint32Array.from(masks, (own) => maskArea(own.runs)),
    runs,
    offsets,
  };
}
