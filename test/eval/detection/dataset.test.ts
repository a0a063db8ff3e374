import { describe, expect, it } from 'vitest';
import { parseDataset } from '../../../src/eval/detection/dataset.js';

const box = { area: 100, bbox: [0, 0, 10, 10], segmentation: [[0, 0, 10, 0, 10, 10, 0, 10]] };
const lvis = {
  images: [
    { id: 1, width: 64, height: 48, coco_url: 'http://x/1.jpg', neg_category_ids: [2], not_exhaustive_category_ids: [] },
    { id: 2, width: 64, height: 48, coco_url: 'http://x/2.jpg', neg_category_ids: [], not_exhaustive_category_ids: [1] },
  ],
  categories: [
    { id: 1, name: 'cup', frequency: 'r' },
    { id: 2, name: 'bolt', frequency: 'f' },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 1, ...box },
    { id: 2, image_id: 2, category_id: 2, ...box },
  ],
};
type Change = Readonly<Record<string, unknown>>;
const withImage = (change: Change) => ({ ...lvis, images: [{ ...lvis.images[0], ...change }, lvis.images[1]] });
const withCategory = (change: Change) => ({ ...lvis, categories: [{ ...lvis.categories[0], ...change }, lvis.categories[1]] });
const withAnnotation = (change: Change) => ({ ...lvis, annotations: [{ ...lvis.annotations[0], ...change }, lvis.annotations[1]] });

/** Wrong by the rules of any data set. */
const WRONG: readonly [string, unknown, RegExp][] = [
  ['no annotation file at all', [], /expected a COCO annotation file with a list of "categories"/],
  ['annotations without pictures', { ...lvis, images: [] }, /annotation 1 is of image 1, which the file does not list/],
  ['no annotations', { ...lvis, annotations: [] }, /no annotations in it/],
  ['an unknown category', withAnnotation({ category_id: 9 }), /annotation 1 has category 9, which the file does not list/],
  ['a picture that is there twice', { ...lvis, images: [lvis.images[0], lvis.images[0]] }, /image 1 is there twice/],
  ['a category that is there twice', withCategory({ id: 2 }), /category 2 is there twice/],
  ['an annotation that is there twice', withAnnotation({ id: 2 }), /annotation 2 is there twice/],
  ['a picture without a size', withImage({ width: 0 }), /image 1: expected id, width and height/],
  ['an area that is no number', withAnnotation({ area: Number.NaN }), /annotation 1: expected a finite area/],
  ['a box of three numbers', withAnnotation({ bbox: [1, 2, 3] }), /annotation 1: expected a bbox/],
  ['no shape', withAnnotation({ segmentation: [] }), /annotation 1: expected a segmentation/],
  ['absent categories that are no list', withImage({ neg_category_ids: '2' }), /image 1: expected a list of neg_category_ids/],
  ['an absent category that is no id', withImage({ neg_category_ids: [2, 'x'] }), /image 1: neg_category_ids has category x, which/],
  ['an absent category that is not known', withImage({ neg_category_ids: [99] }), /image 1: neg_category_ids has category 99, which/],
  ['inexhaustive ones that are no list', withImage({ not_exhaustive_category_ids: {} }), /expected a list of not_exhaustive_category_ids/],
];

/** Wrong by the rules of LVIS only. */
const WRONG_FOR_LVIS: readonly [string, unknown, RegExp][] = [
  [
    'no absent categories',
    withImage({ neg_category_ids: undefined }),
    /image 1: expected a list of neg_category_ids.*for other data use "coco"/,
  ],
  ['no inexhaustive categories', withImage({ not_exhaustive_category_ids: undefined }), /image 1: expected a list of not_exhaustive/],
  ['no frequency', withCategory({ frequency: undefined }), /category 1: expected a frequency, r, c or f/],
  ['a frequency that LVIS does not have', withCategory({ frequency: 'q' }), /category 1: expected a frequency, r, c or f/],
  ['a crowd', withAnnotation({ iscrowd: 1 }), /annotation 1 is a crowd, which LVIS does not have/],
];

describe('annotations', () => {
  it('keep what LVIS says about its pictures and categories', () => {
    const { pictures, categories } = parseDataset(lvis, 'lvis.json', { federated: true });
    expect(pictures.map(({ file, absent, notExhaustive }) => [file, [...absent], [...notExhaustive]])).toEqual([
      ['1.jpg', [2], []],
      ['2.jpg', [], [1]],
    ]);
    expect(categories.map(({ frequency }) => frequency)).toEqual(['r', 'f']);
  });

  it.each(WRONG)('with %s are refused by either rules', (_, json, message) => {
    for (const federated of [false, true]) {
      const expected = { code: 'DATASET_INVALID', message: expect.stringMatching(message) };
      expect(() => parseDataset(json, 'a.json', { federated })).toThrow(expect.objectContaining(expected));
    }
  });

  it.each(WRONG_FOR_LVIS)('with %s are refused by the rules of LVIS', (_, json, message) => {
    const expected = { code: 'DATASET_INVALID', message: expect.stringMatching(message) };
    expect(() => parseDataset(json, 'a.json', { federated: true })).toThrow(expect.objectContaining(expected));
    parseDataset(json, 'a.json');
  });
});
