/**
 * The whole addon with TensorRT, on stand-ins of TensorRT and the CUDA runtime: no GPU. "make check-tensorrt" builds the
 * package that this uses, because it needs NVIDIA's headers.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { NativeAddon } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import { THREE_OBJECTS, writeTestModel } from '../helpers/onnx-model.js';
import { fastsamd, hasStandin, type Outcome, standin } from './package.js';
import { playbackOf, type Recording, rectangles, writePlayback } from './playback.js';

const shared = new URL('../../../shared/', import.meta.url).pathname;
// Every command starts a node of its own, a build two.
vi.setConfig({ testTimeout: 240_000 });
const MODEL = { width: 320, height: 320, classes: 1 };

describe.skipIf(!hasStandin)('TensorRT on stand-ins (needs "make check-tensorrt")', () => {
  let directory = '';
  let addon: NativeAddon;
  const at = (name: string) => join(directory, name);
  const faults = (text: string) => {
    process.env.FASTSAMD_STANDIN_FAULTS = text;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fastsamd-tensorrt-'));
    const { native } = (await import(join(standin, 'dist/addon/addon.js'))) as typeof import('../../src/addon/addon.js');
    addon = native();
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#777' } })
      .png()
      .toFile(at('grey.png'));
  });
  afterEach(() => faults(''));
  afterAll(() => rm(directory, { recursive: true }));

  const engineFile = (name = 'three.engine') => writePlayback(at(name), MODEL, [rectangles(320, 320, THREE_OBJECTS)]);
  const frameOf = (width: number, height: number): NativeFrame =>
    addon.createFrame(new Uint8Array(width * height * 3).fill(90), { width, height, format: 'rgb' });
  const OPTIONS = { conf: 0.4, iou: 0.9, maxDet: 300, snapToBorder: 0 };
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'fine',
      (error: { code?: string }) => error.code,
    );

  /** What the network answers to these pictures, by onnxruntime itself. */
  async function recordingsOf(model: string, pictures: readonly string[], width: number, height: number): Promise<Recording[]> {
    const session = await ort.InferenceSession.create(model);
    const recordings: Recording[] = [];
    for (const picture of pictures) {
      const { data, info } = await sharp(picture).rotate().toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const input = new Float32Array(3 * width * height);
      await addon.letterbox(addon.createFrame(data, { width: info.width, height: info.height, format: 'rgb' }), input, width, height);
      const outputs = Object.values(
        await session.run({ [session.inputNames[0]!]: new ort.Tensor('float32', input, [1, 3, height, width]) }),
      );
      const ofRank = (rank: number) => outputs.find(({ dims }) => dims.length === rank)!.data as Float32Array;
      recordings.push({ input, detections: ofRank(3), proto: ofRank(4) });
    }
    await session.release();
    return recordings;
  }

  const resultsOf = ({ stdout }: Outcome) =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { objects: unknown[] });

  it.skipIf(!existsSync(`${shared}models`))(
    'segment gives the results of onnxruntime when the stand-in plays back its raw outputs (needs ../shared)',
    async () => {
      const pictures = (await readdir(`${shared}images`)).filter((name) => /\.jpe?g$/.test(name)).slice(0, 3);
      const paths = pictures.map((name) => `${shared}images/${name}`);
      const model = at('real.onnx');
      await copyFile(`${shared}models/yolov8n-seg-agnostic-640.onnx`, model);
      await mkdir(at('pictures'));
      for (const path of paths) await copyFile(path, at(`pictures/${basename(path)}`));
      const plan = writePlayback(at('real.plan'), { width: 640, height: 640, classes: 1 }, await recordingsOf(model, paths, 640, 640));
      const args = ['segment', ...paths, '--model', model, '--conf', '0.1', '--json'];
      // The stand-in answers these pictures alone, so the engine is verified on them.
      const built = await fastsamd(['engine', 'build', model, '--calib', at('pictures')], { FASTSAMD_STANDIN_PLAN: plan });
      expect(built.stdout).toMatch(/wrote .*real\.fp16\.engine: .* verification: pass/);
      const expected = await fastsamd([...args, '--backend', 'onnxruntime']);
      const got = await fastsamd([...args, '--backend', 'tensorrt'], { FASTSAMD_STANDIN_PLAN: plan });
      expect([expected.code, got.code]).toEqual([0, 0]);
      const [a, b] = [resultsOf(got), resultsOf(expected)];
      expect(b.flatMap(({ objects }) => objects).length).toBeGreaterThan(10);
      expect(a.map(({ objects }) => objects)).toEqual(b.map(({ objects }) => objects));
    },
    240_000,
  );

  it('finds the objects, many calls at once, in the order of the calls', async () => {
    const { contexts, graph, inputWidth } = await addon.tensorrt!.load(engineFile(), 2, -1);
    expect({ graph, inputWidth, contexts: contexts.length }).toEqual({ graph: true, inputWidth: 320, contexts: 2 });
    const frame = frameOf(640, 640);
    const done: number[] = [];
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, k) => {
        const result = await contexts[k % 2]!.segment(frame, OPTIONS);
        if (k % 2 === 0) done.push(k);
        return result;
      }),
    );
    for (const { segments } of results) {
      expect([...segments.boxes.subarray(0, 4)]).toEqual([80, 80, 240, 240]);
      expect([...segments.areas]).toEqual([160 * 160, 200 * 120, 400 * 80]);
    }
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(await contexts[0]!.measure(5)).toHaveLength(5);
    await Promise.all(contexts.map((context) => context.dispose()));
  });

  it('finishes what is in flight when disposed of, and refuses more', async () => {
    const { contexts } = await addon.tensorrt!.load(engineFile(), 1, -1);
    const context = contexts[0]!;
    const frame = frameOf(320, 320);
    const inFlight = Array.from({ length: 8 }, () => context.segment(frame, OPTIONS));
    frame.release();
    const disposed = context.dispose();
    expect((await Promise.all(inFlight)).map(({ segments }) => segments.count)).toEqual(Array(8).fill(3));
    await disposed;
    await context.dispose();
    expect(await codeOf(context.segment(frameOf(32, 32), OPTIONS))).toBe('MISUSE');
    expect(await codeOf(context.measure(1))).toBe('MISUSE');
  });

  it('gives every failure its code', async () => {
    const path = engineFile();
    const tensorrt = addon.tensorrt!;
    for (const [fault, code] of [
      ['cudaGetDevice:1:100', 'ENGINE_UNAVAILABLE'],
      ['createInferRuntime', 'ENGINE_UNAVAILABLE'],
      ['deserializeCudaEngine:1:1', 'ENGINE_STALE'],
      ['deserializeCudaEngine:1:2', 'OUT_OF_MEMORY'],
      ['createExecutionContext:1:1', 'ENGINE_FAILED'],
      ['createExecutionContext:2:1', 'ENGINE_FAILED'],
      ['cudaMalloc:3:2', 'OUT_OF_MEMORY'],
      ['cudaHostAlloc:9:2', 'OUT_OF_MEMORY'],
      ['enqueueV3:1:1', 'ENGINE_FAILED'],
    ] as const) {
      faults(fault);
      expect([fault, await codeOf(tensorrt.load(path, 2, -1))]).toEqual([fault, code]);
      faults('');
    }
    await writeFile(at('short.engine'), 'FSPB');
    expect(await codeOf(tensorrt.load(at('short.engine'), 1, -1))).toBe('ENGINE_CORRUPT');
    await writeFile(at('other.engine'), playbackOf({ ...MODEL, tensorrtVersion: 1 }, []));
    expect(await codeOf(tensorrt.load(at('other.engine'), 1, -1))).toBe('ENGINE_STALE');
    expect(await codeOf(tensorrt.load(path, 0, -1))).toBe('MISUSE');

    const { contexts } = await tensorrt.load(path, 1, -1);
    faults('cudaEventSynchronize:1:2');
    expect(await codeOf(contexts[0]!.segment(frameOf(64, 64), OPTIONS))).toBe('OUT_OF_MEMORY');
    faults('');
    expect(await codeOf(contexts[0]!.segment(frameOf(64, 64), OPTIONS))).toBe('fine');
    expect(await codeOf(contexts[0]!.segment(frameOf(64, 64), { ...OPTIONS, conf: 2 }))).toBe('MISUSE');
    await contexts[0]!.dispose();
  });

  it('a lost GPU ends a command with its reason', async () => {
    const picture = at('grey.png');
    const lost = await fastsamd(['segment', picture, '--model', engineFile()], { FASTSAMD_STANDIN_FAULTS: 'cudaGraphLaunch:1:700' });
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/the GPU is lost to this process/);
  });

  describe('engine files', () => {
    let model = '';
    let plan = '';
    beforeAll(async () => {
      model = await writeTestModel(at('model.onnx'), { convolution: true });
      plan = engineFile('model.plan');
      await mkdir(at('calibration'));
      await copyFile(at('grey.png'), at('calibration/grey.png'));
    });
    const build = (args: readonly string[] = [], env: Record<string, string> = {}) =>
      fastsamd(['engine', 'build', model, ...args], { FASTSAMD_STANDIN_PLAN: plan, ...env });
    const engine = () => at('model.fp16.engine');
    const segment = (env: Record<string, string> = {}) =>
      fastsamd(['segment', at('grey.png'), '--model', model, '--backend', 'tensorrt'], { FASTSAMD_STANDIN_PLAN: plan, ...env });

    it('are built with progress, described and found usable', async () => {
      const built = await build();
      expect(built).toMatchObject({ code: 0, stdout: expect.stringMatching(/wrote .*model\.fp16\.engine: .* input 320×320/) });
      expect(built.stderr).toMatch(/Building engine from network/);
      const info = await fastsamd(['engine', 'info', engine(), '--json']);
      expect(JSON.parse(info.stdout)).toMatchObject({
        usable: { yes: true },
        sidecar: { precision: 'fp16', device: 'stand-in', verification: { verdict: 'pass', agreement: 1, images: 8 } },
      });
      expect((await readdir(directory)).filter((name) => name.includes('.part'))).toEqual([]);
      const used = await segment();
      expect(used).toMatchObject({ code: 0, stdout: expect.stringMatching(/3 objects/) });
      expect(used.stderr).toBe('');
    });

    it.each<[string, () => Promise<void>, Record<string, string>, RegExp]>([
      ['another GPU', async () => {}, { FASTSAMD_STANDIN_DEVICE: 'other' }, /another GPU stand-in, now other/],
      ['a plan cut short', () => truncate(engine(), 1000), {}, /cut short or overwritten/],
      [
        'a damaged plan',
        () => readFile(engine()).then((bytes) => writeFile(engine(), bytes.fill(1, 500, 600))),
        {},
        /not the bytes that were built/,
      ],
      ['a sidecar that is no JSON', () => writeFile(`${engine()}.json`, '{'), {}, /no sidecar file that can be read/],
      ['no sidecar', () => rm(`${engine()}.json`), {}, /no sidecar file that can be read/],
      [
        'another model',
        () => writeTestModel(model, { convolution: true, metadata: { names: "{0: 'x'}" } }).then(() => undefined),
        {},
        /another model/,
      ],
    ])('are built again after %s', async (_, spoil, env, why) => {
      await build();
      await spoil();
      const used = await segment(env);
      expect(used.stderr).toMatch(why);
      expect(used).toMatchObject({ code: 0, stdout: expect.stringMatching(/3 objects/) });
    });

    it('are built again after a refusal by TensorRT itself', async () => {
      await build();
      const { openEngine } = (await import(join(standin, 'dist/engine/open.js'))) as typeof import('../../src/engine/open.js');
      process.env.FASTSAMD_STANDIN_PLAN = plan;
      faults('deserializeCudaEngine:1:1');
      const told: string[] = [];
      // The builder's process is not to inherit the fault.
      const onBuild = ({ text }: { readonly text: string }) => {
        faults('');
        told.push(text);
      };
      await (await openEngine({ model, backend: 'tensorrt', onBuild })).stop();
      delete process.env.FASTSAMD_STANDIN_PLAN;
      expect(told[0]).toMatch(/refuses this engine/);
    });

    it('stay as they were when a build fails, with the reason', async () => {
      await build();
      const before = await readFile(engine());
      for (const [fault, why] of [
        ['buildSerializedNetwork:1:2', /OutOfMemory.*--workspace/],
        ['buildSerializedNetwork:1:kill', /was killed \(SIGKILL\), and not by the kernel for want of memory/],
        ['parseFromFile', /TensorRT cannot read it/],
        ['createInferBuilder', /builder does not start/],
      ] as const) {
        const failed = await build([], { FASTSAMD_STANDIN_FAULTS: fault });
        expect(failed.code).not.toBe(0);
        expect(failed.stderr).toMatch(why);
      }
      expect(await readFile(engine())).toEqual(before);
      expect((await readdir(directory)).filter((name) => name.includes('.part'))).toEqual([]);
    });

    it('fewer bits are used only after a passed verification, which the build takes', async () => {
      const refusedOf = (file: string) => openEngine({ model: file, demandVerified: true });
      const { openEngine } = (await import(join(standin, 'dist/engine/open.js'))) as typeof import('../../src/engine/open.js');
      expect((await build(['--int8'])).stderr).toMatch(/int8 needs a folder of pictures/);
      const built = await build(['--int8', '--calib', at('calibration')]);
      expect(built.stderr).toMatch(/verified: 6 of 6 objects on 1 pictures/);
      expect(built).toMatchObject({ code: 0, stdout: expect.stringMatching(/verification: pass/) });
      const int8 = at('model.int8.engine');
      await (await refusedOf(int8)).stop();

      // One that finds something else fails, and is refused, in float16 too; "engine verify" takes the verdict again.
      plan = writePlayback(at('wrong.plan'), MODEL, [rectangles(320, 320, [{ cxcywh: [160, 160, 40, 40], score: 0.9 }])]);
      try {
        for (const [args, file, safer] of [
          [['--int8', '--calib', at('calibration')], int8, /did not pass.*use fp16/],
          [[], engine(), /did not pass.*use fp32/],
        ] as const) {
          const failed = await build(args);
          expect(failed.stdout).toMatch(/verification: fail/);
          expect(failed.stderr).toMatch(/verification failed: agreement 0\.000, expected ≥ 0\.95/);
          await expect(refusedOf(file)).rejects.toMatchObject({ code: 'ENGINE_UNVERIFIED', message: expect.stringMatching(safer) });
        }
        const warnings: string[] = [];
        await (await openEngine({ model: int8, onUnverified: (message) => warnings.push(message) })).stop();
        expect(warnings).toHaveLength(1);
        const verify = await fastsamd(['engine', 'verify', int8, '--against', model, '--images', at('grey.png')]);
        expect(verify).toMatchObject({ code: 1, stdout: expect.stringMatching(/fail: agreement 0\.000/) });
      } finally {
        plan = at('model.plan');
      }
      await build([], { FASTSAMD_STANDIN_FAULTS: '' });
      const again = await fastsamd(['engine', 'verify', int8, '--against', model, '--images', at('grey.png'), '--json'], {});
      expect(JSON.parse(again.stdout)).toMatchObject({ verdict: 'fail' });
    });

    it('are built again when the calibration pictures change', async () => {
      const wantedOf = async () => {
        const { wantedFor } = (await import(
          join(standin, 'dist/engine/tensorrt/open.js')
        )) as typeof import('../../src/engine/tensorrt/open.js');
        return (await wantedFor(model, { precision: 'int8', calibration: at('calibration') })).calibration;
      };
      const before = await wantedOf();
      await copyFile(at('grey.png'), at('calibration/another.png'));
      expect(before).toMatch(/^[0-9a-f]{64}$/);
      expect(await wantedOf()).not.toBe(before);
      await rm(at('calibration/another.png'));
      expect(await wantedOf()).toBe(before);
    });

    it('wait for another builder of the folder, and take what it has built', async () => {
      await rm(engine());
      const [one, other] = await Promise.all([build(), build()]);
      expect([one.code, other.code]).toEqual([0, 0]);
      expect(`${one.stderr}${other.stderr}`).toMatch(/waiting for the build of process \d+/);
      const builds = `${one.stderr}${other.stderr}`.match(/Building engine from network 100|Building engine from network/g) ?? [];
      expect(builds.length).toBeGreaterThan(0);
      const info = JSON.parse((await fastsamd(['engine', 'info', engine(), '--json'])).stdout) as { usable: { yes: boolean } };
      expect(info.usable.yes).toBe(true);
    });
  });
});
