/** `fastsamd eval text` on drawn pictures whose colours a small text model tells apart. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Report, reportSchema } from '../../src/eval/report.js';
import { writeClipModel } from '../helpers/clip-model.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { COLOURS, type Colour } from '../helpers/parts.js';

/** The rectangles that the test model finds in a picture of 320×320: x, y, width, height. */
const PLACES = [
  [40, 40, 80, 80],
  [170, 70, 100, 60],
  [60, 230, 200, 40],
] as const;
const NAMES: readonly Colour[] = ['red', 'blue', 'green'];
const PICTURES: readonly (readonly [Colour, Colour, Colour])[] = [
  ['red', 'blue', 'red'],
  ['blue', 'blue', 'blue'],
];

let directory = '';
let clip = '';
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-eval-text-'));
  clip = await writeClipModel(at('clip'));
  await writeTestModel(at('three.onnx'));
  await mkdir(at('images'));
  for (const [k, colours] of PICTURES.entries()) {
    const parts = PLACES.map(([left, top, width, height], place) => {
      const [r, g, b] = COLOURS[colours[place]!];
      return { input: { create: { width, height, channels: 3 as const, background: { r, g, b } } }, left, top };
    });
    await sharp({ create: { width: 320, height: 320, channels: 3, background: '#808080' } })
      .composite(parts)
      .png()
      .toFile(at(`images/${k}.png`));
  }
  await writeFile(at('annotations.json'), JSON.stringify(annotations()));
});
afterAll(() => rm(directory, { recursive: true }));

function annotations() {
  const objects = PICTURES.flatMap((colours, image_id) =>
    PLACES.map(([x, y, width, height], place) => ({
      image_id,
      category_id: NAMES.indexOf(colours[place]!) + 1,
      iscrowd: 0,
      bbox: [x, y, width, height],
      area: width * height,
      segmentation: [[x, y, x + width, y, x + width, y + height, x, y + height]],
    })),
  );
  return {
    images: PICTURES.map((_, id) => ({ id, width: 320, height: 320, file_name: `${id}.png` })),
    categories: NAMES.map((name, k) => ({ id: k + 1, name })),
    annotations: objects.map((object, k) => ({ id: k + 1, ...object })),
  };
}

const run = (textModel: string, ...more: string[]) =>
  fastsamdHere(
    ...['eval', 'text', '--images', at('images'), '--annotations', at('annotations.json'), '--model', at('three.onnx')],
    ...['--text-model', textModel, '--template', 'a {} part', '--bootstrap', '20', ...more],
  );
const figuresOf = (report: Report) => Object.fromEntries(report.figures.map(({ name, value }) => [name, value]));

describe('fastsamd eval text', { timeout: 120_000 }, () => {
  it('finds each name where its objects are, and nothing where they are not', async () => {
    const { code, stdout, stderr } = await run(clip, '--worst', '1', '--out', at('report'), '--per-image', at('table.csv'));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const report = reportSchema.parse(JSON.parse(await readFile(at('report/report.json'), 'utf8')));
    expect(report).toMatchObject({ task: 'text', data: { pictures: 2, objects: 6 }, bootstrap: { draws: 20 } });
    const figures = figuresOf(report);
    // The test model's masks are its rectangles, but for the border that the prototypes leave.
    expect(figures.IoU).toBeGreaterThan(0.9);
    expect(figures['found@50']).toBe(1);
    expect(figures['false-match']).toBe(0);
    expect(figures['segm/AP50']).toBeCloseTo(1, 6);
    expect(stdout).toMatch(/wrote \S+\/report\/01-0\.jpg: 2 names, IoU 1\.000, 0 matched that are not there\n$/);
    expect(stdout).toMatch(/found@50 +1\.0000/);
    const rows = (await readFile(at('table.csv'), 'utf8')).trim().split('\n');
    expect(rows[0]).toBe('file,name,present,matches,IoU');
    expect(rows.slice(1).map((row) => row.split(',').slice(0, 4).join(','))).toEqual([
      '"0.png","red",1,2',
      '"0.png","blue",1,1',
      '"1.png","blue",1,3',
    ]);
  });

  it('counts what matches a name whose objects are not there', async () => {
    const { code, stdout, stderr } = await run(clip, '--text-threshold=-1', '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    // Everything matches everything: green twice and red once are not there.
    expect(figuresOf(reportSchema.parse(JSON.parse(stdout)))).toMatchObject({ 'false-match': 1, 'found@50': 1 });
  });

  it('names what is missing', async () => {
    const { code, stderr } = await run(at('none'));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/none.*text_model\.onnx|text_model\.onnx.*none/);
  });
});
