/** `--worst N`: pictures of the cases a model does worst on, for every task that has pictures. */
import { join } from 'node:path';
import sharp from 'sharp';
import { native } from '../../addon/addon.js';
import type { NativeFrame } from '../../addon/frame.js';
import { type Comparison, compareMaps, compareObjects, writeComparison } from '../../encode/comparison.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { Dataset, Picture } from '../../eval/detection/dataset.js';
import { runsOf } from '../../eval/detection/masks.js';
import type { Detection } from '../../eval/detection/results.js';
import { openPicture } from '../../eval/detection/segment-pictures.js';
import { pictureFrame } from '../../eval/picture-frames.js';
import { say } from '../terminal.js';
import { makeFolder, type ReportArguments, worstFolder } from './report-options.js';

export interface WorstCase<T> {
  readonly item: T;
  /** Of the picture, without its ending; folders become part of the file's name. */
  readonly name: string;
  /** Lower is worse; the second decides between equals, and so on. */
  readonly rank: readonly number[];
  /** Why the picture is among the worst, for people: `AP 0.12`. */
  readonly why: string;
}

/**
 * Draws the worst of the cases as `01-NAME.jpg`, `02-NAME.jpg`, … and tells their paths. `draw` computes the answer to the picture
 * again: only figures are kept until here, no pixels. Errors: OUTPUT_UNWRITABLE, and those of `draw`.
 */
export async function writeWorst<T>(
  args: ReportArguments,
  cases: readonly WorstCase<T>[],
  draw: (item: T) => Promise<Comparison>,
): Promise<void> {
  const worst = args.worst ?? 0;
  if (worst === 0) return;
  const folder = worstFolder(args);
  await makeFolder(folder);
  const chosen = [...cases].sort((a, b) => compareRanks(a.rank, b.rank)).slice(0, worst);
  for (const [place, { item, name, why }] of chosen.entries()) {
    const path = join(folder, `${String(place + 1).padStart(2, '0')}-${name.replaceAll(/[/\\]/g, '-')}.jpg`);
    const comparison = await draw(item);
    await writeComparison(path, comparison).catch((cause) => {
      throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
    });
    if (!args.json) say(`wrote ${path}: ${why}`);
  }
}

/** What a stream of one picture gives. Errors: SOURCE_CORRUPT when that is nothing. */
export async function onlyOf<T>(stream: AsyncIterable<T>, picture: string): Promise<T> {
  for await (const item of stream) return item;
  throw new FastsamError('SOURCE_CORRUPT', `${picture}: no picture in it`);
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [k, value] of a.entries()) if (value !== b[k]) return value - b[k]!;
  return 0;
}

/**
 * Annotated objects beside detections, as many as there are objects, best first. They match at IoU 0.5, unless `agnostic` within
 * their category.
 */
export async function drawDetections(
  images: string,
  dataset: Dataset,
  picture: Picture,
  found: readonly Detection[],
  agnostic: boolean,
): Promise<Comparison> {
  using frame = await openPicture(images, picture);
  const objects = (dataset.truths.get(picture.id) ?? []).filter(({ crowd }) => !crowd);
  const truths = objects.map((truth) => runsOf(truth.segmentation, picture, `annotation ${truth.id}`));
  const best = [...found].sort((a, b) => b.score - a.score).slice(0, objects.length);
  const detections = best.map(({ segmentation }) => runsOf(segmentation!, picture, `a detection of ${picture.file}`));
  const { overlaps } = await native().maskOverlaps(
    detections,
    truths,
    new Uint8Array(truths.length),
    new Int32Array(detections.length),
    new Int32Array(truths.length),
    picture.width,
    picture.height,
  );
  const meets = (d: number, t: number) =>
    overlaps[d * truths.length + t]! >= 0.5 && (agnostic || best[d]!.category === objects[t]!.category);
  return compareObjects(
    frame.pixels as NativeFrame,
    picture,
    truths.map((runs, t) => ({ runs, matched: detections.some((_, d) => meets(d, t)) })),
    detections.map((runs, d) => ({ runs, matched: truths.some((_, t) => meets(d, t)) })),
  );
}

/** A map beside its truth, on the picture in the map's size; the rest as in `compareMaps`. Errors: SOURCE_NOT_FOUND, SOURCE_CORRUPT. */
export async function drawMap(
  path: string,
  { width, height }: { readonly width: number; readonly height: number },
  truth: Uint8Array,
  answer: Uint8Array,
  near = 0,
): Promise<Comparison> {
  using frame = await pictureFrame(path);
  let rgb = await native().toRgb(frame.pixels as NativeFrame);
  if (frame.width !== width || frame.height !== height) {
    const raw = { width: frame.width, height: frame.height, channels: 3 as const };
    rgb = await sharp(rgb, { raw }).resize(width, height, { fit: 'fill' }).raw().toBuffer();
  }
  return compareMaps(rgb, { width, height }, truth, answer, near);
}
