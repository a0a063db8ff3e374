/** Text prompts on pictures of coloured parts, with an encoder that tells colours: crops, memory and answers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePrompts } from '../../src/domain/prompt.js';
import { TextStage } from '../../src/text/stage.js';
import { TextModel } from '../../src/text/text-model.js';
import { type Colour, grid, type Part } from '../helpers/parts.js';
import { hasSharedClip, SHARED_CLIP } from '../helpers/shared-clip.js';
import { answer, ask, indices, OPTIONS, type Scene, withModel } from '../helpers/text-scene.js';

/** Loading the real vocabulary takes seconds on a busy machine. */
const SLOW = { timeout: 120_000 };
const red = { type: 'text', text: 'a red part', threshold: 0.7 } as const;

describe.skipIf(!hasSharedClip)('on the toy CLIP with the real tokenizer (../shared)', () => {
  let model: TextModel;
  beforeAll(async () => {
    model = new TextModel({ options: { ...OPTIONS, model: SHARED_CLIP }, onnxruntime: { threads: 1 } });
    await model.prepare(parsePrompts([red]));
  }, 120_000);
  afterAll(() => model?.stop());

  const mixed: Colour[] = ['red', 'green', 'blue', 'red', 'white', 'black', 'yellow', 'orange', 'red'];
  const scene: Scene = { width: 320, height: 320, parts: grid(mixed, 3, 50) };

  it('finds every red part and no other, and each other colour', SLOW, async () => {
    const colours = ['red', 'green', 'blue', 'white', 'black', 'yellow', 'orange'] as const;
    const answers = await answer(model, scene, ...colours.map((colour) => ({ ...red, text: `a ${colour} part` })));
    expect(indices(answers)).toEqual(colours.map((colour) => mixed.flatMap((each, k) => (each === colour ? [k] : []))));
    for (const { matches } of answers) for (const { score, ageMs } of matches) expect([score > 0.9, ageMs]).toEqual([true, 0]);
  });

  it.each(['rgb', 'bgr', 'rgba'] as const)('tells red from blue in %s frames', SLOW, async (format) => {
    const parts = grid(['red', 'blue', 'blue', 'red'], 2, 60);
    const answers = await answer(model, { width: 240, height: 240, parts, format }, red, { ...red, text: 'blue' });
    expect(indices(answers)).toEqual([
      [0, 3],
      [1, 2],
    ]);
  });

  it('answers negatives, thresholds, the best of several, and nothing', SLOW, async () => {
    const parts = grid(['red', 'orange', 'blue'], 3, 60);
    const answers = await answer(
      model,
      { width: 360, height: 100, parts },
      { type: 'text', text: 'red', negatives: ['orange', 'blue'] },
      { type: 'text', text: 'red', negatives: ['red'], threshold: 0.6 },
      { type: 'text', text: 'orange', select: 'best', threshold: -1 },
      { type: 'text', text: 'green', threshold: 0.7 },
      { type: 'text', text: 'red', threshold: 1 },
    );
    expect(indices(answers)).toEqual([[0], [], [1], [], []]);
    // Against itself a text is as likely as not.
    expect(answers[1]!.bestScore).toBeCloseTo(0.5, 5);
    expect(answers[3]!.bestScore).toBeGreaterThan(0);
    expect(answers[3]!.bestScore).toBeLessThan(0.7);
    expect(answers[4]!.bestScore).toBeGreaterThan(0.9);
  });

  it('sees objects at the edges and corners of a wide frame, long ones, and the whole frame', SLOW, async () => {
    const parts: Part[] = [
      { colour: 'red', box: [0, 0, 30, 30] },
      { colour: 'blue', box: [610, 0, 640, 30] },
      { colour: 'red', box: [610, 90, 640, 120] },
      { colour: 'red', box: [0, 118, 560, 120] },
      { colour: 'blue', box: [300, 0, 302, 110] },
    ];
    expect(indices(await answer(model, { width: 640, height: 120, parts }, red))).toEqual([[0, 2]]);
    // A line of 2 pixels is all padding in the middle of a square crop: too thin to be told, and no crash.
    const whole: Part[] = [{ colour: 'red', box: [0, 0, 640, 120] }];
    expect(indices(await answer(model, { width: 640, height: 120, parts: whole }, { ...red, threshold: 0.2 }))).toEqual([[0]]);
  });

  it('leaves masks of 100 pixels and less out without losing count of the others', SLOW, async () => {
    const parts: Part[] = [
      { colour: 'red', box: [0, 0, 10, 10] },
      { colour: 'blue', box: [20, 0, 60, 40] },
      { colour: 'red', box: [80, 0, 85, 4] },
      { colour: 'red', box: [100, 0, 111, 10] },
    ];
    expect(indices(await answer(model, { width: 120, height: 60, parts }, red))).toEqual([[3]]);
    const tiny = await answer(model, { width: 120, height: 60, parts: parts.slice(0, 1) }, red);
    expect(tiny).toEqual([{ id: 'p1', type: 'text', matches: [] }]);
  });

  it('answers a frame without objects, and one with 300', SLOW, async () => {
    expect(await answer(model, { width: 100, height: 100, parts: [] }, red)).toEqual([{ id: 'p1', type: 'text', matches: [] }]);
    const colours = Array.from({ length: 300 }, (_, k): Colour => (k % 7 === 3 ? 'red' : 'green'));
    const many = await answer(model, { width: 800, height: 480, parts: grid(colours, 20, 16) }, red);
    expect(indices(many)).toEqual([colours.flatMap((colour, k) => (colour === 'red' ? [k] : []))]);
  });

  it('takes 100 texts of any script, and refuses one that is longer than the model reads', SLOW, async () => {
    const words = ['красная деталь', '赤い部品', 'قطعة حمراء', '🔴🧱', 'ᚱᚢᚾᛖ', 'é', '𓀀𓀁', '<|endoftext|>', 'red'];
    const prompts = Array.from({ length: 100 }, (_, k) => ({ ...red, text: `${words[k % words.length]} ${Math.floor(k / 9)}` }));
    const parts = grid(['blue', 'red'], 2, 40);
    const answers = await answer(model, { width: 160, height: 60, parts }, ...prompts);
    expect(answers).toHaveLength(100);
    for (const [k, { matches }] of answers.entries()) if (k % 9 === 8) expect(matches.map(({ index }) => index)).toEqual([1]);
    await expect(answer(model, scene, { ...red, text: '赤い部品'.repeat(40) })).rejects.toMatchObject({
      code: 'PROMPT_INVALID',
      message: expect.stringMatching(/prompt "p1".*tokens long, the text model reads 77/),
    });
  });

  it('looks at stable objects once, within the budget, and says how old each score is', SLOW, async () => {
    await withModel({ model: SHARED_CLIP, maxCropsPerFrame: 8, refresh: { iou: 0.7, area: 0.3, ageMs: 10_000 } }, async (small) => {
      const stage = new TextStage({ model: small });
      const prompts = parsePrompts([red]);
      await small.prepare(prompts);
      const colours = Array.from({ length: 50 }, (_, k): Colour => (k === 49 ? 'red' : 'green'));
      const parts = grid(colours, 10, 20);
      const crops: number[] = [];
      for (let k = 0; k < 12; k += 1) {
        const { answers, use } = await ask(small, stage, { width: 400, height: 200, parts, atMs: 40 * k }, prompts);
        crops.push(use.crops);
        expect(use.objects).toBe(50);
        const [only] = answers;
        if (k < 6) expect(only).toMatchObject({ matches: [], unscored: 50 - 8 * (k + 1) });
        else expect(only!.matches).toMatchObject([{ index: 49, ageMs: 40 * (k - 6) }]);
        expect(use.hits).toBe(k < 7 ? 8 * k : 50);
      }
      expect(crops).toEqual([8, 8, 8, 8, 8, 8, 2, 0, 0, 0, 0, 0]);
      // Another text needs no other look.
      const blue = parsePrompts([{ ...red, text: 'green', id: 'g' }]);
      await small.prepare(blue);
      const { answers, use } = await ask(small, stage, { width: 400, height: 200, parts, atMs: 480 }, blue);
      expect([answers[0]!.matches.length, use.crops]).toEqual([49, 0]);
    });
  });
});
