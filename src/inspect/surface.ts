/** How far the surface of a part is from those of good parts, by what the segmentation network's own backbone sees of it. */
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Point } from '../domain/box.js';
import type { Frame, PixelRegion } from '../domain/frame.js';
import type { LetterboxGeometry } from '../domain/geometry.js';
import { type MaskRuns, maskOf } from '../domain/mask.js';
import type { Check, Recipe } from '../domain/recipe.js';
import type { Segments } from '../domain/segments.js';
import { type PatchGrid, type PatchMemory, patchGrid, placeOfCell, surfaceScore } from '../measure/patch-memory.js';
import { type Member, referred } from './member.js';

/** A network that hands out its feature maps, the finest first. */
export interface FeatureSource {
  /** The caller keeps the frame. Errors: ENGINE_FAILED; those of loading the network. */
  of(frame: Pick<Frame, 'pixels'>): Promise<{ readonly maps: PatchGrid['maps']; readonly geometry: LetterboxGeometry }>;
}

/** What good surfaces of one check look like. */
export interface GoodSurface {
  /** Pixels of the square about a part that the network is shown, the same for all parts; null: the whole picture. */
  readonly side: number | null;
  readonly memory: PatchMemory;
  /** Standard uncertainty of a score: by how much it changes when the part lies half a patch further. */
  readonly uncertainty: number;
}

export interface Surfaces {
  readonly network: FeatureSource;
  /** Begins to load the network, so that the first part need not wait; an error is reported with the first part. */
  readonly warmUp: () => void;
  /** By check. */
  readonly good: ReadonlyMap<string, GoodSurface>;
}

export interface FoundSurface {
  readonly score: number;
  readonly uncertainty: number;
  /** The patch that is farthest from the good ones, in the picture. */
  readonly at?: Point | undefined;
  /** Why there is no score, and what to do about it. */
  readonly refused?: string | undefined;
}

/** What the network is shown of a picture, and which of it counts. */
export interface SurfaceView {
  readonly region: PixelRegion;
  /** The whole region when absent. */
  readonly mask?: MaskRuns | undefined;
}

/** Of the radius that a part has about its centroid: some of what is around the part helps the network. */
const MARGIN = 1.1;

export function surfaceChecks({ checks }: Recipe): Check[] {
  return checks.filter(({ measure }) => measure === 'anomaly');
}

/** Of each check whose surfaces were taught; none where its object is not there, or not alone. The caller keeps the frame. */
export async function surfacesOf(
  recipe: Recipe,
  frame: Frame,
  sets: ReadonlyMap<string, readonly Member[]>,
  segments: Segments,
  { network, good }: Pick<Surfaces, 'network' | 'good'>,
): Promise<Map<string, FoundSurface>> {
  const found = new Map<string, FoundSurface>();
  for (const check of surfaceChecks(recipe)) {
    const taught = good.get(check.id);
    if (!taught) continue;
    const { side, memory, uncertainty } = taught;
    const none = { score: Number.NaN, uncertainty: Number.NaN };
    const member = check.of === undefined ? undefined : referred(check.of, sets);
    if ((check.of === undefined) !== (side === null)) {
      const [is, was] = side === null ? ['an object', 'the whole picture'] : ['the whole picture', 'an object'];
      found.set(check.id, { ...none, refused: `the check is of ${is}, and was taught of ${was}: teach again` });
    } else if (check.of !== undefined && !member) {
      found.set(check.id, none);
    } else if (member && side !== null && !fits(member, side)) {
      const sizes = `${Math.round(sideFor(member))} px with its margin, taught were ${side} px`;
      found.set(check.id, {
        ...none,
        refused: `the part is larger than those that were taught (${sizes}): is it one part, at the same scale?`,
      });
    } else {
      const { grid, cells, region } = await patchesIn(network, frame, viewOf(frame, segments, member, side));
      if (cells.length === 0) found.set(check.id, { ...none, refused: 'the part is smaller than a patch' });
      else {
        const { score, cell } = await surfaceScore(grid, cells, memory);
        const [x, y] = placeOfCell(grid, cell);
        found.set(check.id, { score, uncertainty, at: [x + region.x, y + region.y] });
      }
    }
  }
  return found;
}

/** Pixels of a square that holds the part, however it is turned about its centroid, with some of what is around it. */
export function sideFor({ at: [x, y], outlines: [ring = new Float64Array()] }: Member): number {
  let farthest = 0;
  for (let k = 0; k < ring.length; k += 2) farthest = Math.max(farthest, Math.hypot(ring[k]! - x, ring[k + 1]! - y));
  return 2 * Math.ceil(MARGIN * farthest);
}

/** Whether a square of this side holds the part, though with less around it. */
export function fits(member: Member, side: number): boolean {
  return sideFor(member) <= MARGIN * side;
}

/**
 * A square of `side` pixels about the member, moved into the picture where it reaches out of it, so that all parts are seen at one scale; the
 * whole picture without a member. `shift`: pixels that the view begins further right and down.
 */
export function viewOf(
  { width, height }: Pick<Frame, 'width' | 'height'>,
  segments: Segments,
  member: Member | undefined,
  side: number | null,
  shift = 0,
): SurfaceView {
  if (!member || side === null) {
    // Chroma has half the pixels: crops begin at even ones.
    const begin = 2 * Math.min(Math.ceil(shift / 2), (Math.min(width, height) - 1) >> 1);
    return { region: { x: begin, y: begin, width: width - begin, height: height - begin } };
  }
  const along = (centre: number, length: number) => {
    const size = Math.min(side, length);
    const begin = Math.max(0, Math.min(length - size, Math.round(centre + shift - size / 2)));
    return [begin - (begin % 2), size] as const;
  };
  const [[x, w], [y, h]] = [along(member.at[0], width), along(member.at[1], height)];
  return { region: { x, y, width: w, height: h }, mask: maskOf(segments, member.index) };
}

/** The patches of a view. `cells`: those whose middle is in the mask. */
export async function patchesIn(
  network: FeatureSource,
  frame: Pick<Frame, 'pixels' | 'height'>,
  { region, mask }: SurfaceView,
): Promise<{ readonly grid: PatchGrid; readonly cells: Uint32Array; readonly region: PixelRegion }> {
  const pixels = native().cropFrame(frame.pixels as NativeFrame, region);
  try {
    const { maps, geometry } = await network.of({ pixels });
    const grid = patchGrid(maps, geometry);
    const cells = mask
      ? grid.cells.filter((cell) => {
          const [x, y] = placeOfCell(grid, cell);
          return holds(mask, Math.floor(x + region.x) * frame.height + Math.floor(y + region.y));
        })
      : grid.cells;
    return { grid, cells, region };
  } finally {
    pixels.release();
  }
}

/** Whether a mask has the pixel. Runs [start, end) ascend. */
function holds(mask: MaskRuns, pixel: number): boolean {
  let [low, high] = [0, mask.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mask[middle]! <= pixel) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}
