/**
 * A result's masks as text: coloured half blocks, two pixels a character, or a letter per object where colours are not wanted. Objects
 * that have a track keep its colour and letter, and show its id.
 */
import type { MaskMessage, ObjectMessage, ResultMessage } from '../contract/messages.js';

const UPPER_HALF = '▀';
const RESET = '\x1b[0m';
/** Terminals have cells about twice as high as wide, and lines for the summary have to remain. */
const RESERVED_ROWS = 3;
const MAX_RUNS = 1_000_000;

/** Pixel (x, y) of the frame is in the mask. */
type Contains = (x: number, y: number) => boolean;

/** Letters of objects or tracks 0, 1, 2, …, from the start again after the last. */
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const NOTHING = '·';

export interface DrawingOptions {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

/** The frame scaled to fit `columns` × `rows`, each object in its own colour or letter, smaller ones on top. */
export function drawResult(result: ResultMessage, { columns, rows, colour }: DrawingOptions): string {
  const { width, height } = result.frame;
  const scale = Math.min(columns / width, (2 * Math.max(1, rows - RESERVED_ROWS)) / height);
  const across = Math.max(1, Math.floor(width * scale));
  const down = Math.max(1, Math.floor(height * scale));
  const layers = [...result.objects]
    .sort((a, b) => a.area - b.area)
    .map((object) => ({ id: object.track ?? object.id, contains: maskOf(object, width, height) }));
  const objectAt = (column: number, row: number) => {
    const x = Math.min(width - 1, Math.floor((column + 0.5) / scale));
    const y = Math.min(height - 1, Math.floor((row + 0.5) / scale));
    return layers.find(({ contains }) => contains(x, y))?.id;
  };
  const cell = (column: number, row: number) => {
    const upper = objectAt(column, row);
    if (!colour) return upper === undefined ? NOTHING : LETTERS[upper % LETTERS.length]!;
    return `\x1b[38;5;${colourOf(upper)}m\x1b[48;5;${colourOf(objectAt(column, row + 1))}m${UPPER_HALF}`;
  };
  const written = idsOf(result, scale, across, down);
  let text = '';
  for (let row = 0; row < down; row += 2) {
    for (let column = 0; column < across; column += 1) {
      const character = written.get(row * across + column);
      if (character === undefined) text += cell(column, row);
      else text += colour ? `${RESET}${character}` : character;
    }
    text += colour ? `${RESET}\n` : '\n';
  }
  return text;
}

/** Characters of `#317` in the middles of tracked objects, by place; what has no room within its object is left out. */
function idsOf({ objects }: ResultMessage, scale: number, across: number, down: number): Map<number, string> {
  const written = new Map<number, string>();
  for (const { track, bbox } of objects) {
    if (track === undefined) continue;
    const id = `#${track}`;
    const [x1, y1, x2, y2] = bbox.map((side) => side * scale) as [number, number, number, number];
    if (x2 - x1 < id.length) continue;
    const row = Math.min(2 * Math.floor((y1 + y2) / 4), down - 1 - ((down - 1) % 2));
    const first = Math.max(0, Math.min(Math.round((x1 + x2 - id.length) / 2), across - id.length));
    const places = Array.from(id, (_, k) => row * across + first + k);
    // Ids over each other could not be read.
    if (places.some((place) => written.has(place))) continue;
    places.forEach((place, k) => {
      written.set(place, id[k]!);
    });
  }
  return written;
}

/** One of the 256 colours of terminals; almost black where no object is. */
function colourOf(object: number | undefined): number {
  return object === undefined ? 232 : 16 + ((object * 37 + 21) % 216);
}

function maskOf({ mask, bbox }: ObjectMessage, width: number, height: number): Contains {
  const [x1, y1, x2, y2] = bbox;
  const inBox: Contains = (x, y) => x >= x1 && x <= x2 && y >= y1 && y <= y2;
  if (!mask || 'png' in mask) return inBox;
  const inMask = 'counts' in mask ? inRle(mask, width, height) : inPolygons(mask);
  return (x, y) => inBox(x, y) && inMask(x, y);
}

/** COCO's compressed RLE (pycocotools, rleFrString): base-32 digits from "0", differences to the last but one count from the third on. */
function inRle({ counts }: Extract<MaskMessage, { counts: string }>, width: number, height: number): Contains {
  const ends: number[] = [];
  let [position, last, lastButOne] = [0, 0, 0];
  for (let k = 0; k < counts.length && ends.length < MAX_RUNS; ) {
    let [value, shift, digit] = [0, 0, 0];
    do {
      digit = counts.charCodeAt(k) - 48;
      value |= (digit & 0x1f) << shift;
      shift += 5;
      k += 1;
    } while (digit & 0x20 && k < counts.length);
    if (digit & 0x10) value |= -1 << shift;
    if (ends.length > 2) value += lastButOne;
    position += value;
    [lastButOne, last] = [last, value];
    ends.push(position);
  }
  if (position !== width * height) return () => false;
  return (x, y) => {
    const pixel = x * height + y;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! > pixel) high = middle;
      else low = middle + 1;
    }
    return low % 2 === 1;
  };
}

/** Even-odd over all rings: holes are later rings of a polygon. */
function inPolygons({ polygons }: Extract<MaskMessage, { polygons: unknown }>): Contains {
  const rings = polygons.flat();
  return (x, y) => {
    let inside = false;
    for (const ring of rings) {
      for (let k = 0, m = ring.length - 1; k < ring.length; m = k, k += 1) {
        const [xk, yk] = ring[k]!;
        const [xm, ym] = ring[m]!;
        if (yk > y + 0.5 !== ym > y + 0.5 && x + 0.5 < ((xm - xk) * (y + 0.5 - yk)) / (ym - yk) + xk) inside = !inside;
      }
    }
    return inside;
  };
}
