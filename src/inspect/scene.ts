/** What a recipe's checks speak of, found and measured in one frame. */

import { native } from '../addon/addon.js';
import { isPending, type PromptAnswer } from '../domain/answer.js';
import type { Point } from '../domain/box.js';
import type { Frame } from '../domain/frame.js';
import { type MaskRuns, maskArea, maskIntersection, maskOf } from '../domain/mask.js';
import { MEASURES } from '../domain/measure.js';
import { withIds } from '../domain/prompt.js';
import { type Check, limitsOf, type ObjectSet, type Recipe } from '../domain/recipe.js';
import type { FrameResult } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';
import { type Calibration, nominalScale, toPicture, toPlane } from '../measure/calibration.js';
import { measureObjects, protoCell, type SomeMeasures } from '../measure/measures.js';
import { coverageOf, type Datum, gapBetween } from '../measure/relations.js';
import { applyPrompts } from '../prompt/apply.js';
import { differencesOf, type FoundDifference } from './golden.js';
import { type Member, referred } from './member.js';
import { extentOf, type Need, needsOf } from './plan.js';
import { type FoundSurface, surfacesOf } from './surface.js';
import type { Taught } from './taught.js';

/** Everything that `judge` looks at; plain data. */
export interface Scene {
  /** Members by place in the datum frame, x before y. */
  readonly sets: ReadonlyMap<string, readonly Member[]>;
  /** Sets whose text prompt has not been answered yet. */
  readonly pending: ReadonlySet<string>;
  /** Undefined where the object that it lies on is not there, or not alone. */
  readonly datum: Datum | undefined;
  /** Gaps by check, in pixels; shares of zones by check, one per member. NaN where undefined. */
  readonly gaps: ReadonlyMap<string, number>;
  readonly coverages: ReadonlyMap<string, readonly number[]>;
  /** Differences to the golden sample by check, where there is one. */
  readonly differences: ReadonlyMap<string, FoundDifference>;
  /** How far surfaces are from those of good parts, by check, where these were taught. */
  readonly surfaces: ReadonlyMap<string, FoundSurface>;
}

/** Share of an object that has to lie in another for it to be within that. */
const LEAST_INSIDE = 0.5;
/** Neighbouring points of an outline share their gradient: of three, one counts (native/measure/refine.cc). */
const SHARED = 3;
const NO_DATUM: Datum = { origin: [0, 0], degrees: 0 };

/** One object of the picture that alone is the set: a part among others that go by. */
export interface OnlyObject {
  readonly set: string;
  /** Of the segments. */
  readonly index: number;
}

/** Indices of the objects that a set has in this frame. */
export function objectsOf(recipe: Recipe, set: string, result: Pick<FrameResult, 'segments' | 'answers' | 'model'>): readonly number[] {
  return choose(recipe, set, result.segments, answersOf(recipe, result), new Map());
}

export interface SceneOptions {
  /** One object is the whole set. */
  readonly only?: OnlyObject | undefined;
  /** Measure on this plane. */
  readonly calibration?: Calibration | undefined;
  /** What good parts look like. */
  readonly taught?: Pick<Taught, 'golden' | 'surfaces'> | undefined;
  /** Measure what the checks judge by, and nothing else: the judgement is the same, members have neither other measures nor outlines. */
  readonly checksOnly?: boolean | undefined;
}

