/** A colour for every object, which stays with the object from frame to frame. */
import type { Segments } from '../domain/segments.js';

/**
 * Colours that are far apart from each other and from photographs, packed 0xRRGGBB, in the order in which they are given
 * out. Both dark and light text reads well on one side of each (see inkOn).
 */
const PALETTE = [
  0xff4d4f, 0x2f7bff, 0x17b978, 0xffb020, 0xa259ff, 0x00b8d9, 0xff6fb5, 0x8bc926, 0xff7f3f, 0x5b6cff, 0x00d4a6, 0xe03fd8, 0xffd83d,
  0x0a9d58, 0xc44569, 0x4fc3f7, 0xb5651d, 0x9ccc65, 0x7e57c2, 0xf06292,
] as const;

/** Boxes of one object in neighbouring frames overlap at least this much (IoU); what moves faster changes its colour. */
const SAME_OBJECT_IOU = 0.3;
/** An object that is missing for so many frames gets its colour back. */
const MEMORY_FRAMES = 15;

interface Known {
  box: readonly number[];
  kind: number;
  colour: number;
  /** Frames since it was last seen. */
  missing: number;
}

/**
 * Colours of the objects of successive frames. Until objects are tracked, an object is the one of the frame before whose
 * box overlaps its own most, the best pairs first (greedy matching).
 */
export class ObjectColours {
  #known: Known[] = [];

  /** Packed 0xRRGGBB of each object, in the order of the segments. */
  assign(segments: Segments): Uint32Array {
    const boxes = Array.from({ length: segments.count }, (_, index) => [...segments.boxes.subarray(4 * index, 4 * index + 4)]);
    const owners = match(boxes, segments.classes, this.#known);
    const before = this.#known;
    const uses = new Map<number, number>();
    for (const { colour } of before) uses.set(colour, (uses.get(colour) ?? 0) + 1);
    const seen = boxes.map((box, index): Known => {
      const owner = owners[index];
      const colour = owner === undefined ? leastUsed(uses) : before[owner]!.colour;
      if (owner === undefined) uses.set(colour, (uses.get(colour) ?? 0) + 1);
      return { box, kind: segments.classes[index]!, colour, missing: 0 };
    });
    const found = new Set(owners);
    const away = before
      .filter((known, index) => !found.has(index) && known.missing < MEMORY_FRAMES)
      .map((known) => ({ ...known, missing: known.missing + 1 }));
    this.#known = [...seen, ...away];
    return Uint32Array.from(seen, ({ colour }) => colour);
  }

  /** The next frame has nothing to do with the last one. */
  forget(): void {
    this.#known = [];
  }
}

/** By object: the index of the known object it is, or undefined. */
function match(boxes: readonly (readonly number[])[], kinds: ArrayLike<number>, known: readonly Known[]): (number | undefined)[] {
  const pairs: { readonly object: number; readonly owner: number; readonly iou: number }[] = [];
  for (const [object, box] of boxes.entries()) {
    for (const [owner, candidate] of known.entries()) {
      if (candidate.kind !== kinds[object]) continue;
      const iou = boxIou(box, candidate.box);
      if (iou >= SAME_OBJECT_IOU) pairs.push({ object, owner, iou });
    }
  }
  pairs.sort((a, b) => b.iou - a.iou);
  const owners: (number | undefined)[] = boxes.map(() => undefined);
  const taken = new Set<number>();
  for (const { object, owner } of pairs) {
    if (owners[object] !== undefined || taken.has(owner)) continue;
    owners[object] = owner;
    taken.add(owner);
  }
  return owners;
}

function boxIou(a: readonly number[], b: readonly number[]): number {
  const width = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!);
  const height = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: readonly number[]) => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  return (width * height) / (area(a) + area(b) - width * height);
}

function leastUsed(uses: ReadonlyMap<number, number>): number {
  return PALETTE.reduce((best: number, colour) => ((uses.get(colour) ?? 0) < (uses.get(best) ?? 0) ? colour : best), PALETTE[0]);
}

/** The `index`th colour of the palette, for what is no object: a merged mask. */
export function paletteColour(index: number): number {
  return PALETTE[index % PALETTE.length]!;
}

const BLACK = 0x000000;
const WHITE = 0xffffff;

/** Black or white: the one with the higher contrast on `colour` (WCAG 2.2, relative luminance). Packed 0xRRGGBB. */
export function inkOn(colour: number): number {
  return contrast(WHITE, colour) >= contrast(BLACK, colour) ? WHITE : BLACK;
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(a: number, b: number): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

function luminance(colour: number): number {
  const channel = (shift: number) => {
    const value = ((colour >> shift) & 0xff) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0);
}

/** As CSS writes it. */
export function cssColour(colour: number): string {
  return `#${colour.toString(16).padStart(6, '0')}`;
}
