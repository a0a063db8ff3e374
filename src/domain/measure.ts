/** Names of what an object measures; definitions in docs/inspection.md. */

/** In the order of the addon's packed results. */
export const MEASURES = [
  'area',
  'areaFilled',
  'x',
  'y',
  'major',
  'minor',
  'ellipseAngle',
  'perimeter',
  'circularity',
  'roundness',
  'convexity',
  'rectangularity',
  'length',
  'width',
  'orientation',
  'feretMax',
  'feretMin',
  'aspect',
  'elongation',
  'diameter',
  'circleX',
  'circleY',
  'circleDiameter',
  'circleRms',
  'holes',
  'holeArea',
  'touchesFrame',
] as const;
export type Measure = (typeof MEASURES)[number];

/** Measures that take time of their own: those of the convex hull, and those of a circle fitted to the outline. */
export const HULL_MEASURES: ReadonlySet<Measure> = new Set([
  'convexity',
  'rectangularity',
  'length',
  'width',
  'orientation',
  'feretMax',
  'feretMin',
  'aspect',
  'elongation',
]);
export const CIRCLE_MEASURES: ReadonlySet<Measure> = new Set(['circleX', 'circleY', 'circleDiameter', 'circleRms']);

/** What the unit of a measure is a power of: 2 for areas (px²), 1 for lengths (px), 0 for ratios, counts and angles. */
export const DIMENSION: Readonly<Record<Measure, 0 | 1 | 2>> = {
  area: 2,
  areaFilled: 2,
  x: 1,
  y: 1,
  major: 1,
  minor: 1,
  ellipseAngle: 0,
  perimeter: 1,
  circularity: 0,
  roundness: 0,
  convexity: 0,
  rectangularity: 0,
  length: 1,
  width: 1,
  orientation: 0,
  feretMax: 1,
  feretMin: 1,
  aspect: 0,
  elongation: 0,
  diameter: 1,
  circleX: 1,
  circleY: 1,
  circleDiameter: 1,
  circleRms: 1,
  holes: 0,
  holeArea: 2,
  touchesFrame: 0,
};
