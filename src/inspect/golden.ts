/** Parts compared with a golden sample: where each lies, and by how much they differ. */
import type { Point } from '../domain/box.js';
import type { Frame } from '../domain/frame.js';
import { type MaskRuns, maskOf } from '../domain/mask.js';
import type { Check, Recipe } from '../domain/recipe.js';
import type { Segments } from '../domain/segments.js';
import { type Difference, differenceTo, type Pose } from '../measure/difference.js';
import { type Member, referred } from './member.js';

/** Where a part lies in its picture. */
interface Place {
  readonly at: Point;
  /** Of its axis, clockwise on screen. */
  readonly degrees: number;
}

export interface GoldenPlace extends Place {
  /** What is compared; the whole picture when absent. */
  readonly mask?: MaskRuns | undefined;
}

/** A good part that others are compared with. */
export interface Golden {
  readonly frame: Pick<Frame, 'pixels'>;
  /** By check. */
  readonly places: ReadonlyMap<string, GoldenPlace>;
}

export interface FoundDifference {
  /** Pixels of the golden picture that differ; NaN where the part has no place to compare it at. */
  readonly area: number;
  /** The largest of the places that differ, in the picture. */
  readonly at?: Point | undefined;
}

/**
 * The places of a good part, for each check that compares with it; undefined where an object that one of them needs is not there, or not
 * alone.
 */
export function goldenPlaces(
  recipe: Recipe,
  sets: ReadonlyMap<string, readonly Member[]>,
  segments: Segments,
): ReadonlyMap<string, GoldenPlace> | undefined {
  const places = new Map<string, GoldenPlace>();
  for (const check of comparing(recipe)) {
    const place = placeOf(check, recipe, sets);
    const member = check.of === undefined ? undefined : referred(check.of, sets);
    if (!place || (check.of !== undefined && !member)) return undefined;
    places.set(check.id, { ...place, ...(member ? { mask: maskOf(segments, member.index).slice() } : {}) });
  }
  return places;
}

/** Of each check that the golden sample has a place for. The caller keeps the frame. */
export async function differencesOf(
  recipe: Recipe,
  frame: Frame,
  sets: ReadonlyMap<string, readonly Member[]>,
  golden: Golden | undefined,
): Promise<Map<string, FoundDifference>> {
  const differences = new Map<string, FoundDifference>();
  for (const check of comparing(recipe)) {
    const from = golden?.places.get(check.id);
    if (!golden || !from) continue;
    const to = placeOf(check, recipe, sets);
    differences.set(check.id, to ? await differenceAt(check, golden.frame, from, frame, to, recipe) : { area: Number.NaN });
  }
  return differences;
}

function comparing({ checks }: Recipe): Check[] {
  return checks.filter(({ measure }) => measure === 'difference');
}

/** That of the datum; without one, of the object itself, not turned; of a whole picture without datum, its corner. */
function placeOf({ of }: Check, { datum }: Recipe, sets: ReadonlyMap<string, readonly Member[]>): Place | undefined {
  if (datum) {
    const origin = referred(datum.origin, sets);
    const degrees = datum.axis === undefined ? 0 : (referred(datum.axis, sets)?.values.orientation ?? Number.NaN);
    return origin && !Number.isNaN(degrees) ? { at: origin.at, degrees } : undefined;
  }
  if (of === undefined) return { at: [0, 0], degrees: 0 };
  const member = referred(of, sets);
  return member && { at: member.at, degrees: 0 };
}

async function differenceAt(
  { tolerance, contrast, minArea }: Check,
  goldenFrame: Golden['frame'],
  from: GoldenPlace,
  frame: Pick<Frame, 'pixels'>,
  to: Place,
  { datum }: Recipe,
): Promise<FoundDifference> {
  const options = {
    mask: from.mask,
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(contrast === undefined ? {} : { contrast }),
    ...(minArea === undefined ? {} : { minArea }),
  };
  // An axis has no direction: a part that lies the other way round looks alike to it, and is what matches better.
  const turns = datum?.axis === undefined ? [0] : [0, 180];
  let best: { readonly difference: Difference; readonly pose: Pose } | undefined;
  for (const turn of turns) {
    const pose: Pose = { from: from.at, to: to.at, degrees: to.degrees - from.degrees + turn };
    const difference = await differenceTo(goldenFrame, frame, { ...options, pose });
    if (!best || difference.match > best.difference.match) best = { difference, pose };
  }
  const { difference, pose } = best!;
  const [largest] = difference.regions;
  return { area: difference.area, at: largest && inPicture(largest.centroid, difference.shift, pose) };
}

function inPicture([x, y]: Point, [dx, dy]: readonly [number, number], { from, to, degrees }: Pose): Point {
  const c = Math.cos((degrees * Math.PI) / 180);
  const s = Math.sin((degrees * Math.PI) / 180);
  const [u, v] = [x + dx - from[0], y + dy - from[1]];
  return [to[0] + c * u - s * v, to[1] + s * u + c * v];
}
