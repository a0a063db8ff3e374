/** Prompts drawn over a picture: where was asked, and what became of it. */
import sharp, { type OverlayOptions } from 'sharp';
import type { Stamp } from '../addon/drawing.js';
import type { PromptAnswer } from '../domain/answer.js';
import type { Prompt } from '../domain/prompt.js';
import { cssColour } from './object-colours.js';
import type { TextStamps } from './text-stamp.js';

const MATCHED = 0x14a05a;
const UNMATCHED = 0xd3303f;
const PENDING = 0x6b7280;
const INK = 0xffffff;

interface Frame {
  readonly width: number;
  readonly height: number;
}

/** Shapes in SVG and tags that are drawn with the prompts. */
export interface Marks {
  readonly shapes: readonly string[];
  readonly tags: readonly Tag[];
}

interface Tag {
  readonly text: string;
  readonly colour: number;
  /** Upper left corner; at the lower left corner of the frame, one above the other, when absent. */
  readonly at?: readonly [x: number, y: number];
}

/**
 * Draws box and points prompts where they lie, and a tag for each prompt with its id and its score, "unmatched" or
 * "pending". `rgb`: tightly packed; the result is too.
 */
export async function drawPrompts(
  rgb: Uint8Array,
  frame: Frame,
  prompts: readonly Prompt[],
  answers: readonly PromptAnswer[],
  stamps: TextStamps,
  fontPixels: number,
  marks?: Marks,
): Promise<Uint8Array> {
  const shapes: string[] = [...(marks?.shapes ?? [])];
  const tags: Tag[] = [...(marks?.tags ?? [])];
  const line = lineWidth(frame);
  for (const prompt of prompts) {
    const answer = answers.find(({ id }) => id === prompt.id);
    if (!answer || prompt.type === 'everything') continue;
    const { colour, state } = outcomeOf(answer);
    const name = prompt.type === 'text' ? `“${prompt.text}”` : prompt.type === 'label' ? prompt.labels.join(', ') : prompt.id;
    const tag = { text: `${name} ${state}`, colour };
    if (prompt.type !== 'box' && prompt.type !== 'points') {
      tags.push(tag);
      continue;
    }
    const [sx, sy] = prompt.space === 'normalized' ? [frame.width, frame.height] : [1, 1];
    if (prompt.type === 'box') {
      const [x1, y1, x2, y2] = prompt.box;
      shapes.push(boxShape([x1 * sx, y1 * sy, x2 * sx, y2 * sy], line, colour));
      tags.push({ ...tag, at: [x1 * sx, y2 * sy + line] });
    } else {
      const points = prompt.points.map(([x, y]) => [x * sx, y * sy] as const);
      for (const [k, point] of points.entries()) shapes.push(pointShape(point, prompt.labels?.[k] !== 0, line));
      tags.push({ ...tag, at: [points[0]![0] + 4 * line, points[0]![1] + 4 * line] });
    }
  }
  if (tags.length === 0 && shapes.length === 0) return rgb;
  const placed = await placeTags(tags, frame, stamps, fontPixels);
  const grounds = placed.map(
    ({ tag, stamp, left, top }) =>
      `<rect x="${left}" y="${top}" width="${stamp.width}" height="${stamp.height}" rx="${line}" fill="${cssColour(tag.colour)}"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${frame.width}" height="${frame.height}">${[...shapes, ...grounds].join('')}</svg>`;
  const raw = { width: frame.width, height: frame.height, channels: 3 } as const;
  return sharp(rgb, { raw })
    .composite([{ input: Buffer.from(svg) }, ...placed.map(inkOf)])
    .removeAlpha()
    .raw()
    .toBuffer();
}

/** Width of drawn lines, in pixels. */
export function lineWidth({ width, height }: Frame): number {
  return Math.max(2, Math.round(Math.min(width, height) / 300));
}

function outcomeOf({ matches, bestScore, unscored, reason }: PromptAnswer): { readonly colour: number; readonly state: string } {
  if (matches.length > 0) {
    const best = Math.max(...matches.map(({ score }) => score)).toFixed(2);
    return { colour: MATCHED, state: matches.length === 1 ? best : `${matches.length} × ${best}` };
  }
  if (unscored !== undefined || reason !== undefined) return { colour: PENDING, state: 'pending' };
  return { colour: UNMATCHED, state: bestScore ? `unmatched (best ${bestScore.toFixed(2)})` : 'unmatched' };
}

/** Dashed, on a dark line, so that it shows on any ground. */
function boxShape([x1, y1, x2, y2]: readonly [number, number, number, number], line: number, colour: number): string {
  const place = `x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none"`;
  return (
    `<rect ${place} stroke="#000" stroke-opacity="0.55" stroke-width="${line + 2}"/>` +
    `<rect ${place} stroke="#fff" stroke-width="${line}"/>` +
    `<rect ${place} stroke="${cssColour(colour)}" stroke-width="${line}" stroke-dasharray="${4 * line} ${3 * line}"/>`
  );
}

/** A disc with a plus on the object, with a minus off it. */
function pointShape([x, y]: readonly [number, number], foreground: boolean, line: number): string {
  const radius = 3.5 * line;
  const arm = 1.8 * line;
  const stroke = `stroke="#fff" stroke-width="${line}" stroke-linecap="round"`;
  const vertical = foreground ? `<path d="M${x} ${y - arm}V${y + arm}" ${stroke}/>` : '';
  return (
    `<circle cx="${x}" cy="${y}" r="${radius + line}" fill="#000" fill-opacity="0.55"/>` +
    `<circle cx="${x}" cy="${y}" r="${radius}" fill="${cssColour(foreground ? MATCHED : UNMATCHED)}" stroke="#fff" stroke-width="${line}"/>` +
    `<path d="M${x - arm} ${y}H${x + arm}" ${stroke}/>${vertical}`
  );
}

interface Placed {
  readonly tag: Tag;
  readonly stamp: Stamp;
  readonly left: number;
  readonly top: number;
}

async function placeTags(tags: readonly Tag[], frame: Frame, stamps: TextStamps, fontPixels: number): Promise<Placed[]> {
  const placed: Placed[] = [];
  const inside = (value: number, length: number, limit: number) => Math.max(0, Math.min(Math.round(value), limit - length));
  let rows = 0;
  for (const tag of tags) {
    const stamp = await stamps.render(tag.text, fontPixels);
    // One that is larger than the frame is left out: it would say nothing.
    if (stamp.width > frame.width || stamp.height > frame.height) continue;
    const [x, y] = tag.at ?? [fontPixels, frame.height - fontPixels - (rows + 1) * Math.round(1.5 * stamp.height)];
    if (!tag.at) rows += 1;
    const left = inside(x, stamp.width, frame.width);
    let top = inside(y, stamp.height, frame.height);
    const covers = (other: Placed) =>
      left < other.left + other.stamp.width &&
      other.left < left + stamp.width &&
      top < other.top + other.stamp.height &&
      other.top < top + stamp.height;
    for (let other = placed.find(covers); other && top > 0; other = placed.find(covers)) {
      top = Math.max(0, other.top - stamp.height);
    }
    placed.push({ tag, stamp, left, top });
  }
  return placed;
}

function inkOf({ stamp, left, top }: Placed): OverlayOptions {
  const { alpha, width, height } = stamp;
  const pixels = Buffer.alloc(4 * width * height);
  for (const [k, opacity] of alpha.entries()) {
    pixels.writeUIntBE(INK, 4 * k, 3);
    pixels[4 * k + 3] = opacity;
  }
  return { input: pixels, raw: { width, height, channels: 4 }, left, top };
}
