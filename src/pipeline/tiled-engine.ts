/** An engine for pictures that are much larger than the network's input: it sees them tile by tile. */
import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame, PixelRegion } from '../domain/frame.js';
import { maskMoved, maskOf } from '../domain/mask.js';
import { boxOf, type Segments } from '../domain/segments.js';
import type { SegmentationEngine, SegmentationOptions, Segmented, TrackingRequest } from '../engine/engine.js';
import { FastsamError } from '../errors.js';
import { SourceFrame } from '../source/source.js';
import { joinTiles, type Tile } from './seams.js';

export interface TileOptions {
  /** Side of a tile in pixels of the picture, 64 to 8192. */
  readonly size: number;
  /** Share of a tile's side that it has in common with its neighbour, 0 to 0.9: objects up to this size are seen whole by one tile. */
  readonly overlap: number;
  /** Called after each tile of a picture. */
  readonly onTile?: (done: number, total: number) => void;
}

/** FastSAM's tiles and those of SAHI, which made the practice known. */
export const TILE_DEFAULTS = { size: 1024, overlap: 0.2 } as const;

const MIN_TILE = 64;
const MAX_TILE = 8192;
/** Each costs an inference, and objects that are kept until the end. */
const MAX_TILES = 10_000;

/**
 * Tiles that cover a picture, row by row. Neighbours share `overlap` of a side; the last of a row or column is moved back to end
 * with the picture, so all have one size where the picture is large enough (Akyon et al. 2022, SAHI's slicing). Tiles begin at
 * even pixels, as the video formats demand.
 */
export function tilesOf(width: number, height: number, { size, overlap }: Pick<TileOptions, 'size' | 'overlap'>): PixelRegion[] {
  const starts = (side: number) => {
    const step = Math.max(2 * Math.floor((size * (1 - overlap)) / 2), 2);
    const all: number[] = [];
    for (let at = 0; ; at += step) {
      const last = 2 * Math.floor(Math.max(side - size, 0) / 2);
      all.push(Math.min(at, last));
      if (at >= last) return all;
    }
  };
  const side = (start: number, whole: number) => (whole - start <= size + 1 ? whole - start : size);
  const columns = starts(width);
  return starts(height).flatMap((y) => columns.map((x) => ({ x, y, width: side(x, width), height: side(y, height) })));
}

/**
 * An engine that cuts every frame into tiles, lets `engine` segment each, and joins the objects at the seams. It takes frames
 * that are read in parts (SourceOptions.inParts). Memory: a band of rows and the masks, whatever the size of the picture. An
 * object that fits no tile is put together from its parts. Stopping it stops `engine`. Errors: MISUSE for options out of range,
 * and for `tracking` and `edges`, which need the whole frame at once.
 */
export function tiledEngine(engine: SegmentationEngine, options: TileOptions): SegmentationEngine {
  const { size, overlap } = options;
  if (!Number.isInteger(size) || size < MIN_TILE || size > MAX_TILE)
    throw new FastsamError('MISUSE', `size of a tile: expected a whole number from ${MIN_TILE} to ${MAX_TILE}, got ${size}`);
  if (!(overlap >= 0 && overlap <= 0.9)) throw new FastsamError('MISUSE', `overlap of tiles: expected 0 to 0.9, got ${overlap}`);
  return {
    model: engine.model,
    depth: 1,
    segment: (frame, segmentation, tracking) => segmentTiles(engine, options, frame, segmentation, tracking),
    msUntilFree: () => engine.msUntilFree(),
    measureNetwork: (runs) => engine.measureNetwork(runs),
    stop: () => engine.stop(),
  };
}

async function segmentTiles(
  engine: SegmentationEngine,
  options: TileOptions,
  frame: Frame,
  segmentation: SegmentationOptions,
  tracking: TrackingRequest | undefined,
): Promise<Segmented> {
  if (tracking || segmentation.edges) throw new FastsamError('MISUSE', 'tiles cannot be tracked, and have no edges of the whole frame');
  const regions = tilesOf(frame.width, frame.height, options);
  if (regions.length > MAX_TILES) {
    const much = `${frame.origin}: ${regions.length} tiles of ${options.size} pixels; at most ${MAX_TILES} are segmented`;
    throw new FastsamError('SOURCE_UNSUPPORTED', `${much}: use larger tiles or less overlap`);
  }
  const tiles: Tile[] = [];
  const running: Promise<{ region: PixelRegion; segmented: Segmented }>[] = [];
  const timings = { wait: 0, preprocess: 0, infer: 0, decode: 0 };
  let geometry: Segmented['geometry'] | undefined;
  const take = async () => {
    const { region, segmented } = await running.shift()!;
    geometry ??= segmented.geometry;
    for (const stage of ['preprocess', 'infer', 'decode'] as const) timings[stage] += segmented.timings[stage];
    tiles.push({ region, objects: objectsOf(segmented.segments, region, frame.height) });
    options.onTile?.(tiles.length, regions.length);
  };
  try {
    for (const region of regions) {
      // Read here, one after another: a large picture keeps one band of rows.
      const part = await partOf(frame, region);
      const work = segmentPart(engine, part, region, segmentation);
      // Awaited in order; a failure of a later tile must not count as unhandled until then.
      work.catch(() => undefined);
      running.push(work);
      if (running.length >= engine.depth) await take();
    }
    while (running.length > 0) await take();
  } finally {
    await Promise.allSettled(running);
  }
  const begin = performance.now();
  const segments = joinTiles(tiles, frame.width, frame.height);
  timings.decode += performance.now() - begin;
  return { segments, geometry: geometry!, timings };
}

async function segmentPart(engine: SegmentationEngine, part: Frame, region: PixelRegion, segmentation: SegmentationOptions) {
  using tile = part;
  return { region, segmented: await engine.segment(tile, segmentation) };
}

async function partOf(frame: Frame, region: PixelRegion): Promise<Frame> {
  if (frame.part) return frame.part(region);
  const pixels = native().cropFrame(frame.pixels as NativeFrame, region);
  return new SourceFrame(pixels, frame.sequence, frame.captured, frame.origin, frame.ptsNs, frame.file);
}

function objectsOf(segments: Segments, { x, y }: PixelRegion, height: number): Tile['objects'] {
  return Array.from({ length: segments.count }, (_, index) => {
    const [x1, y1, x2, y2] = boxOf(segments, index);
    return {
      box: [x1 + x, y1 + y, x2 + x, y2 + y] as const,
      score: segments.scores[index]!,
      classIndex: segments.classes[index]!,
      mask: maskMoved(maskOf(segments, index), segments.height, x, y, height),
    };
  });
}
