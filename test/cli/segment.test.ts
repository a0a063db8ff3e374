import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resultMessageSchema } from '../../src/contract/result.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
let model = '';
const at = (name: string) => join(directory, name);

function picture(width: number, height: number) {
  return sharp({ create: { width, height, channels: 3, background: '#446688' } });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-segment-'));
  model = await writeTestModel(at('three.onnx'));
  await mkdir(at('photos'));
  await picture(640, 640).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toFile(at('photos/b2.jpg'));
  await picture(320, 320).png().toFile(at('photos/b10.png'));
  await picture(320, 160).webp().toFile(at('photos/a.webp'));
  await writeFile(at('photos/notes.txt'), 'not a picture');
  // Stored on its side; upright it is 320 wide and 640 high.
  await picture(640, 320).withMetadata({ orientation: 6 }).jpeg().toFile(at('sideways.jpg'));
  const jpeg = await picture(640, 640).jpeg().toBuffer();
  await writeFile(at('cut.jpg'), jpeg.subarray(0, jpeg.length / 2));
  await writeFile(at('text.jpg'), 'this is text');
  await writeFile(at('empty.mp4'), '');
  await writeFile(at('text.mp4'), 'this is no video\n'.repeat(1000));
});
afterAll(() => rm(directory, { recursive: true }));

function results(stdout: string) {
  return stdout
    .trim()
    .split('\n')
    .map((line) => resultMessageSchema.parse(JSON.parse(line)));
}

