/** model convert: what the written files are, and that they find what the float32 model finds. */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NativeFrame, native } from '../../src/addon/addon.js';
import { convertModel, writeModel } from '../../src/engine/convert/convert.js';
import { Histogram } from '../../src/engine/convert/histogram.js';
import { anatomyOf, convolutionWeights, GraphIndex } from '../../src/model/convert/anatomy.js';
import { readModel } from '../../src/model/onnx.js';
import { attributeOf, DATA_TYPE, decodeModel, encodeModel, floatTensor, type OnnxModel, valueInfo } from '../../src/model/onnx-proto.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';
import { modelOf, testModel } from '../helpers/onnx-model.js';

const demo = new URL('../../models/demo.onnx', import.meta.url).pathname;
const shared = new URL('../../../shared/', import.meta.url).pathname;
let directory = '';
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-convert-'));
  await mkdir(at('pictures'));
  const source = await openSource('test:conveyor?width=640&height=640&frames=4&realtime=false');
  for await (const frame of source) {
    using held = frame;
    const { width, height } = held;
    const rgb = await native().toRgb(held.pixels as NativeFrame);
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(at(`pictures/${held.sequence}.png`));
  }
  await source.stop();
  await mkdir(at('empty'));
  await writeFile(at('empty/notes.txt'), 'no picture');
}, 60_000);
afterAll(() => rm(directory, { recursive: true }));

/** Operators by how many there are. */
function countsOf({ graph }: OnnxModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of graph!.node!) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

/** Every name that is read is written before, once. */
function expectSorted({ graph }: OnnxModel): void {
  const known = new Set(['', ...graph!.input!.map(({ name }) => name), ...graph!.initializer!.map(({ name }) => name)]);
  for (const { name, input = [], output } of graph!.node!) {
    for (const each of input) expect(known, `${each} of ${name}`).toContain(each);
    for (const each of output) {
      expect(known, each).not.toContain(each);
      known.add(each);
    }
  }
  for (const { name } of graph!.output!) expect(known).toContain(name);
}

const verify = async (file: string, against: string, images: string, conf = '0.4') => {
  const { stdout, stderr, code } = await fastsamd(
    'model',
    'verify',
    file,
    '--against',
    against,
    '--images',
    images,
    '--conf',
    conf,
    '--json',
  );
  if (code !== 0 && code !== 1) throw new Error(stderr);
  return JSON.parse(stdout) as { verdict: string; agreement: number; maskIou: number; perImage: unknown[]; shortcomings: string[] };
};

describe('float16', () => {
  it('is strongly typed, with float32 inputs, outputs and box decoding, and finds the same', { timeout: 120_000 }, async () => {
    const { model } = await convertModel(demo, { precision: 'fp16' });
    expectSorted(model);
    const graph = new GraphIndex(model.graph!);
    const { body } = anatomyOf(model);
    const weights = [...body].flatMap((node) => convolutionWeights(graph, node) ?? []);
    expect(weights.length).toBe(68);
    expect(new Set(weights.map(({ dataType }) => dataType))).toEqual(new Set([DATA_TYPE.float16]));
    for (const { type } of [...model.graph!.input!, ...model.graph!.output!]) expect(type?.tensorType?.elemType).toBe(DATA_TYPE.float);
    // One cast of the picture; casts back for the three levels of boxes, scores and coefficients, and for the proto masks.
    expect(countsOf(model).Cast).toBe(11);
    const after = new GraphIndex(model.graph!);
    for (const node of model.graph!.node!.filter(({ opType }) => ['Softplus', 'Sub'].includes(opType))) {
      for (const name of node.input!) expect(after.constants.get(name)?.dataType ?? DATA_TYPE.float).toBe(DATA_TYPE.float);
    }
    await writeModel(at('demo.fp16.onnx'), model);
    const { verdict, agreement, maskIou } = await verify(at('demo.fp16.onnx'), demo, at('pictures'));
    expect({ verdict, agreement }).toEqual({ verdict: 'pass', agreement: 1 });
    expect(maskIou).toBeGreaterThanOrEqual(0.995);
  });

  it.skipIf(!existsSync(`${shared}models`))('finds the same on photos (needs ../shared)', { timeout: 240_000 }, async () => {
    const model = `${shared}models/yolov8n-seg-agnostic-640.onnx`;
    expect((await fastsamd('model', 'convert', model, '--fp16', '-o', at('photos.fp16.onnx'))).code).toBe(0);
    const { agreement, maskIou, perImage } = await verify(at('photos.fp16.onnx'), model, `${shared}images`);
    expect(perImage.length).toBe(5);
    expect(agreement).toBe(1);
    expect(maskIou).toBeGreaterThanOrEqual(0.995);
  });
});

