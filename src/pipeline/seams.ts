/** Objects of overlapping tiles, made one where they are the same: pure, on runs in pixels of the whole picture. */
import type { Box } from '../domain/box.js';
import type { PixelRegion } from '../domain/frame.js';
import { type MaskRuns, maskArea, maskInBox, maskIntersection, maskUnion } from '../domain/mask.js';
import type { Segments } from '../domain/segments.js';

/** An object as one tile saw it. */
export interface TileObject {
  readonly box: Box;
  readonly score: number;
  readonly classIndex: number;
  readonly mask: MaskRuns;
}

export interface Tile {
  readonly region: PixelRegion;
  readonly objects: readonly TileObject[];
}

/** Two masks are of one object when they agree by this IoU on the pixels that both tiles saw. */
const SAME_IOU = 0.5;
/** A mask that its tile cuts off is a mere fragment when this share of it lies where the other tile saw all around it … */
const FRAGMENT_SHARED = 0.9;
/** … and this share of that lies in one object there. */
const FRAGMENT_COVERED = 0.5;

/** Pixels that two tiles both saw, [x1, y1, x2, y2); undefined when there are none. */
function zoneOf(a: PixelRegion, b: PixelRegion): Box | undefined {
  const x1 = Math.max(a.x, b.x);
  const y1 = Math.max(a.y, b.y);
  const x2 = Math.min(a.x + a.width, b.x + b.width);
  const y2 = Math.min(a.y + a.height, b.y + b.height);
  return x1 < x2 && y1 < y2 ? [x1, y1, x2, y2] : undefined;
}

function meet([ax1, ay1, ax2, ay2]: Box, [bx1, by1, bx2, by2]: Box): boolean {
  return ax1 < bx2 && bx1 < ax2 && ay1 < by2 && by1 < ay2;
}

/** An object with what of it lies in a zone. */
interface Shared {
  /** Its number over all tiles. */
  readonly id: number;
  readonly object: TileObject;
  readonly mask: MaskRuns;
  readonly area: number;
}

/**
 * Joins the objects of tiles that overlap. Of two tiles, objects of one class pair off, best first, where their masks agree on
 * the pixels that both tiles saw (IoU of 0.5 or more there); an object is then the union of its parts over all tiles, with the
 * highest score among them. No two objects of one tile become one. A part that its tile cuts off and that the neighbour saw as
 * part of something larger is dropped. Returns segments in descending score; `width`, `height`: the whole picture.
 */
export function joinTiles(tiles: readonly Tile[], width: number, height: number): Segments {
  const objects = tiles.flatMap(({ objects: own }) => own);
  const groups = new Groups(tiles);
  const fragments = new Set<number>();
  const firsts = [0];
  for (const { objects: own } of tiles) firsts.push(firsts.at(-1)! + own.length);
  for (const [b, second] of tiles.entries()) {
    for (const [a, first] of tiles.slice(0, b).entries()) {
      const zone = zoneOf(first.region, second.region);
      if (!zone) continue;
      const shared = ({ objects: own }: Tile, from: number) =>
        own.flatMap((object, k) => {
          if (!meet(object.box, zone)) return [];
          const mask = maskInBox(object.mask, height, ...zone);
          return mask.length > 0 ? [{ id: from + k, object, mask, area: maskArea(mask) }] : [];
        });
      const [ours, theirs] = [shared(first, firsts[a]!), shared(second, firsts[b]!)];
      const pairs = pairsOf(ours, theirs);
      for (const { ids, iou } of pairs) if (iou >= SAME_IOU) groups.join(...ids);
      const joined = new Set(pairs.flatMap(({ ids: [x, y] }) => (groups.of(x) === groups.of(y) ? [x, y] : [])));
      for (const own of ours) if (!joined.has(own.id) && isFragment(own, first.region, zone, theirs)) fragments.add(own.id);
      for (const own of theirs) if (!joined.has(own.id) && isFragment(own, second.region, zone, ours)) fragments.add(own.id);
    }
  }
  const parts = new Map<number, TileObject[]>();
  for (const [id, object] of objects.entries()) {
    const group = groups.of(id);
    // What was joined to another part anywhere is more than a fragment.
    if (fragments.has(id) && groups.size(id) === 1) continue;
    parts.set(group, [...(parts.get(group) ?? []), object]);
  }
  return packed(
    [...parts.values()].map(joinParts).sort((a, b) => b.score - a.score),
    width,
    height,
  );
}