/** Finds and measures what the recipe speaks of. The caller keeps the frame. Errors: those of measureObjects. */
export async function sceneOf(
  recipe: Recipe,
  frame: Frame,
  result: Pick<FrameResult, 'segments' | 'answers' | 'geometry' | 'model'>,
  options: SceneOptions = {},
): Promise<Scene> {
  const { only, calibration, taught, checksOnly } = options;
  const { segments, geometry } = result;
  const answers = answersOf(recipe, result);
  const chosen = new Map<string, readonly number[]>(only ? [[only.set, [only.index]]] : []);
  for (const name of Object.keys(recipe.objects)) choose(recipe, name, segments, answers, chosen);

  const needs = checksOnly ? needsOf(recipe) : undefined;
  const { measures, outlines } = checksOnly ? extentOf(recipe) : { measures: MEASURES, outlines: true };
  const measured = await measuredOf(recipe, chosen, needs, (indices, edge) =>
    measureObjects(frame, segments, indices, {
      edge,
      cell: protoCell(geometry),
      colour: recipe.checks.some(({ measure }) => measure === 'deltaE00'),
      measures,
      // Where in the picture an object of the plane is goes by its outline.
      outlines: outlines || calibration !== undefined,
      calibration,
    }),
  );
  const plane = calibration && planeOf(calibration);
  const byIndex = new Map(measured.map((object) => [object.index, object]));
  const members = new Map<string, Member[]>();
  for (const [name, set] of Object.entries(recipe.objects)) {
    const found = chosen.get(name)!.flatMap((index) => {
      const object = byIndex.get(index);
      if (set.kind === 'hole') return object ? holesOf(object, plane).filter((hole) => isLargeEnough(hole, set)) : [];
      return [object ? memberOf(object, plane) : unmeasured(index)];
    });
    members.set(
      name,
      found.filter(({ at }) => set.zone === undefined || inPolygon(at, set.zone)),
    );
  }
  // A check that finds too many says where the first one is.
  if (needs && recipe.checks.some((check) => isTooMany(check, members))) {
    return sceneOf(recipe, frame, result, { ...options, checksOnly: false });
  }
  const datum = datumOf(recipe, members);
  for (const set of members.values()) sortByPlace(set, datum ?? NO_DATUM);
  return {
    sets: members,
    pending: new Set(Object.keys(recipe.objects).filter((name) => isOpen(recipe, name, answers))),
    datum,
    gaps: await gapsOf(recipe.checks, members, segments, plane),
    coverages: coveragesOf(recipe.checks, members, segments),
    differences: taught ? await differencesOf(recipe, frame, members, taught.golden) : new Map(),
    surfaces: taught?.surfaces ? await surfacesOf(recipe, frame, members, segments, taught.surfaces) : new Map(),
  };
}

/** Measures the objects of all sets, each once, as far as it is needed. */
async function measuredOf(
  { objects, edge }: Recipe,
  chosen: ReadonlyMap<string, readonly number[]>,
  needs: ReadonlyMap<string, Need> | undefined,
  measure: (indices: Uint32Array, edge: Recipe['edge']) => Promise<SomeMeasures[]>,
): Promise<SomeMeasures[]> {
  const indicesOf = (need: Need) =>
    new Set(Object.keys(objects).flatMap((name) => ((needs?.get(name) ?? 'edge') === need ? chosen.get(name)! : [])));
  const whole = indicesOf('edge');
  const masks = [...indicesOf('mask')].filter((index) => !whole.has(index));
  const measured = whole.size > 0 ? await measure(Uint32Array.from(whole).sort(), edge) : [];
  return masks.length > 0 ? [...measured, ...(await measure(Uint32Array.from(masks).sort(), 'mask'))] : measured;
}

/** Holes are as large as they are found in the picture. */
function isLargeEnough({ outlines }: Member, { minArea = 0 }: ObjectSet): boolean {
  return minArea === 0 || outlines.every((ring) => ringOf(ring).area >= minArea);
}

/** A member of which only the number counts. */
function unmeasured(index: number): Member {
  const nowhere: Point = [Number.NaN, Number.NaN];
  return { index, place: nowhere, at: nowhere, values: {}, uncertainties: {}, edgeScatter: Number.NaN, doubts: [], outlines: [] };
}

function isTooMany(check: Check, sets: ReadonlyMap<string, readonly Member[]>): boolean {
  const { usl = Number.POSITIVE_INFINITY } = limitsOf(check);
  const counted = check.count ?? check.present ?? check.absent;
  return counted !== undefined && sets.get(counted)!.length > usl;
}

/** Answers of the camera's prompts and of the recipe's. */
function answersOf(recipe: Recipe, { segments, answers, model }: Pick<FrameResult, 'segments' | 'answers' | 'model'>) {
  const own = applyPrompts(segments, withIds(recipe.prompts), { labels: model.labels });
  return new Map([...answers, ...own].map((answer) => [answer.id, answer]));
}

