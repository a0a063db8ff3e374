/** Results as entries of a COCO dataset (instances_*.json), which pycocotools, CVAT, FiftyOne and others read. */

import { native } from '../addon/addon.js';
import type { FrameResult } from '../domain/result.js';
import { boxOf } from '../domain/segments.js';

export interface CocoImage {
  readonly id: number;
  readonly file_name: string;
  readonly width: number;
  readonly height: number;
}

export interface CocoAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  /** Compressed RLE; `size` is height, width. */
  readonly segmentation: { readonly size: readonly [number, number]; readonly counts: string };
  /** Upper left corner, width, height. */
  readonly bbox: readonly [number, number, number, number];
  readonly area: number;
  readonly iscrowd: 0;
  readonly score: number;
}

export interface CocoCategory {
  readonly id: number;
  readonly name: string;
  readonly supercategory: string;
}

/** Class n of the model is category n + 1; a class-agnostic model has the one category "object". */
export function cocoCategories(labels: readonly string[]): CocoCategory[] {
  const names = labels.length > 0 ? labels : ['object'];
  return names.map((name, index) => ({ id: index + 1, name, supercategory: 'object' }));
}

/** The annotations of the objects at `indices`, numbered from `firstId`. */
export async function cocoAnnotations(
  { segments }: Pick<FrameResult, 'segments'>,
  indices: Uint32Array,
  imageId: number,
  firstId: number,
): Promise<CocoAnnotation[]> {
  const counts = await native().encodeRle(segments, indices);
  return Array.from(indices, (index, k) => {
    const [x1, y1, x2, y2] = boxOf(segments, index);
    return {
      id: firstId + k,
      image_id: imageId,
      category_id: segments.classes[index]! + 1,
      segmentation: { size: [segments.height, segments.width], counts: counts[k]! },
      bbox: [rounded(x1), rounded(y1), rounded(x2 - x1), rounded(y2 - y1)],
      area: segments.areas[index]!,
      iscrowd: 0,
      score: Math.round(segments.scores[index]! * 1e4) / 1e4,
    };
  });
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
