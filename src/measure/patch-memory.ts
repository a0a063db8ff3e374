/**
 * What the surface of good parts looks like to a network, and how far a picture is from that: PatchCore (Roth et al., CVPR 2022) over the
 * segmentation network's own backbone. docs/inspection.md has the method in words.
 */
import { native } from '../addon/addon.js';
import type { LetterboxGeometry } from '../domain/geometry.js';

/** Feature vectors of the places of one picture, on a grid; row-major. */
export interface Patches {
  readonly columns: number;
  readonly rows: number;
  readonly dims: number;
  /** [rows · columns, dims]. */
  readonly values: Float32Array;
}

/** [channels, height, width]. */
interface Map2d {
  readonly channels: number;
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** Fixed beforehand, after the paper and the design's measurements. */
const CANDIDATES = 10_000;
const MEMORY = 2000;
/** Of a picture's distances, the highest share whose mean is its score. */
const TOP = 0.01;

/**
 * The patches of a letterboxed picture's content: on the grid of the first (finest) map, each map smoothed by the mean of 3 × 3 of its own
 * cells, coarser ones repeated. `maps`: their sides are those of the input divided by powers of two.
 */
export function patchesOf(maps: readonly Map2d[], geometry: LetterboxGeometry): Patches {
  const [finest] = maps;
  const stride = geometry.inputWidth / finest!.width;
  const inside = (start: number, length: number, cells: number) => {
    // Cells whose middle is in the content.
    const first = Math.max(0, Math.ceil(start / stride - 0.5));
    return [first, Math.max(first + 1, Math.min(cells, Math.ceil((start + length) / stride - 0.5)))] as const;
  };
  const [left, right] = inside(geometry.left, geometry.contentWidth, finest!.width);
  const [top, bottom] = inside(geometry.top, geometry.contentHeight, finest!.height);
  const [columns, rows] = [right - left, bottom - top];
  const dims = maps.reduce((sum, { channels }) => sum + channels, 0);
  const values = new Float32Array(columns * rows * dims);
  let offset = 0;
  for (const map of maps) {
    const smooth = smoothed(map);
    const step = finest!.width / map.width;
    for (let c = 0; c < map.channels; c += 1) {
      for (let y = 0; y < rows; y += 1) {
        const row = (c * map.height + Math.floor((y + top) / step)) * map.width;
        for (let x = 0; x < columns; x += 1) values[(y * columns + x) * dims + offset + c] = smooth[row + Math.floor((x + left) / step)]!;
      }
    }
    offset += map.channels;
  }
  return { columns, rows, dims, values };
}

/** Mean of 3 × 3 cells, of those that there are at the border. */
function smoothed({ channels, width, height, values }: Map2d): Float32Array {
  const out = new Float32Array(values.length);
  for (let c = 0; c < channels; c += 1) {
    const base = c * width * height;
    for (let y = 0; y < height; y += 1) {
      const [above, below] = [Math.max(0, y - 1), Math.min(height - 1, y + 1)];
      for (let x = 0; x < width; x += 1) {
        const [before, behind] = [Math.max(0, x - 1), Math.min(width - 1, x + 1)];
        let sum = 0;
        for (let v = above; v <= below; v += 1) for (let u = before; u <= behind; u += 1) sum += values[base + v * width + u]!;
        out[base + y * width + x] = sum / ((below - above + 1) * (behind - before + 1));
      }
    }
  }
  return out;
}

export interface PatchMemory {
  readonly dims: number;
  /** Of each number over all candidates: patches are compared as (value − mean) / sd. */
  readonly mean: Float32Array;
  readonly sd: Float32Array;
  /** Standardised, [memory, dims]. */
  readonly rows: Float32Array;
}

/**
 * Keeps up to 2,000 patches of good pictures that cover the others: of each picture the same number of patches, evenly spread over it,
 * 10,000 in all, of which k-center greedy takes those that are farthest from each other. Pictures are read one by one. Errors of `good` are
 * thrown; MISUSE without one.
 */
export async function learnPatches(good: AsyncIterable<Patches>, count: number): Promise<PatchMemory> {
  const share = Math.max(1, Math.floor(CANDIDATES / count));
  const chosen: Float32Array[] = [];
  let dims = 0;
  for await (const patches of good) {
    dims = patches.dims;
    const all = patches.columns * patches.rows;
    const take = Math.min(share, all);
    for (let k = 0; k < take; k += 1) {
      const at = Math.floor(((k + 0.5) * all) / take);
      chosen.push(patches.values.slice(at * dims, (at + 1) * dims));
    }
  }
  const mean = new Float32Array(dims);
  const sd = new Float32Array(dims);
  for (let c = 0; c < dims; c += 1) {
    let [sum, squares] = [0, 0];
    for (const row of chosen) sum += row[c]!;
    const middle = sum / chosen.length;
    for (const row of chosen) squares += (row[c]! - middle) ** 2;
    mean[c] = middle;
    // A number that never changes says nothing.
    sd[c] = Math.sqrt(squares / chosen.length) || 1;
  }
  const candidates = new Float32Array(chosen.length * dims);
  for (const [k, row] of chosen.entries()) candidates.set(standardised(row, { dims, mean, sd }), k * dims);
  const kept = await native().patchCoreset(candidates, dims, MEMORY);
  const rows = new Float32Array(kept.length * dims);
  for (const [k, index] of kept.entries()) rows.set(candidates.subarray(index * dims, (index + 1) * dims), k * dims);
  return { dims, mean, sd, rows };
}

/** Distance of each patch to the nearest one of the memory. Off the JS thread. */
export function patchDistances({ values }: Patches, memory: PatchMemory): Promise<Float32Array> {
  return native().patchDistances(standardised(values, memory), memory.rows, memory.dims);
}

/** Mean of the highest 1 % of the distances, of at least one. */
export function surfaceScore(distances: Float32Array): number {
  const sorted = distances.slice().sort();
  const count = Math.max(1, Math.round(TOP * sorted.length));
  return sorted.subarray(sorted.length - count).reduce((sum, distance) => sum + distance, 0) / count;
}

function standardised(values: Float32Array, { dims, mean, sd }: Pick<PatchMemory, 'dims' | 'mean' | 'sd'>): Float32Array {
  return values.map((value, k) => (value - mean[k % dims]!) / sd[k % dims]!);
}
