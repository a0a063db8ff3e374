/** model convert: what the written files are, and that they find what the float32 model finds. */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import type { Precision } from '../../src/domain/precision.js';
import { convertModel, writeModel } from '../../src/engine/convert/convert.js';
import { Histogram } from '../../src/engine/convert/histogram.js';
import { calibrationPictures } from '../../src/engine/convert/pictures.js';
import { precisionOf, typedModel } from '../../src/engine/convert/tensorrt.js';
import { anatomyOf, convolutionWeights, GraphIndex } from '../../src/model/convert/anatomy.js';
import { halfNotBelow, toHalf } from '../../src/model/half.js';
import { readModel } from '../../src/model/onnx.js';
import {
  attributeOf,
  DATA_TYPE,
  decodeModel,
  encodeModel,
  floatsOf,
  floatTensor,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValue,
  valueInfo,
} from '../../src/model/onnx-proto.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { modelOf, testModel } from '../helpers/onnx-model.js';

const demo = new URL('../../models/demo.onnx', import.meta.url).pathname;
const shared = new URL('../../../shared/', import.meta.url).pathname;
let directory = '';
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-convert-'));
  await mkdir(at('pictures'));
  const source = await openSource('test:conveyor?width=640&height=640&frames=2&realtime=false');
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
  const { stdout, stderr, code } = await fastsamdHere(
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
    expect((await fastsamdHere('model', 'convert', model, '--fp16', '-o', at('photos.fp16.onnx'))).code).toBe(0);
    const { agreement, maskIou, perImage } = await verify(at('photos.fp16.onnx'), model, `${shared}images`);
    expect(perImage.length).toBe(5);
    expect(agreement).toBe(1);
    expect(maskIou).toBeGreaterThanOrEqual(0.995);
  });
});

let converted: ReturnType<typeof fastsamd> | undefined;
/** "model convert" of the demo model into demo.int8.onnx, once for all tests that want the file. */
function convertDemo(): ReturnType<typeof fastsamd> {
  converted ??= fastsamd('model', 'convert', demo, '--int8', '--calib', at('pictures'), '-o', at('demo.int8.onnx'));
  return converted;
}

