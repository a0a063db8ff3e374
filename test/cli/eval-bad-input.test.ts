/** What `eval score` of each task does with files that do not fit: one line that says what to do, and nothing is written. */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';

let directory = '';
const at = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-bad-input-'));
});
afterAll(() => rm(directory, { recursive: true }));

const grey = (path: string, width = 20, height = 16) =>
  sharp({ create: { width, height, channels: 3, background: '#808080' } })
    .png()
    .toFile(path);

/** Refused with `message` on one line, and without any file. */
async function refused(message: RegExp, ...words: string[]): Promise<void> {
  const before = await readdir(directory);
  const { code, stdout, stderr } = await fastsamdHere(
    'eval',
    'score',
    ...words,
    '--out',
    at('report.json'),
    '--per-image',
    at('table.csv'),
  );
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stdout).toBe('');
  expect(code).toBe(3);
  expect(await readdir(directory)).toEqual(before);
}

describe('lvis', () => {
  const annotations = {
    images: [{ id: 1, width: 64, height: 48, file_name: 'a.png', neg_category_ids: [2], not_exhaustive_category_ids: [] }],
    categories: [
      { id: 1, name: 'cup', frequency: 'r' },
      { id: 2, name: 'bolt', frequency: 'f' },
    ],
    annotations: [{ id: 1, image_id: 1, category_id: 1, area: 100, bbox: [0, 0, 10, 10], segmentation: [[0, 0, 10, 0, 10, 10]] }],
  };
  const found = { image_id: 1, category_id: 1, score: 0.5, bbox: [0, 0, 10, 10] };
  const files = async (truth: object, results: unknown) => {
    await writeFile(at('lvis.json'), JSON.stringify(truth));
    await writeFile(at('found.json'), typeof results === 'string' ? results : JSON.stringify(results));
    return ['lvis', '--annotations', at('lvis.json'), '--results', at('found.json')] as const;
  };

  it.each<[string, object, unknown, RegExp]>([
    ['annotations without pictures', { images: [] }, [found], /annotation 1 is of image 1/],
    ['no federated fields', { images: [{ id: 1, width: 64, height: 48, file_name: 'a.png' }] }, [found], /a list of neg_category_ids/],
    ['results of another data set', {}, [found, { ...found, image_id: 7 }], /result 1 is of image 7.*another data set\?/],
    ['a category that does not exist', {}, [{ ...found, category_id: 5 }], /result 0 has category 5/],
    ['a score that is no number', {}, '[{"image_id":1,"category_id":1,"score":NaN,"bbox":[1,2,3,4]}]', /result 0: JSON has no NaN/],
  ])('refuses %s', async (_, change, results, message) => {
    await refused(message, ...(await files({ ...annotations, ...change }, results)));
  });

  it('scores an empty list as 0 and says so', async () => {
    const { code, stdout, stderr } = await fastsamd('eval', 'score', ...(await files(annotations, [])), '--bootstrap', '0', '--json');
    expect(stderr).toMatch(/no detections in it/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).figures[0]).toMatchObject({ name: 'segm/AP', value: 0 });
  });
});

describe('saliency', () => {
  const words = () => ['saliency', '--results', at('maps'), '--masks', at('masks')] as const;
  beforeAll(async () => {
    for (const folder of ['maps', 'masks', 'none']) await mkdir(at(folder));
    for (const name of ['a.png', 'b.png']) for (const folder of ['maps', 'masks']) await grey(at(`${folder}/${name}`));
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a mask without a map', () => rm(at('maps/b.png')), /maps: no result for b\.png in it/],
    ['a map of another size', () => grey(at('maps/b.png'), 8, 8), /b\.png: is 8x8, its mask 20x16/],
    ['a map that is none', () => writeFile(at('maps/b.png'), 'text'), /b\.png: not a readable picture/],
  ])('refuses %s', async (_, change, message) => {
    await change();
    await refused(message, ...words());
    await grey(at('maps/b.png'));
  });

  it('refuses folders without anything to score', async () => {
    await refused(/none: no result for a\.png in it/, 'saliency', '--results', at('none'), '--masks', at('masks'));
    await refused(/none: no ground truth in it/, 'saliency', '--results', at('maps'), '--masks', at('none'));
    await refused(/absent: cannot be read/, 'saliency', '--results', at('maps'), '--masks', at('absent'));
  });
});

describe('edges', () => {
  it.each<[string, string | undefined, RegExp]>([
    ['ground truth that is none', 'text', /a\.mat: /],
    ['a map without ground truth', undefined, /truth: no ground truth in it/],
  ])('refuses %s', async (_, text, message) => {
    await cp(at('maps'), at('edges'), { recursive: true });
    await rm(at('edges/b.png'));
    await mkdir(at('truth'), { recursive: true });
    if (text !== undefined) await writeFile(at('truth/a.mat'), text);
    else await rm(at('truth/a.mat'), { force: true });
    await refused(message, 'edges', '--results', at('edges'), '--ground-truth', at('truth'));
  });
});

describe('buildings', () => {
  const footprints = (...rings: number[][][]) => ({
    type: 'FeatureCollection',
    features: rings.map((ring) => ({ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } })),
  });
  const square = [
    [7, 50],
    [7.001, 50],
    [7.001, 50.001],
    [7, 50],
  ];
  it.each<[string, unknown, unknown, RegExp]>([
    ['truth without footprints', footprints(square), footprints(), /truth\.geojson: no footprints in it/],
    ['truth that is no GeoJSON', footprints(square), 'text', /truth\.geojson: not JSON/],
    ['results that are no GeoJSON', { type: 'Topology' }, footprints(square), /found\.geojson: /],
    ['a place that is no number', footprints([[7, 'x'] as never, ...square]), footprints(square), /found\.geojson: /],
  ])('refuses %s', async (_, results, truth, message) => {
    await writeFile(at('found.geojson'), JSON.stringify(results));
    await writeFile(at('truth.geojson'), typeof truth === 'string' ? truth : JSON.stringify(truth));
    await refused(message, 'buildings', '--results', at('found.geojson'), '--truth', at('truth.geojson'));
  });
});
