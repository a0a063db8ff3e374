/** Text models by name: pulled file by file, found by name, measured. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../src/model/manifest.js';
import { writeClipModel } from '../helpers/clip-model.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const SLOW = { timeout: 120_000 };
const FILES = ['text_model.onnx', 'vision_model.onnx', 'tokenizer.json', 'preprocessor_config.json'];

let directory = '';
const at = (name: string) => join(directory, name);
let server: http.Server;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-text-model-'));
  await writeClipModel(at('published'), { preprocessor: { size: 32 } });
  await writeTestModel(at('three.onnx'));
  const contents = new Map(await Promise.all(FILES.map(async (file) => [file, await readFile(at(`published/${file}`))] as const)));
  server = http.createServer((request, response) => {
    response.end(contents.get(request.url!.slice(1)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const files = [...contents].map(([file, bytes]) => ({
    file,
    url: `http://127.0.0.1:${port}/${file}`,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  await writeFile(
    at('manifest.json'),
    JSON.stringify({ models: [{ name: 'toy', kind: 'text-model', title: 'Toy', licence: 'MIT', files }] }),
  );
  process.env.FASTSAMD_MANIFEST = at('manifest.json');
  process.env.FASTSAMD_MODELS = at('models');
});
afterAll(async () => {
  delete process.env.FASTSAMD_MANIFEST;
  delete process.env.FASTSAMD_MODELS;
  server.close();
  await rm(directory, { recursive: true });
});

const segment = (...args: string[]) =>
  fastsamdHere(
    'segment',
    'test:shapes?frames=1&realtime=false',
    '--model',
    at('three.onnx'),
    '--text',
    'red',
    '--text-threshold',
    '-1',
    ...args,
  );

describe('text models by name', () => {
  it('are pulled file by file, listed, and found', SLOW, async () => {
    expect(await segment('--text-model', 'toy')).toMatchObject({ code: 3, stderr: expect.stringContaining('fastsamd model pull toy') });
    expect(await fastsamd('model', 'pull', 'toy')).toMatchObject({ code: 0, stderr: '' });
    expect((await readdir(at('models/toy'))).sort()).toEqual([...FILES].sort());
    expect(await segment('--text-model', 'toy')).toMatchObject({ code: 0, stdout: expect.stringMatching(/p1 text: object 0/) });
    const { stdout } = await fastsamdHere('model', 'list', '--json');
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({ name: 'toy', installed: [at('models/toy')] }),
      expect.objectContaining({ name: 'demo' }),
    ]);
    expect(await fastsamdHere('segment', 'x.jpg', '--model', 'toy')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('for text prompts'),
    });
  });

  it('are taken from a folder only when every hash is right', SLOW, async () => {
    await rm(at('models'), { recursive: true, force: true });
    await writeClipModel(at('other'), { mask: true, preprocessor: { size: 32 } });
    expect(await fastsamdHere('model', 'pull', 'toy', '--from', at('other'))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('not the published text_model.onnx'),
    });
    expect(await fastsamdHere('model', 'pull', 'toy', '--from', at('published'))).toMatchObject({ code: 0 });
    expect(await fastsamdHere('model', 'pull', 'toy', '--half')).toMatchObject({ code: 2 });
  });

  it('of the published manifest are CLIP in float32 and int8', async () => {
    const entries = await readManifest(fileURLToPath(new URL('../../models/manifest.json', import.meta.url)));
    const clips = entries.filter((entry) => entry.kind === 'text-model');
    expect(clips.map(({ name }) => name)).toEqual(['clip-vit-base-patch32', 'clip-vit-base-patch32-int8']);
    for (const { files } of clips) expect(files.map(({ file }) => file)).toEqual(FILES);
  });
});

it('fastsamd bench --text tells what text prompts add', SLOW, async () => {
  const source = 'test:shapes?width=320&height=320&realtime=false';
  const args = ['--model', at('three.onnx'), '--frames', '12', '--text', 'red', '--text-model', at('published'), '--json'];
  const { code, stdout, stderr } = await fastsamdHere('bench', source, ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { text } = JSON.parse(stdout);
  expect(text).toMatchObject({ maxCropsPerFrame: 4, objectsPerFrame: 3, cropMs: expect.any(Number), addedMs: expect.any(Number) });
  expect(text.cropMs).toBeGreaterThan(0);
  expect(text.cropsPerFrame).toBeLessThanOrEqual(3);
});
