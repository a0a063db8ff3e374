import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../../src/addon/addon.js';
import { maskArea, maskOf } from '../../../src/domain/mask.js';
import { SEGMENTATION_DEFAULTS } from '../../../src/domain/segmentation.js';
import { openEngine } from '../../../src/engine/open.js';
import { captureTime, SourceFrame } from '../../../src/source/source.js';
import { classifierModel, testModel, writeTestModel } from '../../helpers/onnx-model.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-engine-'));
});
afterAll(() => rm(directory, { recursive: true }));

const at = (name: string) => join(directory, name);

function greyFrame(width: number, height: number): SourceFrame {
  const pixels = native().createFrame(new Uint8Array(width * height * 3).fill(128), { width, height, format: 'rgb' });
  return new SourceFrame(pixels, 0, captureTime(), 'grey');
}

describe('the onnxruntime engine', () => {
  it.each([true, false])('finds the objects of a network in frame coordinates, warm-up: %s', async (warmUp) => {
    const engine = await openEngine({ model: await writeTestModel(at('three.onnx')), onnxruntime: { warmUp } });
    expect(engine.model).toMatchObject({ name: 'three', backend: 'onnxruntime', inputWidth: 320, inputHeight: 320, labels: [] });
    // Twice the input's size: everything doubles.
    using frame = greyFrame(640, 640);
    const { segments, timings } = await engine.segment(frame, SEGMENTATION_DEFAULTS);
    expect(segments.count).toBe(3);
    expect([...segments.boxes.subarray(0, 4)]).toEqual([80, 80, 240, 240]);
    expect([...segments.scores].map((score) => Number(score.toFixed(2)))).toEqual([0.9, 0.8, 0.7]);
    expect([...segments.areas]).toEqual([160 * 160, 200 * 120, 400 * 80]);
    expect(maskArea(maskOf(segments, 0))).toBe(160 * 160);
    expect(Math.min(...Object.values(timings))).toBeGreaterThanOrEqual(0);
    await engine.stop();
  });

  it('loads in a program that node was given as text', async () => {
    const model = await writeTestModel(at('text.onnx'));
    const library = new URL('../../../dist/index.js', import.meta.url).href;
    const program = `import { openEngine } from ${JSON.stringify(library)};
      const engine = await openEngine({ model: ${JSON.stringify(model)}, backend: 'onnxruntime' });
      console.log(engine.model.name);
      await engine.stop();`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    expect(stdout).toBe('text\n');
  });

  it('gives the same answers with many frames in flight as with one', async () => {
    const engine = await openEngine({ model: await writeTestModel(at('many.onnx')) });
    const sizes = Array.from({ length: 24 }, (_, k) => [320 + 16 * k, 480 - 8 * k] as const);
    const alone: number[][] = [];
    for (const [width, height] of sizes) {
      using frame = greyFrame(width, height);
      alone.push([...(await engine.segment(frame, SEGMENTATION_DEFAULTS)).segments.runs]);
    }
    const together = await Promise.all(
      sizes.map(async ([width, height]) => {
        using frame = greyFrame(width, height);
        return [...(await engine.segment(frame, SEGMENTATION_DEFAULTS)).segments.runs];
      }),
    );
    expect(together).toEqual(alone);
    await engine.stop();
  });

  it('names the classes of labelled models and keeps their boxes off the border rule', async () => {
    const objects = [{ cxcywh: [160, 160, 290, 290], score: 0.9, cls: 1 }] as const;
    const metadata = { names: "{0: 'nut', 1: 'bolt', 2: 'washer'}" };
    const labelled = await openEngine({ model: await writeTestModel(at('labelled.onnx'), { classes: 3, objects, metadata }) });
    const agnostic = await openEngine({ model: await writeTestModel(at('agnostic.onnx'), { objects: [{ ...objects[0], cls: 0 }] }) });
    using frame = greyFrame(320, 320);
    const found = await labelled.segment(frame, SEGMENTATION_DEFAULTS);
    expect(labelled.model.labels).toEqual(['nut', 'bolt', 'washer']);
    expect(found.segments.classes[0]).toBe(1);
    expect([...found.segments.boxes]).toEqual([15, 15, 305, 305]);
    expect([...(await agnostic.segment(frame, SEGMENTATION_DEFAULTS)).segments.boxes]).toEqual([0, 0, 320, 320]);
    await labelled.stop();
    await agnostic.stop();
  });

  it('takes input sizes that are not square', async () => {
    const engine = await openEngine({
      model: await writeTestModel(at('wide.onnx'), { width: 320, height: 192, objects: [{ cxcywh: [160, 96, 100, 60], score: 0.9 }] }),
    });
    using frame = greyFrame(640, 384);
    const { segments } = await engine.segment(frame, SEGMENTATION_DEFAULTS);
    expect([...segments.boxes]).toEqual([220, 132, 420, 252]);
    await engine.stop();
  });

  it('returns an empty scene as a normal result', async () => {
    const engine = await openEngine({ model: await writeTestModel(at('nothing.onnx'), { objects: [] }) });
    using frame = greyFrame(100, 50);
    expect((await engine.segment(frame, SEGMENTATION_DEFAULTS)).segments).toMatchObject({ count: 0, width: 100, height: 50 });
    await engine.stop();
  });

  it('finishes what is in flight when stopped, and refuses more', async () => {
    const engine = await openEngine({ model: await writeTestModel(at('stopped.onnx')) });
    using frame = greyFrame(320, 320);
    const inFlight = Array.from({ length: 5 }, () => engine.segment(frame, SEGMENTATION_DEFAULTS));
    const stopping = engine.stop();
    expect((await Promise.all(inFlight)).map(({ segments }) => segments.count)).toEqual([3, 3, 3, 3, 3]);
    await stopping;
    await engine.stop();
    await expect(engine.segment(frame, SEGMENTATION_DEFAULTS)).rejects.toMatchObject({ code: 'MISUSE' });
  });

  it('measures the network alone', async () => {
    const engine = await openEngine({ model: await writeTestModel(at('bare.onnx')) });
    const times = await engine.measureNetwork(7);
    expect(times).toHaveLength(7);
    expect(engine.msUntilFree()).toBe(0);
    await engine.stop();
  });
});

