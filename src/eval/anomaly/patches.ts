/** Anomaly maps by a memory of patches, over the backbone of a segmentation network. */
import sharp from 'sharp';
import { decodeImage } from '../../addon/picture.js';
import type { FeatureNetwork } from '../../engine/onnxruntime/features.js';
import { FastsamError } from '../../errors.js';
import { learnPatches, type PatchGrid, type PatchMemory, patchDistances, patchGrid } from '../../measure/patch-memory.js';
import type { DeepMap } from './data.js';

/** Levels of a map per unit of distance, which are standard deviations of the features: a few dozen are far. */
const PER_DISTANCE = 500;

/** Errors: SOURCE_CORRUPT; DATASET_INVALID for fewer than two pictures; those of the network. */
export async function learnSurfaces(paths: readonly string[], network: FeatureNetwork): Promise<PatchMemory> {
  if (paths.length < 2) throw new FastsamError('DATASET_INVALID', `expected two good pictures or more to learn from, got ${paths.length}`);
  async function* good() {
    for (const path of paths) yield (await patchesIn(path, network)).grid;
  }
  return learnPatches(good(), paths.length);
}

/** Distances at the picture's size. Errors: SOURCE_CORRUPT; those of the network. */
export async function surfaceMap(path: string, memory: PatchMemory, network: FeatureNetwork): Promise<DeepMap> {
  const { grid, width, height } = await patchesIn(path, network);
  const distances = await patchDistances(grid, memory);
  const levels = Uint16Array.from(distances, (distance) => Math.min(65_535, Math.round(PER_DISTANCE * distance)));
  const { data } = await sharp(levels, { raw: { width: grid.columns, height: grid.rows, channels: 1 } })
    .pipelineColourspace('grey16')
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .toColourspace('grey16')
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true });
  return { width, height, levels: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) };
}

async function patchesIn(path: string, network: FeatureNetwork): Promise<{ grid: PatchGrid; width: number; height: number }> {
  const pixels = await decodeImage(path, path);
  try {
    const { maps, geometry } = await network.of({ pixels });
    return { grid: patchGrid(maps, geometry), width: pixels.width, height: pixels.height };
  } finally {
    pixels.release();
  }
}
