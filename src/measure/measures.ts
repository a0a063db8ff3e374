/**
 * What an object measures. One definition each (docs/inspection.md), in pixels of the frame: pixel (i, j) covers
 * [i, i + 1) × [j, j + 1), y points down, angles are degrees in (−90, 90], clockwise on screen.
 */

import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { NativeMeasurements } from '../addon/measure.js';
import { usableCores } from '../cores.js';
import type { Frame } from '../domain/frame.js';
import type { LetterboxGeometry } from '../domain/geometry.js';
import { CIRCLE_MEASURES, HULL_MEASURES, MEASURES, type Measure } from '../domain/measure.js';
import type { Segments } from '../domain/segments.js';
import { type Calibration, packed } from './calibration.js';
import type { Lab } from './colour.js';

/** Why a measure is not to be trusted. */
export type MeasureDoubt =
  /** More than 20 % of the outline shows no edge above the noise: the measures are those of the mask. */
  | 'EDGE_WEAK'
  /** More than 20 % of the outline has its edge as far from the mask as was searched: the measures are those of the mask. */
  | 'EDGE_OFF_MASK'
  /** The object may go on beyond the frame. */
  | 'TOUCHES_FRAME';

/** As far as it was asked for. */
export interface SomeMeasures {
  /** Into the segments. */
  readonly index: number;
  /** Where the outline comes from: the picture, or the mask where that was asked for or the edge was refused. */
  readonly edge: 'refined' | 'mask';
  readonly doubts: readonly MeasureDoubt[];
  /** NaN where a measure is undefined; absent where it was not asked for. */
  readonly values: Readonly<Partial<Record<Measure, number>>>;
  /**
   * Standard uncertainty from the scatter of the edge that was found, in the unit of the measure; NaN where the scatter does
   * not say: measures of the mask, extremes and ratios. Repeatability and calibration are not in it.
   */
  readonly uncertainties: Readonly<Partial<Record<Measure, number>>>;
  /** Mean over the mask without its edge; undefined unless asked for. */
  readonly lab?: Lab;
  /** Rings [x, y, x, y, …] of the parts, the largest first; undefined unless asked for. */
  readonly outlines?: readonly Float64Array[];
  /** Rings of the holes that count. */
  readonly holeOutlines?: readonly Float64Array[];
}

/** All measures. */
export interface ObjectMeasures extends SomeMeasures {
  readonly values: Readonly<Record<Measure, number>>;
  readonly uncertainties: Readonly<Record<Measure, number>>;
}

export interface MeasureOptions {
  /** `refined` (default): find the outline again in the picture, where it can be; `mask`: measure the mask. */
  readonly edge?: 'refined' | 'mask';
  /**
   * Side of a cell of the network's proto masks in pixels of the frame, see `protoCell`: how far from the mask's outline the
   * edge is searched (3 to 12), and what the colour leaves out.
   */
  readonly cell: number;
  /** Pixels; smaller holes are not counted. One cell when absent. */
  readonly minHoleArea?: number;
  /** Measure the colour. */
  readonly colour?: boolean;
  /** Hand out outlines. */
  readonly outlines?: boolean;
  /**
   * Measure on this plane: lengths are then in `nominalScale` millimetres, places and angles those of the plane. Outlines stay those of the
   * picture.
   */
  readonly calibration?: Calibration | undefined;
}

/** Side of a cell of the proto masks in pixels of the frame: 4 input pixels, scaled back through the letterbox. */
export function protoCell(geometry: LetterboxGeometry): number {
  return 4 * Math.max(geometry.frameWidth / geometry.contentWidth, geometry.frameHeight / geometry.contentHeight);
}

/** Measures with their places in a row of the addon. */
type Places = readonly { readonly name: Measure; readonly place: number }[];

const EXTRAS = 6;
const HOLES = MEASURES.indexOf('holes');
const TOUCHES_FRAME = MEASURES.indexOf('touchesFrame');
const MOST_REFUSED = 0.2;
/** Threads of Node's pool. */
const POOL_THREADS = 4;
/** Fewer objects are measured sooner than handed to one more thread. */
const LEAST_PER_THREAD = 3;