describe('models that cannot be used', () => {
  it.each<[string, () => Promise<string>, string, RegExp]>([
    ['missing', async () => at('none.onnx'), 'MODEL_NOT_FOUND', /none\.onnx: no such file/],
    ['a directory', async () => directory, 'MODEL_NOT_FOUND', /is a directory/],
    ['text', async () => write('text.onnx', Buffer.from('hello\n'.repeat(100))), 'MODEL_CORRUPT', /text\.onnx: not an ONNX model/],
    ['cut short', async () => write('short.onnx', testModel().subarray(0, 400_000)), 'MODEL_CORRUPT', /short\.onnx/],
    ['a classifier', async () => write('classifier.onnx', classifierModel()), 'MODEL_UNSUPPORTED', /expected outputs .*scores \[1, 3\]/],
    ['a detector without masks', async () => writeTestModel(at('detector.onnx'), { rows: 5 }), 'MODEL_UNSUPPORTED', /\[1, 5, 2100\]/],
  ])('%s: a clear error', async (_, make, code, message) => {
    const model = await make();
    for (const warmUp of [true, false]) {
      const opening = openEngine({ model, onnxruntime: { warmUp } });
      await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    }
  });

  it('and a backend that is not there', async () => {
    await expect(openEngine({ model: 'any.onnx', backend: 'tensorrt' })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    const model = await writeTestModel(at('cuda.onnx'));
    await expect(openEngine({ model, onnxruntime: { providers: ['coreml'] } })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  async function write(name: string, bytes: Uint8Array): Promise<string> {
    await writeFile(at(name), bytes);
    return at(name);
  }
});
