/** What has to be measured of a recipe's sets for its checks to be judged: what no check asks for costs time before the verdict. Pure. */
import { MEASURES, type Measure } from '../domain/measure.js';
import type { Recipe } from '../domain/recipe.js';

/**
 * `presence`: an object is there or not; `mask`: how many holes its mask has; `edge`: its outline is found again in the picture, where the
 * recipe says so, and measured.
 */
export type Need = 'presence' | 'mask' | 'edge';

const RANK = { presence: 0, mask: 1, edge: 2 } as const;

/** The need of each set of the recipe. */
export function needsOf({ objects, datum, checks }: Recipe): ReadonlyMap<string, Need> {
  const needs = new Map<string, Need>(Object.keys(objects).map((name) => [name, 'presence']));
  const demand = (reference: string | undefined, need: Need) => {
    if (reference === undefined) return;
    const name = reference.replace(/\[\d+\]$/, '');
    if (RANK[need] > RANK[needs.get(name)!]) needs.set(name, need);
  };
  demand(datum?.origin, 'edge');
  demand(datum?.axis, 'edge');
  for (const { of, between = [] } of checks) {
    demand(of, 'edge');
    for (const name of between) demand(name, 'edge');
  }
  // Which objects lie in a zone goes by their centroids, which holes are large enough by their outlines.
  for (const [name, { zone, kind, minArea }] of Object.entries(objects)) {
    if (zone || (kind === 'hole' && minArea !== undefined)) demand(name, 'edge');
  }
  for (const [name, { kind, within }] of Object.entries(objects)) {
    if (kind !== 'hole') continue;
    const isCounted = checks.some(({ count, present, absent }) => [count, present, absent].includes(name));
    if (needs.get(name) === 'edge') demand(within, 'edge');
    else if (isCounted) demand(within, 'mask');
  }
  return needs;
}

/** What is measured of an object beside its edge. */
export interface Extent {
  readonly measures: readonly Measure[];
  readonly outlines: boolean;
}

/** Of any object: it is found at its centroid, and how far its edge scatters goes by its perimeter. */
const ALWAYS: readonly Measure[] = ['x', 'y', 'perimeter'];

/** The extent that the checks and the datum ask for. */
export function extentOf({ objects, datum, checks }: Recipe): Extent {
  const asked = new Set([...checks.map(({ measure }) => measure), ...(datum?.axis === undefined ? [] : ['orientation']), ...ALWAYS]);
  return {
    measures: MEASURES.filter((name) => asked.has(name)),
    outlines:
      checks.some(({ measure }) => measure === 'gap' || measure === 'anomaly') ||
      Object.values(objects).some(({ kind }) => kind === 'hole'),
  };
}