/**
 * Measures the objects at `indices` in the frame that `segments` are of: all measures, or those that are asked for, with the same values.
 * Off the JS thread, on several cores; the caller keeps the frame. Errors: MISUSE for a frame of another size or an index that is out of
 * range.
 */
export function measureObjects(
  frame: Frame,
  segments: Segments,
  indices: Uint32Array,
  options: MeasureOptions & { readonly measures?: undefined },
): Promise<ObjectMeasures[]>;
export function measureObjects(
  frame: Frame,
  segments: Segments,
  indices: Uint32Array,
  options: MeasureOptions & { readonly measures: readonly Measure[] },
): Promise<SomeMeasures[]>;
export async function measureObjects(
  frame: Frame,
  segments: Segments,
  indices: Uint32Array,
  {
    edge = 'refined',
    cell,
    minHoleArea = cell * cell,
    colour = false,
    outlines = false,
    calibration,
    measures = MEASURES,
  }: MeasureOptions & { readonly measures?: readonly Measure[] | undefined },
): Promise<SomeMeasures[]> {
  const options = {
    ...{ refine: edge === 'refined', cell, minHoleArea, colour, outlines },
    hull: measures.some((name) => HULL_MEASURES.has(name)),
    circle: measures.some((name) => CIRCLE_MEASURES.has(name)),
    threads: Math.max(1, Math.min(usableCores(), POOL_THREADS, Math.ceil(indices.length / LEAST_PER_THREAD))),
    ...(calibration ? { plane: packed(calibration) } : {}),
  };
  // The largest first: the last ones to be done are done soon.
  const bySize = indices.toSorted((a, b) => segments.areas[b]! - segments.areas[a]!);
  const answer = await native().measureObjects(frame.pixels as NativeFrame, segments, bySize, options);
  const places = measures.map((name) => ({ name, place: MEASURES.indexOf(name) }));
  const rank = new Map(Array.from(bySize, (index, k) => [index, k]));
  return Array.from(indices, (index) => measuresOf(index, answer, rank.get(index)!, { colour, outlines, places }));
}

/** Measures of the object at place `k` of an answer. */
function measuresOf(
  index: number,
  answer: NativeMeasurements,
  k: number,
  { colour, outlines, places }: { readonly colour: boolean; readonly outlines: boolean; readonly places: Places },
): SomeMeasures {
  const { values } = answer;
  const count = MEASURES.length;
  const row = k * (2 * count + EXTRAS);
  const extras = row + 2 * count;
  const doubts: MeasureDoubt[] = [];
  if (values[extras + 1]! > MOST_REFUSED) doubts.push('EDGE_WEAK');
  if (values[extras + 2]! > MOST_REFUSED) doubts.push('EDGE_OFF_MASK');
  if (values[row + TOUCHES_FRAME]) doubts.push('TOUCHES_FRAME');
  let rings: readonly Float64Array[] = [];
  if (outlines) {
    const first = k === 0 ? 0 : answer.objects[k - 1]!;
    rings = Array.from(answer.rings.subarray(first, answer.objects[k]), (end, i) =>
      answer.points.subarray(2 * (first + i === 0 ? 0 : answer.rings[first + i - 1]!), 2 * end),
    );
  }
  const parts = rings.length - values[row + HOLES]!;
  return {
    index,
    edge: values[extras] ? 'refined' : 'mask',
    doubts,
    values: named(values, row, places),
    uncertainties: named(values, row + count, places),
    ...(colour ? { lab: [values[extras + 3]!, values[extras + 4]!, values[extras + 5]!] as const } : {}),
    ...(outlines ? { outlines: rings.slice(0, parts), holeOutlines: rings.slice(parts) } : {}),
  };
}

/** The numbers from `first` on, by measure. */
function named(numbers: Float64Array, first: number, places: Places): Partial<Record<Measure, number>> {
  const values: Partial<Record<Measure, number>> = {};
  for (const { name, place } of places) values[name] = numbers[first + place]!;
  return values;
}