describe('fastsamd segment', () => {
  it('without --model takes the model that comes with fastsamd, and says so', async () => {
    vi.stubEnv('FASTSAMD_MODELS', at('no-models'));
    const { code, stdout, stderr } = await fastsamd('segment', at('photos/b2.jpg'), '--json');
    vi.unstubAllEnvs();
    expect(stderr).toMatch(/^fastsamd: no --model: using \S+models\/demo\.onnx, a small one/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).model.name).toBe('demo');
  });

  it('shows control characters of file names as text, in results and in errors', async () => {
    const named = at('a\u001b]0;title\u0007\u009b2J.png');
    await picture(64, 64).png().toFile(named);
    const missing = at('b\u001b[2J.png');
    const { stdout, stderr } = await fastsamdHere('segment', named, missing, '--model', model);
    expect(stdout).toContain('a\\u001b]0;title\\u0007\\u009b2J.png #0: 64×64');
    expect(stderr).toContain('b\\u001b[2J.png');
    expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]/u);
    const json = await fastsamdHere('segment', named, '--model', model, '--json');
    expect(json.stdout).not.toMatch(/[^\P{Cc}\n]/u);
    expect(results(json.stdout)[0]!.frame.source).toBe(named);
  });

  it('prints one JSON result per picture and nothing else, directories in natural order', async () => {
    const { code, stdout, stderr } = await fastsamdHere('segment', at('photos'), '--model', model, '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const messages = results(stdout);
    expect(messages.map(({ frame }) => frame.source)).toEqual([at('photos/a.webp'), at('photos/b2.jpg'), at('photos/b10.png')]);
    expect(messages.map(({ seq }) => seq)).toEqual([0, 1, 2]);
    expect(messages[1]!.objects.map(({ bbox }) => bbox)).toEqual([
      [80, 80, 240, 240],
      [340, 140, 540, 260],
      [120, 460, 520, 540],
    ]);
  });

  it('applies the EXIF orientation', async () => {
    const { stdout } = await fastsamdHere('segment', at('sideways.jpg'), '--model', model, '--json');
    expect(results(stdout)[0]!.frame).toMatchObject({ width: 320, height: 640 });
  });

  it('answers prompts: each box on its own, all points as one', async () => {
    const args = ['--box', '80,80,240,240', '--box', '0,500,60,640', '--point', '440,200', '--point', '160,160,0'];
    const { stdout } = await fastsamdHere('segment', at('photos/b2.jpg'), '--model', model, '--json', ...args);
    expect(results(stdout)[0]!.prompts).toEqual([
      { id: 'p1', type: 'box', status: 'matched', objects: [{ id: 0, score: 1 }] },
      { id: 'p2', type: 'box', status: 'unmatched', bestScore: 0 },
      { id: 'p3', type: 'points', status: 'matched', objects: [{ id: 1, score: 1 }] },
    ]);
  });

  it.each(['rle', 'polygon', 'png', 'bbox'] as const)('writes masks as %s', async (mask) => {
    const { stdout } = await fastsamdHere('segment', at('photos/b10.png'), '--model', model, '--json', '--mask', mask);
    const [message] = results(stdout);
    const key = { rle: 'counts', polygon: 'polygons', png: 'png', bbox: undefined }[mask];
    for (const object of message!.objects) expect(Object.keys(object.mask ?? {})).toEqual(key ? ['size', key] : []);
  });

  it('writes an annotated picture, or a directory of them', async () => {
    const one = await fastsamdHere('segment', at('photos/b2.jpg'), '--model', model, '--out', at('out/marked.png'));
    expect(one).toMatchObject({ code: 0, stdout: expect.stringContaining(`wrote ${at('out/marked.png')}`) });
    const { data } = await sharp(at('out/marked.png')).raw().toBuffer({ resolveWithObject: true });
    // How far a pixel is from the plain background, which only JPEG may have touched.
    const change = (x: number, y: number) => {
      const at = 3 * (y * 640 + x);
      return Math.max(...[0x44, 0x66, 0x88].map((value, channel) => Math.abs(data[at + channel]! - value)));
    };
    expect(change(600, 620)).toBeLessThanOrEqual(2);
    expect(change(160, 200)).toBeGreaterThan(20);

    expect((await fastsamdHere('segment', at('photos'), '--model', model, '--out', at('all'))).code).toBe(0);
    expect((await readdir(at('all'))).sort()).toEqual(['a.webp', 'b10.png', 'b2.jpg']);
  });

  it('writes an annotated video of the same length', async () => {
    const made = await fastsamdHere(
      'segment',
      'test:shapes?width=322&height=181&frames=12&fps=25&realtime=false',
      '--model',
      model,
      '--out',
      at('clip.mp4'),
    );
    expect(made.code).toBe(0);
    const source = await openSource(at('clip.mp4'));
    const times: bigint[] = [];
    for await (const frame of source) {
      using picture = frame;
      expect([picture.width, picture.height]).toEqual([322, 180]);
      times.push(picture.ptsNs!);
    }
    await source.stop();
    expect(times).toHaveLength(12);
    expect(Number(times[11]! - times[0]!) / 11).toBeCloseTo(4e7, -6);
  });

  it('goes on after an unusable input among others, and says so in the exit code', async () => {
    const { code, stdout, stderr } = await fastsamdHere(
      'segment',
      at('cut.jpg'),
      at('photos/b2.jpg'),
      at('none.jpg'),
      '--model',
      model,
      '--json',
    );
    expect(results(stdout).map(({ frame }) => frame.source)).toEqual([at('photos/b2.jpg')]);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(at('cut.jpg')), expect.stringContaining(at('none.jpg'))]);
    expect(code).toBe(3);
  });

  it('stops after --frames', async () => {
    const { stdout } = await fastsamdHere(
      'segment',
      'test:shapes?width=64&height=64&realtime=false',
      '--model',
      model,
      '--json',
      '--frames',
      '3',
    );
    expect(results(stdout)).toHaveLength(3);
  });

  it('warns about a prompt outside of the picture, which matches nothing', async () => {
    const { code, stdout, stderr } = await fastsamdHere(
      'segment',
      at('photos/b10.png'),
      '--model',
      model,
      '--json',
      '--box',
      '900,900,999,999',
    );
    expect(code).toBe(0);
    expect(results(stdout)[0]!.prompts[0]).toMatchObject({ status: 'unmatched' });
    expect(stderr).toMatch(/box \[900, 900, 999, 999\] lies outside of the 320×320 frame/);
  });
});

