import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { maskArea } from '../../src/domain/mask.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));
let directory = '';
let model = '';
const at = (name: string) => join(directory, name);
let jpeg: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-exports-'));
  model = await writeTestModel(at('three.onnx'));
  await mkdir(at('photos/more'), { recursive: true });
  jpeg = await sharp({ create: { width: 640, height: 640, channels: 3, background: '#446688' } })
    .jpeg()
    .toBuffer();
  for (const name of ['photos/b2.jpg', 'photos/b10.jpg', 'photos/more/b2.jpg']) await sharp(jpeg).toFile(at(name));
});
afterAll(() => rm(directory, { recursive: true }));

/** Runs the command with `input` on its standard input. */
async function fed(input: Buffer, ...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [BIN, ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe('segment writes', () => {
  it('a YOLO dataset, masks, cut-outs and a COCO dataset of one run, numbered where two files share a name', async () => {
    const run = await fastsamd(
      'segment',
      at('photos/b2.jpg'),
      at('photos/more/b2.jpg'),
      ...['--model', model, '--save-txt', at('labels'), '--save-masks', at('masks'), '--cutouts', at('cut'), '--coco', at('c/all.json')],
    );
    expect(run).toMatchObject({ code: 0, stderr: '' });
    for (const line of [`wrote ${at('labels')} (2 files)`, `wrote ${at('masks')} (6 files)`, `wrote ${at('c/all.json')}`]) {
      expect(run.stdout).toContain(line);
    }
    expect((await readdir(at('labels'))).sort()).toEqual(['b2-2.txt', 'b2.txt']);
    const lines = (await readFile(at('labels/b2.txt'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/^0( (0(\.\d+)?|1)){6,}$/);

    const { data, info } = await sharp(at('cut/b2_0.png')).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 160, height: 160, channels: 4 });
    const mask = await sharp(at('masks/b2_0.png')).toColourspace('b-w').raw().toBuffer();
    // The object's box begins at 80, 80.
    for (const [x, y] of [
      [0, 0],
      [80, 80],
      [159, 3],
    ] as const) {
      expect(data[4 * (160 * y + x) + 3]).toBe(mask[640 * (y + 80) + x + 80]);
    }

    const coco = JSON.parse(await readFile(at('c/all.json'), 'utf8'));
    expect(coco.images).toEqual([
      { id: 1, file_name: 'b2.jpg', width: 640, height: 640 },
      { id: 2, file_name: 'more/b2.jpg', width: 640, height: 640 },
    ]);
    expect(coco.categories).toEqual([{ id: 1, name: 'object', supercategory: 'object' }]);
    expect(coco.annotations.map(({ id }: { id: number }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { segmentation, area } of coco.annotations) {
      expect(maskArea(native().decodeRle(segmentation.counts, 640, 640))).toBe(area);
    }
  });

  it('files per frame of a video, and a map of object numbers', async () => {
    const scene = 'test:shapes?width=64&height=64&frames=2&realtime=false';
    const run = await fastsamdHere('segment', scene, '--model', model, '--save-masks', at('maps'), '--mask-files', 'map');
    expect(run.code).toBe(0);
    expect((await readdir(at('maps'))).map((name) => name.replace(/.*(_\d+\.png)$/, '$1')).sort()).toEqual(['_1.png', '_2.png']);
  });

  it('no pictures beside those it reads', async () => {
    const run = await fastsamdHere('segment', at('photos'), '--model', model, '--cutouts', at('photos'));
    expect(run.code).toBe(3);
    expect(run.stderr).toContain('holds the input pictures; expected another folder');
    expect((await readdir(at('photos'))).sort()).toEqual(['b10.jpg', 'b2.jpg', 'more']);
  });
});

describe('segment reads', () => {
  it('standard input', async () => {
    const run = await fed(jpeg, 'segment', '-', '--model', model, '--json');
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toMatchObject({ frame: { source: 'stdin', width: 640 } });
    expect(await fed(Buffer.alloc(0), 'segment', '-', '--model', model)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('stdin: empty; expected a picture'),
    });
  });

  it('quoted patterns, in natural order', async () => {
    const run = await fastsamdHere('segment', at('photos/*.jpg'), '--model', model);
    expect(run.stdout.match(/b\d+\.jpg/g)).toEqual(['b2.jpg', 'b10.jpg']);
    expect(await fastsamdHere('segment', at('photos/*.png'), '--model', model)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('no file fits this pattern'),
    });
  });

  it('the URL of a picture, and no more of it than a picture may have', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/p.jpg?x=1') return void response.setHeader('content-type', 'image/jpeg').end(jpeg);
      if (request.url !== '/endless.jpg') return void response.writeHead(404).end();
      response.setHeader('content-type', 'image/jpeg');
      const block = Buffer.alloc(2 ** 20);
      const more = () => {
        while (!response.destroyed && response.write(block));
      };
      response.on('drain', more);
      more();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const run = await fastsamdHere('segment', `${base}/p.jpg?x=1`, '--model', model, '--out', at('from-url'));
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(await readdir(at('from-url'))).toEqual(['p.jpg']);
      expect((await fastsamdHere('segment', `${base}/none.jpg`, '--model', model)).stderr).toContain('the server answers 404');
      expect((await fastsamdHere('segment', `${base}/endless.jpg`, '--model', model)).stderr).toContain('larger than 64 MiB');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
