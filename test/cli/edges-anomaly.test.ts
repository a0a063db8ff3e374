import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { decodeImage } from '../../src/addon/picture.js';
import { openEngine } from '../../src/engine/open.js';
import { attributeOf, valueInfo } from '../../src/model/onnx-proto.js';
import { captureTime, SourceFrame } from '../../src/source/source.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { modelOf, writeTestModel } from '../helpers/onnx-model.js';

/** Its blocks 4 and 6 are the mean colours of 8 × 8 and 16 × 16 pixels. */
function poolingModel(): Uint8Array {
  const pool = (input: string, output: string, side: number) => ({
    opType: 'AveragePool',
    input: [input],
    output: [output],
    attribute: [attributeOf('kernel_shape', [side, side]), attributeOf('strides', [side, side])],
  });
  return modelOf({
    name: 'taps',
    node: [
      pool('images', '/model.4/cv2/act/Mul_output_0', 8),
      pool('/model.4/cv2/act/Mul_output_0', '/model.6/cv2/act/Mul_output_0', 2),
      { opType: 'ReduceMean', input: ['/model.6/cv2/act/Mul_output_0'], output: ['output0'], attribute: [attributeOf('keepdims', 0)] },
    ],
    input: [valueInfo('images', [1, 3, 320, 320])],
    output: [valueInfo('output0', [])],
  });
}

