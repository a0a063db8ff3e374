import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/open.js';
import { halfToFloat } from '../../src/model/checkpoint/module.js';
import { toHalf } from '../../src/model/half.js';
import { importCheckpoint } from '../../src/model/import.js';
import { readModelMetadata } from '../../src/model/onnx.js';
import { P, tinyCheckpoint, type ZipEntry, zip } from '../helpers/checkpoint.js';
import { readNpy } from '../helpers/npy.js';

const SHARED = new URL('../../../shared/', import.meta.url).pathname;
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-import-'));
});
afterAll(() => rm(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

async function written(name: string, entries: readonly ZipEntry[], wide = false): Promise<string> {
  await writeFile(at(name), zip(entries, wide));
  return at(name);
}

describe.skipIf(!existsSync(SHARED))('the checkpoint with FastSAM-s’s structure, against PyTorch (needs ../shared)', () => {
  const maximum = (ours: ArrayLike<number>, golden: ArrayLike<number>, from: number, to: number) => {
    let difference = 0;
    let largest = 0;
    for (let k = from; k < to; k += 1) {
      difference = Math.max(difference, Math.abs(ours[k]! - golden[k]!));
      largest = Math.max(largest, Math.abs(golden[k]!));
    }
    return { difference, relative: difference / largest };
  };

  it.each([
    [320, 320, false],
    [192, 320, false],
    [320, 320, true],
    [192, 320, true],
  ])('%i×%i, half %s', async (height, width, half) => {
    const output = at(`random-${height}x${width}-${half}.onnx`);
    const imported = await importCheckpoint(`${SHARED}models/fastsam-s-random.pt`, output, { imageSize: [height, width], half });
    expect(imported).toMatchObject({ names: ['object'], parameters: 11_779_971 });
    const golden = async (part: string) => (await readNpy(`${SHARED}golden/fastsam-s-random.bus.${height}x${width}.${part}.npy`)).data;
    const session = await ort.InferenceSession.create(output);
    const images = new ort.Tensor('float32', await golden('input'), [1, 3, height, width]);
    const outputs = await session.run({ images });
    const anchors = (height * width * 21) / 1024;
    const [boxesAndMore, proto] = [outputs.output0!, outputs.output1!];
    expect(boxesAndMore.dims).toEqual([1, 37, anchors]);
    expect(proto.dims).toEqual([1, 32, height / 4, width / 4]);
    const [detections, masks] = [await golden('output0'), await golden('output1')];
    const found = boxesAndMore.data as Float32Array;
    const errors = {
      boxes: maximum(found, detections, 0, 4 * anchors),
      scores: maximum(found, detections, 4 * anchors, 5 * anchors),
      coefficients: maximum(found, detections, 5 * anchors, 37 * anchors),
      proto: maximum(proto.data as Float32Array, masks, 0, masks.length),
    };
    await session.release();
    process.stdout.write(
      `largest errors ${height}×${width}${half ? ' half' : ''}: ${Object.entries(errors)
        .map(([name, { difference }]) => `${name} ${difference.toExponential(1)}`)
        .join(', ')}\n`,
    );
    for (const [name, { difference, relative }] of Object.entries(errors)) {
      if (half) expect(relative, name).toBeLessThan(2e-2);
      else expect(difference, name).toBeLessThan(name === 'boxes' ? 2e-2 : 1e-4);
    }
  });
});

describe('a small checkpoint with every kind of layer', () => {
  it.each([
    ['stored', {}],
    ['deflated', { deflate: true }],
    ['of early Ultralytics', { early: true }],
    ['of one class', { classes: 1 }],
    ['with an averaged model', { ema: true }],
  ])('%s: becomes a model that the engine runs', async (name, options) => {
    const checkpoint = await written(`${name}.pt`, tinyCheckpoint(options));
    const output = at(`${name}.onnx`);
    const { names } = await importCheckpoint(checkpoint, output, { imageSize: [64, 96] });
    const classes = 'classes' in options ? 1 : 2;
    expect(names).toEqual(Array.from({ length: classes }, (_, k) => `part ${k}'s`));
    const metadata = await readModelMetadata(output);
    expect(metadata).toMatchObject({ names, imgsz: [64, 96] });
    expect(metadata.entries.get('sourceSha256')).toMatch(/^[0-9a-f]{64}$/);
    const engine = await openEngine({ model: output });
    expect(engine.model).toMatchObject({ inputWidth: 96, inputHeight: 64, labels: classes > 1 ? names : [] });
    await engine.stop();
  });

  it('is read from a zip64 file', async () => {
    const checkpoint = await written('wide.pt', tinyCheckpoint(), true);
    expect((await importCheckpoint(checkpoint, at('wide.onnx'), { imageSize: [64, 64] })).names).toHaveLength(2);
  });

  it('gives the same numbers stored or deflated, and close ones as half', async () => {
    const input = new ort.Tensor(
      'float32',
      Float32Array.from({ length: 3 * 64 * 64 }, (_, k) => (k % 251) / 251),
      [1, 3, 64, 64],
    );
    const run = async (name: string, half: boolean, deflate: boolean) => {
      const output = at(`${name}.onnx`);
      await importCheckpoint(await written(`${name}.pt`, tinyCheckpoint({ deflate })), output, { imageSize: [64, 64], half });
      const session = await ort.InferenceSession.create(output);
      const { output1 } = await session.run({ images: input });
      await session.release();
      return output1!.data as Float32Array;
    };
    const [plain, packed, half] = [await run('plain', false, false), await run('packed', false, true), await run('half', true, false)];
    expect(packed).toEqual(plain);
    const scale = Math.max(...plain.map(Math.abs));
    expect(Math.max(...plain.map((value, k) => Math.abs(value - half[k]!))) / scale).toBeLessThan(2e-2);
    expect(half).not.toEqual(plain);
  });

  it.each([
    [63, 64],
    [64, 0],
    [8192, 64],
  ])('refuses the image size %i×%i', async (height, width) => {
    const checkpoint = await written('size.pt', tinyCheckpoint());
    await expect(importCheckpoint(checkpoint, at('size.onnx'), { imageSize: [height, width] })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('leaves nothing behind when it cannot write', async () => {
    const checkpoint = await written('nowhere.pt', tinyCheckpoint());
    await expect(importCheckpoint(checkpoint, at('none/out.onnx'), { imageSize: [64, 64] })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });
});

describe('hostile and unusable files: a clear error, no output', () => {
  const pickled = (content: Buffer): ZipEntry[] => [{ name: 'x/data.pkl', content }];
  const tiny = tinyCheckpoint();
  it.each<[string, () => Buffer, string, RegExp]>([
    [
      'would call os.system',
      () => zip(pickled(P.whole(P.call(P.global('os', 'system'), P.text('touch owned'))))),
      'MODEL_UNSUPPORTED',
      /"os\.system".*refused/,
    ],
    [
      'would call posix.system',
      () => zip(pickled(P.whole(P.call(P.global('posix', 'system'), P.text('id'))))),
      'MODEL_UNSUPPORTED',
      /"posix\.system"/,
    ],
    ['names builtins eval', () => zip(pickled(P.whole(P.global('builtins', 'eval')))), 'MODEL_UNSUPPORTED', /"builtins\.eval"/],
    ['uses an unknown opcode', () => zip(pickled(Buffer.from([0x80, 2, 0x93, 0x2e]))), 'MODEL_UNSUPPORTED', /opcode 0x93/],
    ['has a pickle cut short', () => zip(pickled(tiny[0]!.content.subarray(0, 500))), 'MODEL_CORRUPT', /pickle is damaged/],
    ['is a zip cut short', () => zip(tiny).subarray(0, 5000), 'MODEL_CORRUPT', /no zip directory/],
    ['has a wrong checksum', () => zip([{ ...tiny[0]!, claims: { crc: 1 } }, ...tiny.slice(1)]), 'MODEL_CORRUPT', /wrong checksum/],
    [
      'is a zip bomb by its sizes',
      () => zip([{ name: 'x/data.pkl', content: Buffer.alloc(1000), deflate: true, claims: { bytes: 2 ** 20 } }]),
      'MODEL_CORRUPT',
      /zip bomb/,
    ],
    [
      'is a zip bomb by its content',
      () => zip([{ name: 'x/data.pkl', content: Buffer.alloc(2 ** 24), deflate: true, claims: { bytes: 1000 } }]),
      'MODEL_CORRUPT',
      /data\.pkl/,
    ],
    ['is a zip of something else', () => zip([{ name: 'readme.txt', content: Buffer.from('hello') }]), 'MODEL_CORRUPT', /no data\.pkl/],
    ['is a detection model', () => zip(tinyCheckpoint({ head: 'Detect' })), 'MODEL_UNSUPPORTED', /last layer is Detect, not Segment/],
    [
      'is a bare state dict',
      () => zip(pickled(P.whole(P.call(P.global('collections', 'OrderedDict'))))),
      'MODEL_UNSUPPORTED',
      /state dict/,
    ],
    ['has a weight that is no number', () => zip(tinyCheckpoint({ poison: true })), 'MODEL_CORRUPT', /weight: a weight is NaN/],
    ['lacks a storage', () => zip(tiny.filter(({ name }) => name !== 'tiny/data/3')), 'MODEL_CORRUPT', /data\/3" is missing/],
    [
      'has a storage too small',
      () => zip(tiny.map((entry) => (entry.name === 'tiny/data/3' ? { ...entry, content: Buffer.alloc(1) } : entry))),
      'MODEL_CORRUPT',
      /larger than its storage/,
    ],
    ['is text', () => Buffer.from('this is text\n'.repeat(100)), 'MODEL_CORRUPT', /not a whole PyTorch checkpoint/],
    ['is empty', () => Buffer.alloc(0), 'MODEL_CORRUPT', /not a whole PyTorch checkpoint/],
  ])('%s', async (name, make, code, message) => {
    const checkpoint = at('hostile.pt');
    await writeFile(checkpoint, make());
    await expect(importCheckpoint(checkpoint, at('hostile.onnx'), { imageSize: [64, 64] }), name).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect((await readdir(directory)).filter((entry) => entry.includes('hostile.onnx'))).toEqual([]);
    expect(existsSync('owned')).toBe(false);
  });

  it('is not there, or a directory', async () => {
    await expect(importCheckpoint(at('none.pt'), at('x.onnx'), { imageSize: [64, 64] })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(importCheckpoint(directory, at('x.onnx'), { imageSize: [64, 64] })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});

describe('half precision', () => {
  it('comes back as every half it was', () => {
    const finite = Array.from({ length: 0x10000 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00);
    const back = toHalf(Float32Array.from(finite, halfToFloat));
    expect([...back]).toEqual(finite);
  });

  it('rounds to the nearest, ties to even, and overflows to infinity', () => {
    expect([
      ...toHalf(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20, 65519, 65520, 2 ** -25, 2 ** -25 * 1.01, 0, -0)),
    ]).toEqual([0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 0, 1, 0, 0x8000]);
  });
});