/** Indices of the objects of a set, and of the set that it lies within; of holes, of the objects that they are in. */
function choose(
  recipe: Recipe,
  name: string,
  segments: Segments,
  answers: ReadonlyMap<string, PromptAnswer>,
  chosen: Map<string, readonly number[]>,
): readonly number[] {
  const known = chosen.get(name);
  if (known) return known;
  const set: ObjectSet = recipe.objects[name]!;
  const outer = set.within === undefined ? undefined : choose(recipe, set.within, segments, answers, chosen);
  let indices: readonly number[];
  if (set.kind === 'hole') indices = outer!;
  else {
    const all =
      set.prompt === undefined
        ? Array.from({ length: segments.count }, (_, index) => index)
        : (answers.get(set.prompt)?.matches.map(({ index }) => index) ?? []);
    indices = all.filter((index) => {
      if (set.minArea !== undefined && segments.areas[index]! < set.minArea) return false;
      return outer === undefined || (!outer.includes(index) && outer.some((other) => isInside(segments, index, other)));
    });
  }
  chosen.set(name, indices);
  return indices;
}

function isInside(segments: Segments, inner: number, outer: number): boolean {
  const shared = maskArea(maskIntersection(maskOf(segments, inner), maskOf(segments, outer)));
  return shared >= LEAST_INSIDE * segments.areas[inner]!;
}

function isOpen(recipe: Recipe, name: string, answers: ReadonlyMap<string, PromptAnswer>): boolean {
  const { prompt, within } = recipe.objects[name]!;
  const answer = prompt === undefined ? undefined : answers.get(prompt);
  return (answer !== undefined && isPending(answer)) || (within !== undefined && isOpen(recipe, within, answers));
}

/** The plane of a calibration in the units that objects are measured in. */
interface Plane {
  readonly ring: (ring: Float64Array) => Float64Array;
  /** Where in the picture a place is; `near`: a place of the picture not far from it. */
  readonly toPicture: (place: Point, near: Point) => Point;
}

function planeOf(calibration: Calibration): Plane {
  const unit = nominalScale(calibration);
  return {
    ring: (ring) => {
      const mapped = new Float64Array(ring.length);
      for (let k = 0; k < ring.length; k += 2) {
        const [x, y] = toPlane(calibration, [ring[k]!, ring[k + 1]!]);
        mapped[k] = x / unit;
        mapped[k + 1] = y / unit;
      }
      return mapped;
    },
    toPicture: ([x, y], near) => toPicture(calibration, [x * unit, y * unit], near),
  };
}

function memberOf(object: SomeMeasures, plane: Plane | undefined): Member {
  const { index, values, uncertainties, doubts, lab, outlines = [] } = object;
  const place: Point = [values.x ?? Number.NaN, values.y ?? Number.NaN];
  const [ring] = outlines;
  const at = plane && ring ? plane.toPicture(place, [ring[0]!, ring[1]!]) : place;
  return { index, place, at, values, uncertainties, edgeScatter: edgeScatterOf(object), doubts, lab, outlines };
}

/** From the uncertainty of the perimeter, which is 2π times that of the edge's mean. */
function edgeScatterOf({ values: { perimeter = Number.NaN }, uncertainties }: SomeMeasures): number {
  return ((uncertainties.perimeter ?? Number.NaN) / (2 * Math.PI)) * Math.sqrt(perimeter / SHARED);
}