describe('int8', () => {
  it('has explicit pairs around whole convolutions and finds nearly the same', { timeout: 240_000 }, async () => {
    const made = await fastsamd('model', 'convert', demo, '--int8', '--calib', at('pictures'), '-o', at('demo.int8.onnx'));
    expect(made).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/wrote .*demo\.int8\.onnx: 1\.\d MB \(was 2\.7 MB\), int8, \d+ of 68/),
    });
    const model = await readModel(at('demo.int8.onnx'));
    expectSorted(model);
    const graph = new GraphIndex(model.graph!);
    for (const node of model.graph!.node!.filter(({ opType }) => opType === 'QuantizeLinear')) {
      const [, scale, zero] = node.input!.map((name) => graph.constants.get(name));
      expect([scale!.dims ?? [], zero!.dims ?? [], zero!.dataType]).toEqual([[], [], DATA_TYPE.uint8]);
      expect(Number.isFinite(new Float32Array(Uint8Array.from(scale!.rawData!).buffer)[0])).toBe(true);
      for (const { opType } of graph.after(node)) expect(opType).toBe('DequantizeLinear');
    }
    let reduced = 0;
    for (const node of model.graph!.node!.filter(({ opType }) => opType === 'Conv')) {
      const weights = graph.producer(node.input![1]!);
      if (!weights) continue;
      reduced += 1;
      expect(graph.producer(node.input![0]!)?.opType).toBe('DequantizeLinear');
      const [values, scales, zeros] = weights.input!.map((name) => graph.constants.get(name)!);
      expect(values!.dataType).toBe(DATA_TYPE.int8);
      expect(scales!.dims!.map(Number)).toEqual([Number(values!.dims![0])]);
      expect(zeros!.rawData!.every((byte) => byte === 0)).toBe(true);
      expect(new Int8Array(Uint8Array.from(values!.rawData!).buffer).every((value) => value > -128)).toBe(true);
    }
    expect(reduced).toBeGreaterThan(50);
    const { agreement, maskIou } = await verify(at('demo.int8.onnx'), demo, at('pictures'));
    expect(agreement).toBeGreaterThan(0.9);
    expect(maskIou).toBeGreaterThan(0.9);
  });
});

describe('model convert refuses', () => {
  const convertOf = async (name: string, bytes: Uint8Array, ...args: string[]) => {
    await writeFile(at(name), bytes);
    return fastsamd('model', 'convert', at(name), ...args, '-o', at('never.onnx'));
  };
  const node = (opType: string) => ({ opType, input: ['images'], output: ['x'] });
  const graph = (opType: string) => ({
    name: 'test',
    node: [node(opType)],
    input: [valueInfo('images', [1, 3, 64, 64])],
    output: [valueInfo('x', [1, 3, 64, 64])],
  });

  it.each([
    ['a quantised model', modelOf(graph('QuantizeLinear')), ['--fp16'], 3, /is quantised already; convert the float32 model/],
    ['a model with suppression', modelOf(graph('NonMaxSuppression')), ['--fp16'], 3, /non-maximum suppression built in.*nms=False/],
    ['a model without convolutions', testModel(), ['--fp16'], 3, /has no convolutions/],
    ['a folder without pictures', testModel(), ['--int8', '--calib', 'EMPTY'], 3, /no pictures to calibrate with/],
    ['int8 without pictures', testModel(), ['--int8'], 2, /--int8 and --calib DIR go together/],
    ['no precision', testModel(), [], 2, /expected one of --fp16 and --int8/],
    ['what is no model', Buffer.from('text'), ['--fp16'], 3, /not an ONNX model/],
  ])('%s', async (_, bytes, args, code, message) => {
    const words = args.map((word) => (word === 'EMPTY' ? at('empty') : word));
    const outcome = await convertOf('refused.onnx', bytes, ...words);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
    expect(existsSync(at('never.onnx'))).toBe(false);
  });

  it('a float16 model', { timeout: 60_000 }, async () => {
    if (!existsSync(at('demo.fp16.onnx'))) await writeModel(at('demo.fp16.onnx'), (await convertModel(demo, { precision: 'fp16' })).model);
    await copyFile(at('demo.fp16.onnx'), at('half.onnx'));
    await expect(convertModel(at('half.onnx'), { precision: 'fp16' })).rejects.toThrow(/computes in float16 already/);
  });
});

it('a model that is read and written keeps every byte of meaning', async () => {
  const model = decodeModel(testModel({ hangs: 'always', metadata: { names: "{0: 'a'}" } }));
  expect(decodeModel(encodeModel(model))).toEqual(model);
  const most = { ...attributeOf('ends', 0), i: '9223372036854775807' };
  const big: OnnxModel = {
    irVersion: '8',
    graph: { node: [{ opType: 'X', output: ['x'], attribute: [most] }], initializer: [floatTensor('w', [2], Float32Array.of(1, -0.5))] },
  };
  expect(decodeModel(encodeModel(big)).graph?.node?.[0]?.attribute?.[0]).toMatchObject({ i: '9223372036854775807' });
});

it('the measured range holds all values but the rarest, whatever order they come in', () => {
  const values = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, values, (a, b) => {
      const [one, other] = [new Histogram(), new Histogram()];
      for (const part of [a, b]) one.add(Float32Array.from(part));
      for (const part of [b, a]) other.add(Float32Array.from(part));
      const { low, high } = one.range();
      const all = [0, ...a, ...b];
      // Fewer than 100,000 values: none is rare enough to be left out. The bins are 1/2048 of the largest value or less.
      const bin = Math.max(...all.map(Math.abs)) / 2048;
      expect(Math.abs(low - Math.min(...all))).toBeLessThanOrEqual(bin);
      expect(Math.abs(high - Math.max(...all))).toBeLessThanOrEqual(bin);
      expect(Math.abs(other.range().low - low)).toBeLessThanOrEqual(bin);
      expect(Math.abs(other.range().high - high)).toBeLessThanOrEqual(bin);
    }),
  );
  const outlier = new Histogram();
  outlier.add(new Float32Array(200_000).fill(1));
  outlier.add(Float32Array.of(500));
  expect(outlier.range().high).toBeLessThan(2);
  expect(() => outlier.add(Float32Array.of(Number.POSITIVE_INFINITY))).toThrow(/infinite/);
});