describe('unusable input: exit 3 and one line that names it', () => {
  it.each<[string, () => string[], RegExp]>([
    ['no such picture', () => [at('none.jpg'), '--model', model], /none\.jpg: no such file/],
    ['a truncated picture', () => [at('cut.jpg'), '--model', model], /cut\.jpg: not a readable JPEG picture/],
    ['text named .jpg', () => [at('text.jpg'), '--model', model], /text\.jpg: not a readable/],
    ['an empty video', () => [at('empty.mp4'), '--model', model], /empty\.mp4: empty file/],
    ['text named .mp4', () => [at('text.mp4'), '--model', model], /text\.mp4: /],
    ['a directory without pictures', () => [tmpdirEmpty(), '--model', model], /no pictures in it/],
    ['no such camera', () => ['v4l2:/dev/video99', '--model', model], /\/dev\/video99: no such device/],
    ['an unknown scheme', () => ['gopher://x', '--model', model], /unknown source scheme "gopher"; expected a path or one of file:, v4l2:/],
    ['an unknown test scene', () => ['test:moon', '--model', model], /no such test scene/],
    ['no such model', () => [at('photos/b2.jpg'), '--model', at('none.onnx')], /none\.onnx: no such file/],
    ['text named .onnx', () => [at('photos/b2.jpg'), '--model', at('text.jpg')], /not an ONNX model/],
    ['an unwritable output', () => [at('photos/b2.jpg'), '--model', model, '--out', at('text.jpg/x.png')], /text\.jpg\/x\.png/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await fastsamdHere('segment', ...args(), '--json');
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^fastsamd: /);
    expect(stdout.includes('    at ')).toBe(false);
    expect(code).toBe(3);
  });

  function tmpdirEmpty(): string {
    return at('all-empty');
  }
  beforeAll(() => mkdir(at('all-empty')));
});

describe('wrong usage: exit 2', () => {
  it.each<[string, string[], RegExp]>([
    ['a box of three numbers', ['--box', '1,2,3'], /--box 1,2,3: expected x1,y1,x2,y2/],
    ['a box inside out', ['--box', '9,9,1,1'], /expected x1 < x2/],
    ['a point that is no number', ['--point', 'a,b'], /--point a,b: expected x,y/],
    ['a point label that is not 0 or 1', ['--point', '1,1,7'], /labels/],
    ['a confidence above 1', ['--conf', '40'], /--conf: expected a number from 0 to 1/],
    ['no number at all', ['--conf', 'high'], /--conf/],
    ['an unknown selection', ['--select', 'nicest'], /nicest/],
    ['an unknown option', ['--modle', 'x'], /--model/],
  ])('%s', async (_, args, message) => {
    const { code, stderr } = await fastsamdHere('segment', at('photos/b2.jpg'), '--model', model, ...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it('ends the command with that exit code', async () => {
    const { code, stderr } = await fastsamdHere('segment', at('photos/b2.jpg'), '--model', model, '--box', '1,2,3');
    expect(stderr).toMatch(/--box 1,2,3: expected x1,y1,x2,y2/);
    expect(code).toBe(2);
  });
});

it('says why a prompt that follows has no object', { timeout: 60_000 }, async () => {
  const scene = 'test:shapes?width=320&height=320&fps=20&realtime=false&frames=12';
  const place = ['--box', '40,40,120,120', '--point', '80,80'];
  const { code, stdout } = await fastsamdHere('segment', scene, '--model', model, '--follow', ...place);
  expect(code).toBe(0);
  expect(stdout.trim().split('\n').at(-1)).toMatch(/p1 box: object \d+ .*; p2 points: unmatched \(best 1\.00; taken\)$/);
});
