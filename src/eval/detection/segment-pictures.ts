/** A model's detections on the pictures of a data set, in the results format of COCO. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { native } from '../../addon/addon.js';
import type { Frame } from '../../domain/frame.js';
import type { Segments } from '../../domain/segments.js';
import { boxOf } from '../../domain/segments.js';
import type { SegmentationEngine, SegmentationOptions } from '../../engine/engine.js';
import { FastsamError } from '../../errors.js';
import { segmentFrames } from '../../pipeline/segment-frames.js';
import { pictureFrame, pictureFrames } from '../picture-frames.js';
import { type PickBy, pickObject } from './box-prompts.js';
import type { Dataset, Picture } from './dataset.js';
import type { Detection } from './results.js';

/** COCO's category of each class of the model; undefined for a class that the data set does not have. */
export type CategoryOf = (classIndex: number) => number | undefined;

/** Maps class names to categories of the same name. Errors: DATASET_INVALID when no name is shared. */
export function categoriesByName(labels: readonly string[], dataset: Pick<Dataset, 'categories' | 'path'>): CategoryOf {
  const simple = (name: string) => name.toLowerCase().replace(/[_\s-]+/g, ' ');
  const ids = new Map(dataset.categories.map(({ id, name }) => [simple(name), id]));
  const byClass = labels.map((label) => ids.get(simple(label)));
  if (byClass.every((id) => id === undefined)) {
    const why = labels.length === 0 ? 'the model has no class names' : 'none of its class names is a category';
    throw new FastsamError('DATASET_INVALID', `${dataset.path}: cannot be scored by class: ${why}; use --classes agnostic`);
  }
  return (classIndex) => byClass[classIndex];
}

/** Makes detections of what the network found in a picture; `frame` is borrowed. */
export type ReadSegments = (segments: Segments, picture: Picture, frame: Frame) => Promise<Detection[]>;

/** Every object of a category that the data set has. */
export function everyObject(categoryOf: CategoryOf): ReadSegments {
  return async (segments, picture) => {
    const classes = Array.from(segments.classes.subarray(0, segments.count), (index) => categoryOf(index));
    const kept = Uint32Array.from(classes.keys()).filter((index) => classes[index] !== undefined);
    const objects = [...kept].map((index) => ({ index, category: classes[index]!, score: segments.scores[index]! }));
    return detectionsOf(segments, picture.id, objects);
  };
}

/** The best object for each prompt box of the picture, with the prompt's category and score. */
export function promptedObjects(prompts: ReadonlyMap<number, readonly BoxPrompt[]>, pick: PickBy): ReadSegments {
  return async (segments, picture) => {
    const objects = (prompts.get(picture.id) ?? []).flatMap(({ box, category, score }) => {
      const index = pickObject(segments, box, pick);
      return index < 0 ? [] : [{ index, category, score }];
    });
    return detectionsOf(segments, picture.id, objects);
  };
}

export interface BoxPrompt {
  /** x, y, width, height in pixels. */
  readonly box: readonly [number, number, number, number];
  readonly category: number;
  readonly score: number;
}

export interface PictureDetections {
  readonly picture: Picture;
  readonly detections: readonly Detection[];
}

/**
 * Segments the pictures in order, as many at once as the engine overlaps. Each detection has the network's box and the
 * mask. Errors: SOURCE_NOT_FOUND for a picture that is not in the folder, SOURCE_CORRUPT, DATASET_INVALID when its size is
 * not the annotated one, and those of the engine.
 */
export async function* segmentPictures(
  folder: string,
  pictures: readonly Picture[],
  engine: SegmentationEngine,
  options: SegmentationOptions,
  read: ReadSegments,
): AsyncGenerator<PictureDetections> {
  const frames = pictureFrames(pictures, (picture) => openPicture(folder, picture));
  let next = 0;
  for await (const { segmented, frame } of segmentFrames(frames, engine, { segmentation: () => options })) {
    const picture = pictures[next]!;
    next += 1;
    yield { picture, detections: await read(segmented.segments, picture, frame) };
  }
}

/** The picture's pixels; the caller releases them. Errors: as segmentPictures. */
export async function openPicture(folder: string, picture: Picture): Promise<Frame> {
  const path = join(folder, picture.file);
  await access(path).catch((cause) => {
    throw new FastsamError('SOURCE_NOT_FOUND', `${path}: no such picture, though the annotations name it; is --images the right folder?`, {
      cause,
    });
  });
  const frame = await pictureFrame(path);
  if (frame.width !== picture.width || frame.height !== picture.height) {
    const size = `${frame.width}x${frame.height}`;
    frame[Symbol.dispose]();
    throw new FastsamError('DATASET_INVALID', `${path}: is ${size}, annotated as ${picture.width}x${picture.height}`);
  }
  return frame;
}

/** Objects of a picture as detections: the network's box, and the mask as COCO's run lengths. */
export async function detectionsOf(
  segments: Segments,
  picture: number,
  objects: readonly { readonly index: number; readonly category: number; readonly score: number }[],
): Promise<Detection[]> {
  // One object may be of several categories.
  const indices = Uint32Array.from(new Set(objects.map(({ index }) => index)));
  const encoded = await native().encodeRle(segments, indices);
  const counts = new Map([...indices].map((index, k) => [index, encoded[k]!]));
  return objects.map(({ index, category, score }) => {
    const [x1, y1, x2, y2] = boxOf(segments, index);
    const size = [segments.height, segments.width] as const;
    return { picture, category, score, box: [x1, y1, x2 - x1, y2 - y1], segmentation: { size, counts: counts.get(index)! } };
  });
}
