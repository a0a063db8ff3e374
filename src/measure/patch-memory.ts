/**
 * What the surface of good parts looks like to a network, and how far a picture is from that: PatchCore (Roth et al., CVPR 2022) over the
 * segmentation network's own backbone. docs/inspection.md has the method in words.
 */
import { native } from '../addon/addon.js';
import type { NativeFeatureMap } from '../addon/measure.js';
import type { Point } from '../domain/box.js';
import type { LetterboxGeometry } from '../domain/geometry.js';

/** Where one picture has patches: cells of the finest map, in rows of `columns`, inside the picture's content. */
export interface PatchGrid {
  readonly columns: number;
  readonly rows: number;
  /** Indices of the finest map, row by row. */
  readonly cells: Uint32Array;
  readonly maps: readonly NativeFeatureMap[];
  readonly geometry: LetterboxGeometry;
}

/** Fixed beforehand, after the paper and the design's measurements. */
const CANDIDATES = 10_000;
const MEMORY = 2000;
/** Of a picture's distances, the highest share whose mean is its score. */
const TOP = 0.01;

/**
 * The patches of a letterboxed picture: cells of the first (finest) map whose middle is in the picture's content. `maps`: their sides are
 * those of the input divided by powers of two.
 */
export function patchGrid(maps: readonly NativeFeatureMap[], geometry: LetterboxGeometry): PatchGrid {
  const [finest] = maps;
  const stride = geometry.inputWidth / finest!.width;
  const inside = (start: number, length: number, cells: number) => {
    const first = Math.max(0, Math.ceil(start / stride - 0.5));
    return [first, Math.max(first + 1, Math.min(cells, Math.ceil((start + length) / stride - 0.5)))] as const;
  };
  const [left, right] = inside(geometry.left, geometry.contentWidth, finest!.width);
  const [top, bottom] = inside(geometry.top, geometry.contentHeight, finest!.height);
  const [columns, rows] = [right - left, bottom - top];
  const cells = Uint32Array.from({ length: columns * rows }, (_, k) => {
    return (top + Math.floor(k / columns)) * finest!.width + left + (k % columns);
  });
  return { columns, rows, cells, maps, geometry };
}

/** Middle of a cell, in pixels of the picture that was letterboxed. */
export function placeOfCell({ maps: [finest], geometry }: PatchGrid, cell: number): Point {
  const { inputWidth, left, top, contentWidth, contentHeight, frameWidth, frameHeight } = geometry;
  const stride = inputWidth / finest!.width;
  const x = ((cell % finest!.width) + 0.5) * stride - left;
  const y = (Math.floor(cell / finest!.width) + 0.5) * stride - top;
  return [(x * frameWidth) / contentWidth, (y * frameHeight) / contentHeight];
}

export interface PatchMemory {
  readonly dims: number;
  /** Of each number over all candidates: patches are compared as (value − mean) / sd. */
  readonly mean: Float32Array;
  readonly sd: Float32Array;
  /** Standardised, [memory, dims]. */
  readonly rows: Float32Array;
}

/** Candidates for a memory, of one picture each: [patches, dims]. */
export type PatchSample = Float32Array;

/** Patches of one of `pictures` pictures of which a memory is to be made: evenly spread, 10,000 of all pictures together. */
export function samplePatches({ maps }: PatchGrid, cells: Uint32Array, pictures: number): Promise<PatchSample> {
  return native().patchRows(
    maps,
    Uint32Array.from(evenly(cells.length, pictures), (k) => cells[k]!),
  );
}

/** The same, of patches that are there already: [patches, dims]. */
export function sampleRows(rows: Float32Array, dims: number, pictures: number): PatchSample {
  const chosen = evenly(rows.length / dims, pictures);
  const sample = new Float32Array(chosen.length * dims);
  for (const [k, index] of chosen.entries()) sample.set(rows.subarray(index * dims, (index + 1) * dims), k * dims);
  return sample;
}

function evenly(count: number, pictures: number): number[] {
  const take = Math.min(Math.max(1, Math.floor(CANDIDATES / pictures)), count);
  return Array.from({ length: take }, (_, k) => Math.floor(((k + 0.5) * count) / take));
}

