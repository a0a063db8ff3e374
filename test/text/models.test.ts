/** Text models of every make, and those that do not work: what they answer, and what is said. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PromptInput, parsePrompts } from '../../src/domain/prompt.js';
import { TextStage } from '../../src/text/stage.js';
import { TextModel, type TextOptions, type TextPreset } from '../../src/text/text-model.js';
import { type ClipVariant, writeClipModel } from '../helpers/clip-model.js';
import { grid } from '../helpers/parts.js';
import { answer, ask, indices, OPTIONS, type Scene, withModel } from '../helpers/text-scene.js';

/** As the toy encoders were made: a padding token that is a word elsewhere, a short context. */
const PADDED: TextPreset = { contextLength: 77, padId: 5, logitScale: 100, logitBias: 0, threshold: 0.25 };
const TOY_SIGLIP: TextPreset = { contextLength: 20, padId: 1, logitScale: 117.33, logitBias: -60, threshold: 0.1 };

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-text-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('with any text model', () => {
  const parts = grid(['red', 'blue', 'green', 'red'], 2, 40);
  const scene: Scene = { width: 160, height: 160, parts };

  it.each<[string, ClipVariant, Partial<TextOptions> & { preset?: TextPreset }]>([
    ['int64 ids', {}, {}],
    ['int32 ids and an attention mask, in a folder as on the hub', { ids: 'int32', mask: true, folder: true }, { preset: PADDED }],
    ['one picture and one text at a time', { single: true }, {}],
    [
      'the outputs, padding and sigmoid of SigLIP',
      {
        siglip: true,
        mask: true,
        preprocessor: { size: { height: 32, width: 32 }, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], resample: 3 },
      },
      { family: 'siglip', preset: TOY_SIGLIP },
    ],
    [
      'pictures that are not normalised, resized bilinearly',
      { preprocessor: { size: { shortest_edge: 32 }, crop_size: { height: 32, width: 32 }, do_normalize: false, resample: 2 } },
      { threshold: -1 },
    ],
  ])('works with %s', async (name, variant, options) => {
    const path = await writeClipModel(join(directory, name.replaceAll(/\W+/g, '-')), variant);
    await withModel({ model: path, ...options }, async (model) => {
      const best: PromptInput = { type: 'text', text: 'red', negatives: ['blue', 'green'] };
      expect(indices(await answer(model, scene, best, { ...best, text: 'blue', negatives: ['red', 'green'] }))).toEqual([[0, 3], [1]]);
      if (options.threshold === undefined) {
        const [plain] = await answer(model, scene, { type: 'text', text: 'red', threshold: options.family ? 0.5 : 0.7 });
        expect(plain!.matches.map(({ index }) => index)).toEqual([0, 3]);
      }
    });
  });

  it('makes nothing of padding: the same text has the same score in any batch', async () => {
    const path = await writeClipModel(join(directory, 'padded'), { mask: true });
    await withModel({ model: path, preset: PADDED }, async (model) => {
      const [alone] = await answer(model, scene, { type: 'text', text: 'red', threshold: -1 });
      const [first] = await answer(
        model,
        scene,
        { type: 'text', text: 'red', threshold: -1 },
        { type: 'text', text: 'a green red part part part' },
      );
      expect(first!.matches).toEqual(alone!.matches);
    });
  });

  it('does not keep frames waiting while it loads', async () => {
    const path = await writeClipModel(join(directory, 'lazy'));
    await withModel({ model: path }, async (model) => {
      const stage = new TextStage({ model });
      const prompts = parsePrompts([{ type: 'text', text: 'red', threshold: 0.7 }]);
      const early = await ask(model, stage, scene, prompts);
      expect(early.answers[0]).toMatchObject({ matches: [], reason: 'the text model is being loaded' });
      await model.prepare(prompts);
      const late = await ask(model, stage, scene, prompts);
      expect(indices(late.answers)).toEqual([[0, 3]]);
    });
  });

  it.each<[string, () => Promise<string | undefined>, RegExp]>([
    ['none is configured', async () => undefined, /text prompts need a text model.*text\.model/],
    ['the folder is empty', async () => directory, /no text_model\.onnx there/],
    ['the name is not installed', async () => 'clip-nowhere', /clip-nowhere: no such text model/],
    [
      'it is no ONNX file',
      async () => {
        const path = await writeClipModel(join(directory, 'broken'));
        await writeFile(join(path, 'vision_model.onnx'), 'not a model');
        return path;
      },
      /vision_model\.onnx: onnxruntime cannot load it/,
    ],
    [
      'text and pictures are swapped',
      async () => {
        const path = await writeClipModel(join(directory, 'swapped'));
        await rename(join(path, 'vision_model.onnx'), join(path, 'x'));
        await rename(join(path, 'text_model.onnx'), join(path, 'vision_model.onnx'));
        await rename(join(path, 'x'), join(path, 'text_model.onnx'));
        return path;
      },
      /expected (an input input_ids|one input pixel_values)/,
    ],
    [
      'its preprocessing is not one we know',
      () => writeClipModel(join(directory, 'nearest'), { preprocessor: { resample: 0 } }),
      /resample 0 is not supported/,
    ],
  ])('says what to do when %s, and frames go on', async (_, path, message) => {
    await withModel({ model: await path() }, async (model) => {
      const prompts = parsePrompts([{ type: 'text', text: 'red' }]);
      await expect(model.prepare(prompts)).rejects.toMatchObject({ code: 'TEXT_UNAVAILABLE', message: expect.stringMatching(message) });
      const stage = new TextStage({ model });
      await ask(model, stage, scene, prompts);
      await expect(model.prepare(prompts)).rejects.toMatchObject({ code: 'TEXT_UNAVAILABLE' });
      const { answers } = await ask(model, stage, scene, prompts);
      expect(answers[0]).toMatchObject({ matches: [], reason: expect.stringMatching(message) });
    });
  });

  it('keeps the last scores when the encoder fails, and says why', async () => {
    const path = await writeClipModel(join(directory, 'dying'));
    const model = new TextModel({ options: { ...OPTIONS, model: path, refresh: { ...OPTIONS.refresh, ageMs: 0 } } });
    const prompts = parsePrompts([{ type: 'text', text: 'red', threshold: 0.7 }]);
    await model.prepare(prompts);
    const stage = new TextStage({ model });
    await ask(model, stage, scene, prompts);
    await model.stop();
    const { answers } = await ask(model, stage, { ...scene, atMs: 50 }, prompts);
    expect(answers[0]).toMatchObject({ matches: [{ index: 0, ageMs: 50 }, { index: 3 }], reason: 'image encoder has been stopped' });
  });
});