let directory = '';
let model = '';
const at = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-maps-'));
  model = await writeTestModel(at('three.onnx'));
  await sharp({ create: { width: 320, height: 320, channels: 3, background: '#446688' } })
    .png()
    .toFile(at('a.png'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('fastsamd segment --edges', () => {
  it('writes the boundaries that the evaluation scores', async () => {
    const { code, stderr } = await fastsamd('segment', at('a.png'), '--model', model, '--edges', at('edges.png'));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const engine = await openEngine({ model });
    using frame = new SourceFrame(await decodeImage(at('a.png'), 'a.png'), 0, captureTime(), 'a.png');
    const options = { conf: 0.4, iou: 0.9, maxDet: 300, snapToBorder: 'auto', edges: { boundaryOnly: true, byScore: true } } as const;
    const { edges } = await engine.segment(frame, options);
    await engine.stop();
    const crests = await native().edgeCrests(edges!, 320, 320);
    const { data, info } = await sharp(at('edges.png')).raw().toBuffer({ resolveWithObject: true });
    const written = data.filter((_, k) => k % info.channels === 0);
    expect(Buffer.compare(written, Buffer.from(crests))).toBe(0);
  });

  it('writes a picture per frame into a folder', async () => {
    await fastsamdHere('segment', at('a.png'), at('a.png'), '--model', model, '--edges', at('folder'));
    expect((await readdir(at('folder'))).sort()).toEqual(['a-2.png', 'a.png']);
  });

  it('refuses one file for two frames, the input, and tiles', async () => {
    const two = await fastsamdHere('segment', at('a.png'), at('a.png'), '--model', model, '--edges', at('one.png'));
    expect(two.stderr).toMatch(/holds one picture/);
    expect(two.code).toBe(3);
    const same = await fastsamdHere('segment', at('a.png'), '--model', model, '--edges', at('a.png'));
    expect(same.stderr).toMatch(/is the input/);
    expect((await fastsamdHere('segment', at('a.png'), '--model', model, '--edges', at('x.png'), '--tile', '64')).code).toBe(2);
  }, 90_000);
});

describe('fastsamd segment --salient', () => {
  it('answers with the object nearest to the middle', async () => {
    const { stdout } = await fastsamdHere('segment', at('a.png'), '--model', model, '--salient', 'best', '--json');
    const [answer] = JSON.parse(stdout).prompts;
    expect(answer).toMatchObject({ type: 'salient', status: 'matched', objects: [{ id: 1 }] });
  });
});

describe('fastsamd eval saliency --worst', () => {
  it('draws first the picture whose object the model misses', async () => {
    await mkdir(at('salient'));
    await mkdir(at('salient-masks'));
    // The test model finds the same rectangles in each picture; the most salient one is at 170, 70.
    for (const [name, left, top] of [
      ['easy', 170, 70],
      ['hard', 0, 260],
    ] as const) {
      await sharp({ create: { width: 320, height: 320, channels: 3, background: '#446688' } })
        .png()
        .toFile(at(`salient/${name}.png`));
      const object = { create: { width: 100, height: 60, channels: 3 as const, background: 'white' } };
      await sharp({ create: { width: 320, height: 320, channels: 3, background: 'black' } })
        .composite([{ input: object, left, top }])
        .png()
        .toFile(at(`salient-masks/${name}.png`));
    }
    const words = ['--images', at('salient'), '--masks', at('salient-masks'), '--model', model, '--bootstrap', '0'];
    const { code, stdout, stderr } = await fastsamdHere('eval', 'saliency', ...words, '--worst', '2', '--out', at('scored-saliency'));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect((await readdir(at('scored-saliency'))).sort()).toEqual(['01-hard.jpg', '02-easy.jpg', 'report.json']);
    expect(stdout).toMatch(/01-hard\.jpg: MAE 0\.\d+, weighted F 0\.\d+\n/);
    const { width, height } = await sharp(at('scored-saliency/01-hard.jpg')).metadata();
    expect([width, height]).toEqual([2 * 320 + 8, 320]);
  }, 30_000);
});

const DRAWN = new URL('../../../shared/eval/bsds/train/', import.meta.url).pathname;
describe.skipIf(!existsSync(DRAWN))('fastsamd eval edges --worst', () => {
  it('draws the pictures with the lowest F, the lowest first', async () => {
    await mkdir(at('drawn'));
    for (const name of ['100098', '12003'])
      for (const ending of ['jpg', 'mat']) await cp(`${DRAWN}${name}.${ending}`, at(`drawn/${name}.${ending}`));
    const words = ['--images', at('drawn'), '--ground-truth', at('drawn'), '--model', model, '--bootstrap', '0', '--thresholds', '5'];
    const { code, stdout, stderr } = await fastsamdHere('eval', 'edges', ...words, '--worst', '2', '--out', at('scored-edges'));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect((await readdir(at('scored-edges'))).filter((name) => /^0[12]-\d+\.jpg$/.test(name))).toHaveLength(2);
    const [first, second] = [...stdout.matchAll(/jpg: F (\d\.\d+)/g)].map(([, f]) => Number(f));
    expect(first).toBeLessThanOrEqual(second!);
  }, 30_000);
});

describe('fastsamd eval anomaly', () => {
  beforeAll(async () => {
    const noise = (k: number) =>
      sharp({ create: { width: 64, height: 48, channels: 3, background: { r: 100 + 2 * (k % 3), g: 100, b: 100 } } }).png();
    for (const folder of ['train', 'test/good', 'test/spot', 'masks/spot', 'maps/good', 'maps/spot'])
      await mkdir(at(folder), { recursive: true });
    const spot = await sharp({ create: { width: 10, height: 8, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    for (let k = 0; k < 4; k += 1) {
      await noise(k).toFile(at(`train/${k}.png`));
      await noise(k).toFile(at(`test/good/${k}.png`));
      const place = { input: spot, left: 12 * k, top: 6 * k };
      await sharp(await noise(k).toBuffer())
        .composite([place])
        .toFile(at(`test/spot/${k}.png`));
      await sharp({ create: { width: 64, height: 48, channels: 3, background: 'black' } })
        .composite([place])
        .png()
        .toFile(at(`masks/spot/${k}_mask.png`));
    }
  });
  const test = () => ['--test', at('test'), '--masks', at('masks'), '--bootstrap', '0'];

  it('has a baseline that finds what is plain to see, and scores its maps alike', async () => {
    const words = ['--train', at('train'), ...test(), '--maps', at('maps'), '--worst', '1', '--out', at('scored'), '--json'];
    const { code, stdout, stderr } = await fastsamdHere('eval', 'anomaly', ...words);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { figures } = JSON.parse(stdout);
    const value = (name: string) => figures.find((figure: { name: string }) => figure.name === name).value;
    expect(value('image AUROC')).toBe(1);
    expect(value('pixel AUROC')).toBeGreaterThan(0.98);
    expect(value('AUPRO@0.3')).toBeGreaterThan(0.9);
    expect((await readdir(at('scored'))).sort()).toEqual([expect.stringMatching(/^01-(good|spot)-\d\.jpg$/), 'report.json']);
    const again = await fastsamdHere('eval', 'score', 'anomaly', '--results', at('maps'), ...test(), '--json');
    expect(JSON.parse(again.stdout).figures).toEqual(figures);
  }, 90_000);

  it('compares patches of a network with those of good pictures', async () => {
    await writeFile(at('taps.onnx'), poolingModel());
    const patches = ['--model', at('taps.onnx'), '--image-score', 'top'];
    const { code, stdout, stderr } = await fastsamdHere('eval', 'anomaly', '--train', at('train'), ...test(), ...patches, '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { figures, settings } = JSON.parse(stdout);
    expect(settings).toMatchObject({ method: 'patch memory', trained: 4 });
    expect(Object.fromEntries(figures.map(({ name, value }: { name: string; value: number }) => [name, value]))).toMatchObject({
      'image AUROC': 1,
      'pixel AUROC': expect.closeTo(1, 1),
    });
    const untapped = await fastsamdHere('eval', 'anomaly', '--train', at('train'), ...test(), '--model', model);
    expect(untapped.stderr).toContain('no layer /model.4/…; expected a YOLOv8-seg model');
    expect(untapped.code).not.toBe(0);
  }, 90_000);

  it.each([
    ['a map that is missing', async () => rm(at('maps/spot/2.png')), /no map spot\/2\.png/],
    [
      'a map of another size',
      async () =>
        sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
          .png()
          .toFile(at('maps/spot/2.png')),
      /spot\/2: its map is 9x9/,
    ],
    ['a map that is none', async () => writeFile(at('maps/spot/2.png'), 'text'), /not a readable map/],
    ['no good pictures', async () => rm(at('test/good'), { recursive: true }), /one called "good"/],
    ['a defect without a mask', async () => rm(at('masks/spot/1_mask.png')), /no mask 1\.png/],
  ])('refuses %s', async (_, spoil, message) => {
    await spoil();
    const { code, stderr, stdout } = await fastsamdHere('eval', 'score', 'anomaly', '--results', at('maps'), ...test());
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(3);
  });
});
