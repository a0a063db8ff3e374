/** Annotated and detected shapes as mask runs. */

import { native } from '../../addon/addon.js';
import type { MaskRuns } from '../../domain/mask.js';
import { FastsamError, messageOf } from '../../errors.js';
import type { Segmentation } from './dataset.js';

/** Size of a picture in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Runs of a segmentation on a picture of `size`. `whose` is for messages. Errors: DATASET_INVALID. */
export function runsOf(segmentation: Segmentation, { width, height }: Size, whose: string): MaskRuns {
  const wrong = (what: string) => new FastsamError('DATASET_INVALID', `${whose}: ${what}`);
  try {
    if (!('counts' in segmentation)) return native().polygonMask(segmentation, width, height);
    const [rows, columns] = segmentation.size;
    if (rows !== height || columns !== width) throw wrong(`its mask is ${columns}x${rows}, its picture ${width}x${height}`);
    if (typeof segmentation.counts === 'string') return native().decodeRle(segmentation.counts, width, height);
    return runsOfCounts(segmentation.counts, width * height);
  } catch (cause) {
    if (cause instanceof FastsamError && cause.code === 'DATASET_INVALID') throw cause;
    throw wrong(messageOf(cause));
  }
}

/** As runsOf, but polygons and compressed run lengths of the right size stay as they are, for native code that decodes many at once. */
export function encodedMask(segmentation: Segmentation, size: Size, whose: string): MaskRuns | string | readonly (readonly number[])[] {
  if (!('counts' in segmentation)) return segmentation;
  if (typeof segmentation.counts === 'string' && segmentation.counts !== '') {
    const [rows, columns] = segmentation.size;
    if (rows === size.height && columns === size.width) return segmentation.counts;
  }
  return runsOf(segmentation, size, whose);
}

/** Runs of plain run lengths, background first. */
function runsOfCounts(counts: readonly number[], pixels: number): MaskRuns {
  const runs: number[] = [];
  let position = 0;
  for (const [k, count] of counts.entries()) {
    if (count < 0 || position + count > pixels) throw new Error(`run length ${k} is ${count}: beyond the picture`);
    if (k % 2 === 1 && count > 0) {
      if (runs.at(-1) === position) runs[runs.length - 1] = position + count;
      else runs.push(position, position + count);
    }
    position += count;
  }
  if (position !== pixels) throw new Error(`run lengths sum to ${position}, the picture has ${pixels} pixels`);
  return Uint32Array.from(runs);
}

/** The ring of a box x, y, width, height: how COCO's tools fill results that carry boxes only. */
export function ringOf([x, y, width, height]: readonly [number, number, number, number]): number[] {
  return [x, y, x, y + height, x + width, y + height, x + width, y];
}

/** The box x, y, width, height of runs on a picture `height` pixels high, as pycocotools' toBbox; zeros when empty. */
export function boxOfRuns(runs: MaskRuns, height: number): [number, number, number, number] {
  if (runs.length === 0) return [0, 0, 0, 0];
  let top = height;
  let bottom = 0;
  const left = Math.floor(runs[0]! / height);
  const right = Math.floor((runs.at(-1)! - 1) / height);
  for (let k = 0; k < runs.length; k += 2) {
    const start = runs[k]!;
    const last = runs[k + 1]! - 1;
    if (Math.floor(start / height) < Math.floor(last / height)) {
      // The run goes on in the next column: it reaches both the lower and the upper border.
      top = 0;
      bottom = height - 1;
    } else {
      top = Math.min(top, start % height);
      bottom = Math.max(bottom, last % height);
    }
  }
  return [left, top, right - left + 1, bottom - top + 1];
}
