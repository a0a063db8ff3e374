import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportSchema } from '../../src/eval/report.js';
import { fastsamd, startWith } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
let model = '';
const at = (name: string) => join(directory, name);

const box = (x: number, y: number, width: number, height: number) => ({
  bbox: [x, y, width, height],
  area: width * height,
  segmentation: [[x, y, x + width, y, x + width, y + height, x, y + height]],
});
/** The test model finds these three rectangles in every picture of 640×640, and the annotations add one that it cannot see. */
const objects = [box(80, 80, 160, 160), box(340, 140, 200, 120), box(120, 460, 400, 80), box(560, 560, 60, 60)];
const annotations = {
  images: [
    { id: 1, width: 640, height: 640, file_name: 'a.png' },
    { id: 2, width: 640, height: 640, file_name: 'b.png' },
  ],
  categories: [{ id: 4, name: 'thing' }],
  annotations: objects.map((object, k) => ({ id: k + 1, image_id: k === 3 ? 2 : 1, category_id: 4, iscrowd: 0, ...object })),
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-eval-'));
  model = await writeTestModel(at('three.onnx'));
  await mkdir(at('images'));
  for (const name of ['a.png', 'b.png'])
    await sharp({ create: { width: 640, height: 640, channels: 3, background: '#446688' } })
      .png()
      .toFile(at(`images/${name}`));
  await writeFile(at('annotations.json'), JSON.stringify(annotations));
});
afterAll(() => rm(directory, { recursive: true }));

const coco = (...more: string[]) =>
  fastsamdHere('eval', 'coco', '--images', at('images'), '--annotations', at('annotations.json'), '--model', model, ...more);
const report = async (name: string) => reportSchema.parse(JSON.parse(await readFile(at(name), 'utf8')));

