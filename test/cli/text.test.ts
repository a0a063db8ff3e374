/** Text and label prompts from the command line, as a user types them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resultMessageSchema } from '../../src/contract/result.js';
import { writeClipModel } from '../helpers/clip-model.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { COLOURS, type Colour } from '../helpers/parts.js';

/** Every command is a process that loads two or three models. */
const SLOW = { timeout: 120_000 };

let directory = '';
let clip = '';
const at = (name: string) => join(directory, name);

/** Three parts where the test model finds its three rectangles. */
async function writePicture(name: string, colours: readonly [Colour, Colour, Colour]): Promise<void> {
  const places = [
    { left: 40, top: 40, width: 80, height: 80 },
    { left: 170, top: 70, width: 100, height: 60 },
    { left: 60, top: 230, width: 200, height: 40 },
  ];
  const part = ({ left, top, width, height }: (typeof places)[number], colour: Colour) => {
    const [r, g, b] = COLOURS[colour];
    return { input: { create: { width, height, channels: 3 as const, background: { r, g, b } } }, left, top };
  };
  await sharp({ create: { width: 320, height: 320, channels: 3, background: '#808080' } })
    .composite(places.map((place, k) => part(place, colours[k]!)))
    .png()
    .toFile(at(name));
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-cli-text-'));
  clip = await writeClipModel(at('clip'));
  await writeTestModel(at('three.onnx'));
  await writeTestModel(at('labelled.onnx'), {
    classes: 2,
    metadata: { names: "{0: 'bolt', 1: 'nut'}" },
    objects: [
      { cxcywh: [80, 80, 80, 80], score: 0.9, cls: 1 },
      { cxcywh: [220, 100, 100, 60], score: 0.8, cls: 0 },
    ],
  });
  await writePicture('1.png', ['red', 'blue', 'red']);
  await writePicture('2.png', ['blue', 'red', 'green']);
});
afterAll(() => rm(directory, { recursive: true }));

async function segment(model: string, ...args: string[]) {
  const { code, stdout, stderr } = await fastsamdHere('segment', at('1.png'), at('2.png'), '--model', at(model), ...args);
  const results =
    code === 0 && args.includes('--json')
      ? stdout
          .trim()
          .split('\n')
          .map((line) => resultMessageSchema.parse(JSON.parse(line)))
      : [];
  return { code, stdout, stderr, results };
}

const matched = (answer: unknown) => (answer as { objects?: { id: number }[] }).objects?.map(({ id }) => id) ?? [];

describe('fastsamd segment --text', SLOW, () => {
  it('finds what each text describes in every picture, however alike the pictures are', async () => {
    const { results, stderr } = await segment(
      'three.onnx',
      '--text',
      'a red part',
      '--text',
      'blue',
      '--text-threshold',
      '0.6',
      '--text-model',
      clip,
      '--json',
    );
    expect(stderr).toBe('');
    expect(results.map(({ prompts }) => prompts.map(matched))).toEqual([
      [[0, 2], [1]],
      [[1], [0]],
    ]);
    expect(results[0]!.prompts[0]).toMatchObject({ id: 'p1', type: 'text', status: 'matched', objects: [{ ageMs: 0 }, { ageMs: 0 }] });
    expect(results[0]!.objects.map(({ id, prompts }) => [id, prompts])).toEqual([
      [0, ['p1']],
      [1, ['p2']],
      [2, ['p1']],
    ]);
  });

  it('says what is not there, and takes negatives', async () => {
    const { results } = await segment(
      'three.onnx',
      '--text',
      'green',
      '--negative',
      'red',
      '--negative',
      'blue',
      '--text-model',
      clip,
      '--json',
    );
    expect(results.map(({ prompts }) => [prompts[0]!.status, matched(prompts[0])])).toEqual([
      ['unmatched', []],
      ['matched', [2]],
    ]);
    expect(results[0]!.prompts[0]).toMatchObject({ bestScore: expect.any(Number) });
  });

  it.each([
    [['--text', 'red', '--text-model', '/nowhere'], 3, /the text model cannot be used: \/nowhere: no text_model\.onnx there/],
    [['--text', 'a\tb'], 2, /without control characters/],
    [['--negative', 'red'], 2, /expected --text/],
    [['--label', 'bolt'], 2, /class-agnostic/],
  ])('refuses %j in one line', async (args, expected, message) => {
    const { code, stdout, stderr } = await segment('three.onnx', ...args);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

it('fastsamd segment --label picks the objects of a class', SLOW, async () => {
  const { results } = await segment('labelled.onnx', '--label', 'nut', '--snap-to-border', '0', '--json');
  expect(results.map(({ prompts }) => [prompts[0]!.type, matched(prompts[0])])).toEqual([
    ['label', [0]],
    ['label', [0]],
  ]);
  const { code, stderr } = await segment('labelled.onnx', '--label', 'bult');
  expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean "bolt"?')]);
});
