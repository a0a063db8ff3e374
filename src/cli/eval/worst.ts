/** Pictures of the cases a model does worst on: what was to be found beside what was found. */
import { join } from 'node:path';
import sharp from 'sharp';
import { native } from '../../addon/addon.js';
import type { MaskRuns } from '../../domain/mask.js';
import { maskArea } from '../../domain/mask.js';
import type { Segments } from '../../domain/segments.js';
import { makeDirectory } from '../../durable.js';
import type { SegmentationEngine, SegmentationOptions } from '../../engine/engine.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { Dataset, Picture } from '../../eval/detection/dataset.js';
import { runsOf } from '../../eval/detection/masks.js';
import { openPicture } from '../../eval/detection/segment-pictures.js';
import type { PictureScore } from '../../eval/detection/task.js';

/** Okabe and Ito's blue-green, vermilion and blue: told apart by colour-blind readers too. */
const FOUND = 0x009e73;
const MISSED = 0xd55e00;
const RIGHT = 0x0072b2;
const WRONG = 0x999999;

/**
 * Draws, for each case, the annotated objects (green: found at IoU 0.5, red: missed) beside the detections (blue: found an
 * object, grey: did not), as many as there are objects, best first. Returns the paths. Errors: OUTPUT_UNWRITABLE.
 */
export async function writeWorst(
  directory: string,
  images: string,
  dataset: Dataset,
  cases: readonly PictureScore[],
  engine: SegmentationEngine,
  segmentation: SegmentationOptions,
): Promise<string[]> {
  await makeDirectory(directory).catch((cause) => {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${directory}: cannot be made: ${messageOf(cause)}`, { cause });
  });
  const paths: string[] = [];
  for (const [rank, { picture, ap }] of cases.entries()) {
    const stem = picture.file.replace(/\.\w+$/, '');
    const path = join(directory, `${String(rank + 1).padStart(2, '0')}-${stem}-ap${Math.round(100 * ap)}.jpg`);
    await drawCase(path, images, picture, dataset, engine, segmentation);
    paths.push(path);
  }
  return paths;
}

async function drawCase(
  path: string,
  images: string,
  picture: Picture,
  dataset: Dataset,
  engine: SegmentationEngine,
  segmentation: SegmentationOptions,
): Promise<void> {
  using frame = await openPicture(images, picture);
  const truths = (dataset.truths.get(picture.id) ?? [])
    .filter(({ crowd }) => !crowd)
    .map((truth) => runsOf(truth.segmentation, picture, `annotation ${truth.id}`));
  const { segments } = await engine.segment(frame, segmentation);
  const detections = Array.from({ length: Math.min(segments.count, truths.length) }, (_, k) =>
    segments.runs.slice(2 * segments.offsets[k]!, 2 * segments.offsets[k + 1]!),
  );
  const { overlaps } = await native().maskOverlaps(
    detections,
    truths,
    new Uint8Array(truths.length),
    new Int32Array(detections.length),
    new Int32Array(truths.length),
    picture.width,
    picture.height,
  );
  const meets = (d: number, t: number) => overlaps[d * truths.length + t]! >= 0.5;
  const found = truths.map((_, t) => detections.some((__, d) => meets(d, t)));
  const right = detections.map((_, d) => truths.some((__, t) => meets(d, t)));
  const draw = (masks: readonly MaskRuns[], colors: readonly number[]) =>
    native().drawOverlay(
      frame.pixels as never,
      segmentsOf(masks, picture),
      colors.map((color, index) => ({ index, color })),
    );
  const panels = await Promise.all([
    draw(
      truths,
      found.map((yes) => (yes ? FOUND : MISSED)),
    ),
    draw(
      detections,
      right.map((yes) => (yes ? RIGHT : WRONG)),
    ),
  ]);
  const { width, height } = picture;
  const raw = { width, height, channels: 3 as const };
  try {
    await sharp({ create: { width: 2 * width + 8, height, channels: 3, background: 'white' } })
      .composite([
        { input: Buffer.from(panels[0]!.buffer, panels[0]!.byteOffset, panels[0]!.byteLength), raw, left: 0, top: 0 },
        { input: Buffer.from(panels[1]!.buffer, panels[1]!.byteOffset, panels[1]!.byteLength), raw, left: width + 8, top: 0 },
      ])
      .jpeg({ quality: 90 })
      .toFile(path);
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** Masks as segments, to be drawn. */
function segmentsOf(masks: readonly MaskRuns[], { width, height }: Picture): Segments {
  const offsets = new Uint32Array(masks.length + 1);
  for (const [k, runs] of masks.entries()) offsets[k + 1] = offsets[k]! + runs.length / 2;
  const runs = new Uint32Array(2 * offsets[masks.length]!);
  for (const [k, own] of masks.entries()) runs.set(own, 2 * offsets[k]!);
  return {
    count: masks.length,
    width,
    height,
    boxes: new Float32Array(4 * masks.length),
    scores: new Float32Array(masks.length),
    classes: new Int32Array(masks.length),
    areas: Uint32Array.from(masks, maskArea),
    runs,
    offsets,
  };
}