/**
 * Keeps up to 2,000 patches that cover the others: k-center greedy takes those that are farthest from each other. `samples`: at least one
 * patch.
 */
export async function memoryOf(samples: readonly PatchSample[], dims: number): Promise<PatchMemory> {
  const candidates = new Float32Array(samples.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const sample of samples) {
    candidates.set(sample, offset);
    offset += sample.length;
  }
  const count = candidates.length / dims;
  const mean = new Float32Array(dims);
  const sd = new Float32Array(dims);
  for (let c = 0; c < dims; c += 1) {
    let [sum, squares] = [0, 0];
    for (let k = c; k < candidates.length; k += dims) sum += candidates[k]!;
    const middle = sum / count;
    for (let k = c; k < candidates.length; k += dims) squares += (candidates[k]! - middle) ** 2;
    mean[c] = middle;
    // A number that never changes says nothing.
    sd[c] = Math.sqrt(squares / count) || 1;
  }
  for (let k = 0; k < candidates.length; k += 1) candidates[k] = (candidates[k]! - mean[k % dims]!) / sd[k % dims]!;
  const kept = await native().patchCoreset(candidates, dims, MEMORY);
  const rows = new Float32Array(kept.length * dims);
  for (const [k, index] of kept.entries()) rows.set(candidates.subarray(index * dims, (index + 1) * dims), k * dims);
  return { dims, mean, sd, rows };
}

/** Memory of pictures that are read one by one. Errors: those of `good`. */
export async function learnPatches(good: AsyncIterable<PatchGrid>, count: number): Promise<PatchMemory> {
  const samples: PatchSample[] = [];
  let dims = 1;
  for await (const grid of good) {
    dims = dimsOf(grid);
    samples.push(await samplePatches(grid, grid.cells, count));
  }
  return memoryOf(samples, dims);
}

export function dimsOf({ maps }: PatchGrid): number {
  return maps.reduce((sum, { channels }) => sum + channels, 0);
}

/** Distance of each patch to the nearest one of the memory. Off the JS thread. */
export async function patchDistances({ maps, cells }: PatchGrid, memory: PatchMemory): Promise<Float32Array> {
  return native().patchDistances(await native().patchRows(maps, cells, memory.mean, memory.sd), memory.rows, memory.dims);
}

export interface SurfaceScore {
  readonly score: number;
  /** Cell of the patch that is farthest from the memory. */
  readonly cell: number;
}

/**
 * Mean of the highest 1 % of the distances of the patches `cells`, of at least one: as from `patchDistances`, without the others. Off the
 * JS thread. `cells`: at least one.
 */
export async function surfaceScore({ maps }: PatchGrid, cells: Uint32Array, memory: PatchMemory): Promise<SurfaceScore> {
  const { score, row } = await highestOf(await native().patchRows(maps, cells, memory.mean, memory.sd), memory);
  return { score, cell: cells[row]! };
}

/** Features of the patches `cells`, not standardised: [cells, features]. Off the JS thread. */
export function rowsOf({ maps }: PatchGrid, cells: Uint32Array): Promise<Float32Array> {
  return native().patchRows(maps, cells);
}

/** As `surfaceScore`, of the rows of `rowsOf`. */
export async function scoreOfRows(rows: Float32Array, memory: PatchMemory): Promise<number> {
  const { dims, mean, sd } = memory;
  return (
    await highestOf(
      rows.map((value, k) => (value - mean[k % dims]!) / sd[k % dims]!),
      memory,
    )
  ).score;
}

async function highestOf(standardised: Float32Array, { rows, dims }: PatchMemory): Promise<{ score: number; row: number }> {
  const count = Math.max(1, Math.round((TOP * standardised.length) / dims));
  const highest = await native().patchHighest(standardised, rows, dims, count);
  let sum = 0;
  for (let k = 1; k < highest.length; k += 2) sum += highest[k]!;
  return { score: sum / count, row: highest[0]! };
}