describe('fastsamd eval coco', () => {
  it('scores a model, and its results file scores the same without the model', async () => {
    const { code, stdout, stderr } = await coco(
      ...['--classes', 'agnostic', '--iou-type', 'segm,bbox', '--bootstrap', '40', '--out', at('a'), '--results', at('found.json')],
      ...['--per-image', at('pictures.csv'), '--worst', '1'],
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = ');
    expect((await readdir(at('a'))).sort()).toEqual(['01-b.jpg', 'report.json']);
    expect(stdout).toMatch(/a\/01-b\.jpg: AP 0\.000, AR 0\.000\n$/);
    expect((await readFile(at('pictures.csv'), 'utf8')).trim().split('\n')).toHaveLength(3);

    const scored = await report('a/report.json');
    expect(scored.model).toMatchObject({ backend: 'onnxruntime', input: [320, 320] });
    expect(scored.settings.snapToBorder).toBe(0);
    const value = (name: string) => scored.figures.find((figure) => figure.name === name)!.value;
    // Three of four objects are found, at every threshold up to the fit of the mask.
    expect(value('segm/AR@100')).toBeGreaterThan(0.5);
    expect(value('segm/AR@100')).toBeLessThanOrEqual(0.75);

    for (const iouType of ['segm', 'bbox']) {
      const again = await fastsamd(
        ...['eval', 'score', 'coco', '--annotations', at('annotations.json'), '--results', at(`found.${iouType}.json`)],
        ...['--classes', 'agnostic', '--iou-type', iouType, '--bootstrap', '40', '--json'],
      );
      const { figures } = reportSchema.parse(JSON.parse(again.stdout));
      for (const figure of figures) expect(figure.value, figure.name).toBe(value(figure.name));
    }

    const same = await fastsamdHere('eval', 'diff', at('a/report.json'), at('a/report.json'));
    expect(same.stdout).toMatch(/segm\/AR@100 +(\S+) → +\1 +\+0\.0 ± 0\.0 {2}within chance/);
  });

  it('works without --model, with the model in the box, and the report names that file', async () => {
    const inBox = await readFile(new URL('../../models/demo.onnx', import.meta.url));
    await mkdir(at('no-models'));
    const { outcome } = startWith(
      { FASTSAMD_MODELS: at('no-models') },
      ...['eval', 'coco', '--images', at('images'), '--annotations', at('annotations.json'), '--classes', 'agnostic'],
      ...['--bootstrap', '0', '--out', at('in-box.json')],
    );
    const { code, stderr } = await outcome;
    expect(stderr).toContain('demo');
    expect(code).toBe(0);
    expect((await report('in-box.json')).model!.sha256).toBe(createHash('sha256').update(inBox).digest('hex'));
  });

  it('picks the mask of each annotated box with --prompt-boxes gt', async () => {
    const { stdout } = await coco('--classes', 'agnostic', '--prompt-boxes', 'gt', '--bootstrap', '0', '--json');
    const prompted = reportSchema.parse(JSON.parse(stdout));
    expect(prompted.settings).toMatchObject({ promptBoxes: 'gt', pick: 'mask' });
    // One detection a box: precision is the share of boxes that have an object of their own.
    expect(prompted.figures.find(({ name }) => name === 'segm/AR@10')!.value).toBeGreaterThan(0.5);
  });

  it.each([
    ['a picture that is not there', ['--images', 'MISSING'], /a\.png: no such picture, though the annotations name it/, 3],
    ['classes of a model without names', ['--classes', 'labels'], /use --classes agnostic/, 3],
    ['limits that do not ascend', ['--max-dets', '10,5,1'], /three limits that ascend/, 2],
    ['too few draws', ['--bootstrap', '3'], /at least 20 draws/, 2],
  ])('refuses %s', async (_, more, message, exit) => {
    const extra = more.map((word) => (word === 'MISSING' ? at('nowhere') : word));
    const { code, stderr } = await fastsamdHere(
      ...['eval', 'coco', '--annotations', at('annotations.json'), '--model', model, '--out', at('refused.json')],
      ...(extra.includes('--images') ? extra : ['--images', at('images'), ...extra]),
    );
    expect(stderr).toMatch(message);
    expect(code).toBe(exit);
    expect(await readdir(directory)).not.toContain('refused.json');
  });
});

describe('fastsamd eval score', () => {
  const found = { image_id: 1, category_id: 4, score: 0.5, bbox: [80, 80, 160, 160] };
  it.each<[string, object, unknown, RegExp]>([
    ['an annotation without a picture', { images: [] }, [found], /annotation 1 is of image 1, which the file does not list/],
    ['pictures without annotations', { annotations: [] }, [found], /no annotations in it/],
    ['an annotation of no category', { categories: [{ id: 9, name: 'x' }] }, [found], /category 4, which the file does not list/],
    ['results of another data set', {}, [{ ...found, image_id: 77 }], /result 0 is of image 77.*another data set\?/],
    ['a category that does not exist', {}, [{ ...found, category_id: 5 }], /result 0 has category 5/],
    ['a score that is no number', {}, '[{"image_id":1,"category_id":4,"score":NaN,"bbox":[1,2,3,4]}]', /JSON has no NaN/],
    [
      'a score beyond all numbers',
      {},
      '[{"image_id":1,"category_id":4,"score":1e999,"bbox":[1,2,3,4]}]',
      /expected a finite score, got Inf/,
    ],
    ['results that are no list', {}, { annotations: [] }, /expected COCO results, a list of/],
    [
      'run lengths that do not fill the picture',
      {},
      [{ ...found, bbox: undefined, segmentation: { size: [640, 640], counts: '05T3' } }],
      /a result of image 1: /,
    ],
    [
      'a crowd whose run lengths go beyond the picture',
      { annotations: [{ ...annotations.annotations[0], iscrowd: 1, segmentation: { size: [640, 640], counts: [0, 409_601] } }] },
      [found],
      /annotation 1: run length 1 is 409601: beyond the picture/,
    ],
    ['a result without a shape', {}, [{ ...found, bbox: undefined }], /result 0 has neither bbox nor segmentation/],
    [
      'a mask of another size',
      {},
      [{ ...found, bbox: undefined, segmentation: { size: [10, 10], counts: '05T3' } }],
      /its mask is 10x10, its picture 640x640/,
    ],
  ])('refuses %s', async (name, change, results, message) => {
    const file = at(`${name.replaceAll(' ', '-')}.json`);
    await writeFile(file, JSON.stringify({ ...annotations, ...change }));
    await writeFile(`${file}.results`, typeof results === 'string' ? results : JSON.stringify(results));
    const before = await readdir(directory);
    const { code, stderr, stdout } = await fastsamdHere(
      ...['eval', 'score', 'coco', '--annotations', file, '--results', `${file}.results`],
      ...['--out', at('refused.json'), '--per-image', at('refused.csv')],
    );
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(3);
    expect(await readdir(directory)).toEqual(before);
  });

  it('neither demands a crowd nor counts what lies in it as wrong', async () => {
    const crowd = { ...annotations.annotations[1], iscrowd: 1, segmentation: { size: [640, 640], counts: [640 * 320, 640 * 320] } };
    const inCrowd = { ...found, score: 0.9, bbox: [400, 100, 50, 50] };
    await writeFile(at('crowd.json'), JSON.stringify({ ...annotations, annotations: [annotations.annotations[0], crowd] }));
    await writeFile(at('in-crowd.json'), JSON.stringify([found, inCrowd, { ...inCrowd, score: 0.8 }]));
    const { stdout } = await fastsamdHere(
      ...['eval', 'score', 'coco', '--annotations', at('crowd.json'), '--results', at('in-crowd.json'), '--bootstrap', '0', '--json'],
    );
    const { figures } = reportSchema.parse(JSON.parse(stdout));
    // The only object that counts is found exactly; two better scored detections in the crowd take nothing from its precision.
    for (const name of ['segm/AP', 'segm/AR@1', 'segm/AR@100'])
      expect(figures.find((figure) => figure.name === name)!.value, name).toBeCloseTo(name === 'segm/AR@1' ? 0 : 1, 12);
  });

  it('scores an empty list as 0 and says so', async () => {
    await writeFile(at('none.json'), '[]');
    const { code, stderr, stdout } = await fastsamdHere(
      ...['eval', 'score', 'coco', '--annotations', at('annotations.json'), '--results', at('none.json'), '--bootstrap', '0', '--json'],
    );
    expect(stderr).toMatch(/no detections in it/);
    expect(code).toBe(0);
    expect(reportSchema.parse(JSON.parse(stdout)).figures[0]).toMatchObject({ name: 'segm/AP', value: 0 });
  });
});
