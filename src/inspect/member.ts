/** What a recipe's sets have in them: single objects and holes, measured. */
import type { Point } from '../domain/box.js';
import type { Measure } from '../domain/measure.js';
import type { Lab } from '../measure/colour.js';
import type { MeasureDoubt } from '../measure/measures.js';

/** One object of a set, or one hole; lengths in pixels, or in the units of the calibration that it was measured with. */
export interface Member {
  /** Of the segments; of a hole, the object that it is in. */
  readonly index: number;
  /** Of the centroid: where it is measured, on the plane of a calibration; and where it is seen. */
  readonly place: Point;
  readonly at: Point;
  /** Measures that are not defined are absent or NaN. */
  readonly values: Readonly<Partial<Record<Measure, number>>>;
  /** Standard uncertainties; absent or NaN where they are not known. */
  readonly uncertainties: Readonly<Partial<Record<Measure, number>>>;
  /** Standard deviation of the outline across its direction; NaN where it is not known. */
  readonly edgeScatter: number;
  readonly doubts: readonly MeasureDoubt[];
  readonly lab?: Lab | undefined;
  /** In the picture. */
  readonly outlines: readonly Float64Array[];
}

/** The one object that a reference (`part`, `bores[1]`) names; undefined when it is not there, or `part` has several. */
export function referred(reference: string, sets: ReadonlyMap<string, readonly Member[]>): Member | undefined {
  const [, name, index] = /^([^[]+)(?:\[(\d+)\])?$/.exec(reference) ?? [];
  const members = sets.get(name ?? '') ?? [];
  if (index !== undefined) return members[Number(index)];
  return members.length === 1 ? members[0] : undefined;
}