function holesOf(object: SomeMeasures, plane: Plane | undefined): Member[] {
  const scatter = edgeScatterOf(object);
  const doubts = object.doubts.filter((doubt) => doubt !== 'TOUCHES_FRAME');
  return (object.holeOutlines ?? []).map((ring): Member => {
    const { area, x, y, perimeter } = ringOf(plane?.ring(ring) ?? ring);
    const seen = plane && ringOf(ring);
    const diameter = 2 * Math.sqrt(area / Math.PI);
    const areaUncertainty = scatter * Math.sqrt(SHARED * perimeter);
    const placeUncertainty = (scatter * Math.sqrt(SHARED)) / Math.sqrt(perimeter / 2);
    return {
      index: object.index,
      place: [x, y],
      at: seen ? [seen.x, seen.y] : [x, y],
      values: { area, areaFilled: area, x, y, perimeter, diameter, circularity: (4 * Math.PI * area) / perimeter ** 2 },
      uncertainties: {
        area: areaUncertainty,
        areaFilled: areaUncertainty,
        x: placeUncertainty,
        y: placeUncertainty,
        diameter: (areaUncertainty * 2) / (Math.PI * diameter),
      },
      edgeScatter: scatter,
      doubts,
      outlines: [ring],
    };
  });
}

function ringOf(ring: Float64Array): { area: number; x: number; y: number; perimeter: number } {
  const [ox, oy] = [ring[0]!, ring[1]!];
  let twice = 0;
  let x = 0;
  let y = 0;
  let perimeter = 0;
  for (let k = 0; k < ring.length; k += 2) {
    const next = (k + 2) % ring.length;
    const [ax, ay, bx, by] = [ring[k]! - ox, ring[k + 1]! - oy, ring[next]! - ox, ring[next + 1]! - oy];
    const cross = ax * by - bx * ay;
    twice += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
    perimeter += Math.hypot(bx - ax, by - ay);
  }
  return { area: Math.abs(twice) / 2, x: ox + x / (3 * twice), y: oy + y / (3 * twice), perimeter };
}

/** Even-odd rule. */
function inPolygon([x, y]: Point, polygon: readonly (readonly [number, number])[]): boolean {
  let inside = false;
  for (const [k, [ax, ay]] of polygon.entries()) {
    const [bx, by] = polygon[(k + 1) % polygon.length]!;
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  }
  return inside;
}

function datumOf({ datum }: Recipe, sets: ReadonlyMap<string, readonly Member[]>): Datum | undefined {
  if (!datum) return NO_DATUM;
  const origin = referred(datum.origin, sets);
  const degrees = datum.axis === undefined ? 0 : (referred(datum.axis, sets)?.values.orientation ?? Number.NaN);
  return origin && !Number.isNaN(degrees) ? { origin: origin.place, degrees } : undefined;
}

function sortByPlace(members: Member[], { degrees }: Datum): void {
  const c = Math.cos((degrees * Math.PI) / 180);
  const s = Math.sin((degrees * Math.PI) / 180);
  const along = ({ place: [x, y] }: Member) => c * x + s * y;
  const across = ({ place: [x, y] }: Member) => c * y - s * x;
  members.sort((a, b) => along(a) - along(b) || across(a) - across(b));
}

async function gapsOf(
  checks: readonly Check[],
  sets: ReadonlyMap<string, readonly Member[]>,
  segments: Segments,
  plane: Plane | undefined,
): Promise<Map<string, number>> {
  const outlined = ({ outlines }: Member) => ({ outlines: plane ? outlines.map(plane.ring) : outlines });
  const gaps = new Map<string, number>();
  for (const { id, measure, between } of checks) {
    if (measure !== 'gap' || !between) continue;
    const [a, b] = between.map((name) => referred(name, sets));
    if (!a || !b) continue;
    const overlap = a.index === b.index ? 0 : maskArea(maskIntersection(maskOf(segments, a.index), maskOf(segments, b.index)));
    gaps.set(id, (await gapBetween(outlined(a), outlined(b), overlap)).distance);
  }
  return gaps;
}

function coveragesOf(checks: readonly Check[], sets: ReadonlyMap<string, readonly Member[]>, segments: Segments): Map<string, number[]> {
  const coverages = new Map<string, number[]>();
  for (const { id, measure, of, zone } of checks) {
    if (measure !== 'coverage' || of === undefined || !zone) continue;
    const area: MaskRuns = native().polygonMask([zone.flat()], segments.width, segments.height);
    const one = referred(of, sets);
    const members = one ? [one] : (sets.get(of) ?? []);
    coverages.set(
      id,
      members.map(({ index }) => coverageOf(maskOf(segments, index), area)),
    );
  }
  return coverages;
}
