/** What is written never is what is read, and what is not understood is refused before a model is loaded. */
import { copyFile, link, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Inputs } from '../../src/cli/overwriting.js';
import { checkValues } from '../../src/cli/usage.js';
import { parsePrompts } from '../../src/domain/prompt.js';
import { fastsamd } from '../helpers/command.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
let model = '';
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-outputs-'));
  model = await writeTestModel(at('three.onnx'));
  await mkdir(at('in'));
  await sharp({ create: { width: 64, height: 64, channels: 3, background: '#446688' } })
    .jpeg()
    .toFile(at('in/p.jpg'));
  await copyFile(at('in/p.jpg'), at('in/q.jpg'));
  await symlink(at('in'), at('same'));
  await symlink(at('in/p.jpg'), at('linked.jpg'));
  await link(at('in/q.jpg'), at('hard.jpg'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('an output that is an input', () => {
  it.each([
    ['the picture itself', 'in/p.jpg', 'in/p.jpg'],
    ['another spelling', 'in/p.jpg', 'in/../in/./p.jpg'],
    ['a link to it', 'in/p.jpg', 'linked.jpg'],
    ['a second name of it', 'in/q.jpg', 'hard.jpg'],
    ['a folder onto itself', 'in', 'in'],
    ['a folder onto a link to itself', 'in', 'same'],
    ['a picture of the folder', 'in', 'in/q.jpg'],
  ])('is refused: %s', async (_, source, out) => {
    const inputs = await Inputs.of([at(source), 'test:conveyor', 'rtsp://camera/1']);
    await expect(inputs.demandOther(`${directory}/${out}`, '--out')).rejects.toMatchObject({ code: 'USAGE' });
    await inputs.demandOther(at('new.jpg'), '--out');
  });

  it('is as it was after the command has refused it, also when its name is made up', async () => {
    const before = await readFile(at('in/p.jpg'));
    for (const [source, out] of [
      [`file://${at('in/p.jpg')}`, at('in/p.jpg')],
      // The folder gets "p.jpg", which is the input.
      [at('in/p.jpg'), at('in')],
    ] as const) {
      const { code, stderr } = await fastsamd('segment', source, '--model', model, '--out', out);
      expect(code).toBe(2);
      expect(stderr).toContain('is an input of this command');
      expect(await readFile(at('in/p.jpg'))).toEqual(before);
    }
  }, 120_000);
});

describe('a command line that says nothing', () => {
  const options = { number: ['conf', 'threads'], array: [] };
  it.each([[['--conf']], [['--conf', '']], [['--conf=']], [['--conf', '--json']], [['--threads', '  ']]])('is refused: %j', (args) => {
    expect(() => checkValues({ conf: 0.4, threads: 0 }, options, args)).toThrow(/--(conf|threads) needs a value/);
  });
  it.each([[['--conf', '0.3']], [['--conf=-1']], [['--threads', '-1']], [['--', '--conf']]])('is not mistaken for it: %j', (args) => {
    expect(checkValues({ conf: 0.3, threads: -1 }, options, args)).toBe(true);
  });

  it.each([
    [['--threads', '-1'], /--threads: expected a whole number/],
    [['--out', 'x.avi'], /\.avi files are not written/],
    [['--out', 'x.txt'], /\.txt files are not written/],
  ])(
    'or asks for what there is not: %j',
    async (args, message) => {
      const { code, stderr } = await fastsamd('segment', at('in/p.jpg'), '--model', model, ...args);
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    },
    60_000,
  );

  it('a demo of a source that is not there ends', async () => {
    const { code, stderr } = await fastsamd('demo', '--source', at('nothere.mp4'), '--model', model, '--frames', '3');
    expect(stderr).toMatch(/nothere\.mp4: no such file/);
    expect(code).toBe(3);
  }, 60_000);
});

it('fractions are not taken for pixels', () => {
  for (const prompt of [
    { type: 'box', box: [0.1, 0.1, 0.5, 0.5] },
    { type: 'box', box: [0, 0, 0.5, 1] },
    { type: 'points', points: [[0.5, 0.5]] },
  ] as const) {
    expect(() => parsePrompts([prompt as never])).toThrow(/space: normalized/);
    expect(parsePrompts([{ ...prompt, space: 'normalized' } as never])).toHaveLength(1);
  }
  expect(
    parsePrompts([
      { type: 'box', box: [0, 0, 1, 1] },
      { type: 'points', points: [[0, 1]] },
      { type: 'box', box: [0.5, 0.5, 2.5, 3] },
    ]),
  ).toHaveLength(3);
});