/** Pairs of one class with a common pixel, in descending IoU within the zone. */
function pairsOf(ours: readonly Shared[], theirs: readonly Shared[]): { ids: [number, number]; iou: number }[] {
  const pairs: { ids: [number, number]; iou: number }[] = [];
  for (const a of ours) {
    for (const b of theirs) {
      // Areas alone rule most pairs out.
      if (a.object.classIndex !== b.object.classIndex || !meet(a.object.box, b.object.box)) continue;
      if (Math.min(a.area, b.area) < SAME_IOU * Math.max(a.area, b.area)) continue;
      const common = maskArea(maskIntersection(a.mask, b.mask));
      if (common > 0) pairs.push({ ids: [a.id, b.id], iou: common / (a.area + b.area - common) });
    }
  }
  return pairs.sort((a, b) => b.iou - a.iou || a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
}

/** Whether the object ends where its tile ends, inside of the zone's far side, and the other tile saw it as part of something else. */
function isFragment({ object, mask, area }: Shared, region: PixelRegion, zone: Box, others: readonly Shared[]): boolean {
  if (area < FRAGMENT_SHARED * maskArea(object.mask)) return false;
  const [x1, y1, x2, y2] = object.box;
  const [zx1, zy1, zx2, zy2] = zone;
  const right = region.x + region.width;
  const bottom = region.y + region.height;
  const cut =
    (x2 >= right - 1 && zx2 === right) ||
    (x1 <= region.x + 1 && zx1 === region.x) ||
    (y2 >= bottom - 1 && zy2 === bottom) ||
    (y1 <= region.y + 1 && zy1 === region.y);
  return cut && others.some((other) => meet(other.object.box, object.box) && covered(mask, other.mask) >= FRAGMENT_COVERED * area);
}

function covered(mask: MaskRuns, by: MaskRuns): number {
  return maskArea(maskIntersection(mask, by));
}

function joinParts(parts: readonly TileObject[]): TileObject {
  const [first, ...rest] = parts;
  return rest.reduce((whole, { box, score, classIndex, mask }) => {
    const [x1, y1, x2, y2] = whole.box;
    return {
      box: [Math.min(x1, box[0]), Math.min(y1, box[1]), Math.max(x2, box[2]), Math.max(y2, box[3])],
      score: Math.max(whole.score, score),
      classIndex,
      mask: maskUnion(whole.mask, mask),
    };
  }, first!);
}

/** Which objects are one (disjoint sets), with at most one object of each tile in a set. */
class Groups {
  readonly #parent: number[] = [];
  readonly #tiles: Set<number>[] = [];

  constructor(tiles: readonly Tile[]) {
    for (const [tile, { objects }] of tiles.entries()) {
      for (const _ of objects) {
        this.#parent.push(this.#parent.length);
        this.#tiles.push(new Set([tile]));
      }
    }
  }

  of(id: number): number {
    let root = id;
    while (this.#parent[root] !== root) root = this.#parent[root]!;
    this.#parent[id] = root;
    return root;
  }

  /** Tiles with a part of the object. */
  size(id: number): number {
    return this.#tiles[this.of(id)]!.size;
  }

  join(a: number, b: number): void {
    const [into, from] = [this.of(a), this.of(b)];
    const [tiles, more] = [this.#tiles[into]!, this.#tiles[from]!];
    if (into === from || [...more].some((tile) => tiles.has(tile))) return;
    this.#parent[from] = into;
    for (const tile of more) tiles.add(tile);
  }
}

function packed(objects: readonly TileObject[], width: number, height: number): Segments {
  const offsets = new Uint32Array(objects.length + 1);
  for (const [k, { mask }] of objects.entries()) offsets[k + 1] = offsets[k]! + mask.length / 2;
  const runs = new Uint32Array(2 * offsets[objects.length]!);
  for (const [k, { mask }] of objects.entries()) runs.set(mask, 2 * offsets[k]!);
  return {
    count: objects.length,
    width,
    height,
    boxes: Float32Array.from(objects.flatMap(({ box }) => [...box])),
    scores: Float32Array.from(objects, ({ score }) => score),
    classes: Int32Array.from(objects, ({ classIndex }) => classIndex),
    areas: Uint32Array.from(objects, ({ mask }) => maskArea(mask)),
    runs,
    offsets,
  };
}