describe('int8', () => {
  it('has explicit pairs around whole convolutions and finds nearly the same', { timeout: 240_000 }, async () => {
    expect(await convertDemo()).toMatchObject({
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

describe('for TensorRT', () => {
  const typed = async (model: string, precision: Precision, tensorrt: string) => {
    const pictures = await calibrationPictures(at('pictures'));
    return typedModel(model, { precision, tensorrt, pictures });
  };
  /** Of the demo model for TensorRT 8; calibrated once for both tests. */
  let direct: OnnxModel;
  beforeAll(async () => {
    direct = (await typed(demo, 'int8', '8.6.1'))!;
  }, 120_000);
  const elementOf = (values: readonly { readonly type?: OnnxValue['type'] }[] = []) => values.map(({ type }) => type?.tensorType?.elemType);

  it('float16 has a picture and proto masks in float16, and detections in float32', { timeout: 120_000 }, async () => {
    const model = (await typed(demo, 'fp16', '10.3.0'))!;
    expectSorted(model);
    expect(elementOf(model.graph!.input)).toEqual([DATA_TYPE.float16]);
    const outputs = model.graph!.output!.map(({ type }) => [type!.tensorType!.shape!.dim!.length, type!.tensorType!.elemType]);
    expect(new Map(outputs as [number, number][])).toEqual(
      new Map([
        [3, DATA_TYPE.float],
        [4, DATA_TYPE.float16],
      ]),
    );
  });

  it('int8 has symmetric pairs in front of convolutions alone, in float16 from TensorRT 10 on', { timeout: 240_000 }, async () => {
    for (const [model, element] of [
      [direct, DATA_TYPE.float],
      [(await typed(demo, 'int8', '10.3.0'))!, DATA_TYPE.float16],
    ] as const) {
      expectSorted(model);
      expect(elementOf(model.graph!.input)).toEqual([element]);
      const graph = new GraphIndex(model.graph!);
      const scales: number[] = [];
      for (const node of model.graph!.node!.filter(({ opType }) => opType === 'QuantizeLinear')) {
        const [x, scale, zero] = node.input!.map((name) => graph.constants.get(name));
        expect([x, scale!.dataType, zero!.dataType, [...zero!.rawData!]]).toEqual([undefined, element, DATA_TYPE.int8, [0]]);
        scales.push(scale!.rawData!.length);
        // Between convolution and activation there is no pair: TensorRT makes one kernel of both.
        expect(graph.producer(node.input![0]!)?.opType).not.toBe('Conv');
        const [dequantise] = graph.after(node);
        expect(graph.after(dequantise!).map(({ opType }) => opType)).toContain('Conv');
      }
      expect(scales.length).toBeGreaterThan(20);
      for (const node of model.graph!.node!.filter(({ opType }) => opType === 'Conv')) {
        const weights = graph.producer(node.input![1]!);
        const whole = graph.producer(node.input![0]!)?.opType === 'DequantizeLinear';
        expect(weights?.opType === 'DequantizeLinear').toBe(whole && weights !== undefined);
        // TensorRT reads biases in floating point only.
        if (weights && node.input![2]) expect(graph.constants.get(node.input![2])?.dataType).toBe(element);
        if (node.input!.includes('images')) expect(weights).toBeUndefined();
      }
    }
  });

  it('a file for onnxruntime becomes the same network as its float32 model', { timeout: 240_000 }, async () => {
    await convertDemo();
    expect(await precisionOf(at('demo.int8.onnx'), 'fp16')).toBe('int8');
    const derived = (await typed(at('demo.int8.onnx'), 'int8', '8.6.1'))!;
    const constants = ({ graph }: OnnxModel) => new Map(graph!.initializer!.map((tensor) => [tensor.name, tensor]));
    const [a, b] = [constants(direct), constants(derived)];
    const weights = [...a.values()].filter(({ dataType, dims = [] }) => dataType === DATA_TYPE.int8 && dims.length === 4);
    expect(weights.length).toBeGreaterThan(50);
    for (const { name, rawData } of weights) expect(Buffer.compare(b.get(name)!.rawData!, rawData!), name).toBe(0);
    // The ranges went through 8 bit once: as wide, within one of 255 levels.
    for (const { name } of direct.graph!.node!.filter(({ opType }) => opType === 'QuantizeLinear')) {
      const scale = (model: Map<string, OnnxTensor>) => floatsOf(model.get(`${name!.slice(0, -2)}_scale`)!)[0]!;
      expect(Math.abs(scale(b) / scale(a) - 1), name).toBeLessThan(0.02);
    }
    // Written for TensorRT already: used as it is.
    await writeModel(at('signed.int8.onnx'), direct);
    expect(await typed(at('signed.int8.onnx'), 'int8', '8.6.1')).toBeUndefined();
    const { agreement, maskIou } = await verify(at('signed.int8.onnx'), demo, at('pictures'));
    expect(agreement).toBeGreaterThan(0.9);
    expect(maskIou).toBeGreaterThan(0.9);
  });

  it('half scales are never smaller than asked for, and halves', () => {
    // biome-ignore lint/nursery/noFloatingPromises: the property is synchronous, and so is its assertion
    fc.assert(
      fc.property(fc.double({ min: 2 ** -24, max: 60_000, noNaN: true }), (value) => {
        const half = halfNotBelow(value);
        expect(half).toBeGreaterThanOrEqual(value);
        expect(half).toBeLessThanOrEqual(Math.max(value * (1 + 2 ** -10), value + 2 ** -24));
        const [bits] = toHalf(Float32Array.of(half));
        const [exponent, mantissa] = [bits! >> 10, bits! & 0x3ff];
        expect(exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15)).toBe(half);
      }),
    );
  });
});

describe('model convert refuses', () => {
  const convertOf = async (name: string, bytes: Uint8Array, ...args: string[]) => {
    await writeFile(at(name), bytes);
    return fastsamdHere('model', 'convert', at(name), ...args, '-o', at('never.onnx'));
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
  // Megabytes of weights: toEqual takes seconds for them.
  expect(isDeepStrictEqual(decodeModel(encodeModel(model)), model)).toBe(true);
  const most = { ...attributeOf('ends', 0), i: '9223372036854775807' };
  const big: OnnxModel = {
    irVersion: '8',
    graph: { node: [{ opType: 'X', output: ['x'], attribute: [most] }], initializer: [floatTensor('w', [2], Float32Array.of(1, -0.5))] },
  };
  expect(decodeModel(encodeModel(big)).graph?.node?.[0]?.attribute?.[0]).toMatchObject({ i: '9223372036854775807' });
});

it('the measured range holds all values but the rarest, whatever order they come in', () => {
  const values = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 200 });
  // biome-ignore lint/nursery/noFloatingPromises: the property is synchronous, and so is its assertion
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
