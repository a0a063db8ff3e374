import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCheckpoint, zip } from '../helpers/checkpoint.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';
import { classifierModel } from '../helpers/onnx-model.js';

let directory = '';
const at = (name: string) => join(directory, name);
const checkpoint = zip(tinyCheckpoint());
const sha256 = createHash('sha256').update(checkpoint).digest('hex');
const server = http.createServer((_, response) => response.end(checkpoint));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-models-'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny.pt`;
  const entry = { name: 'tiny', kind: 'yolov8-seg', title: 'Tiny', licence: 'Apache-2.0', inputSize: [64, 64] };
  const manifest = { models: [{ ...entry, checkpoint: { file: 'tiny.pt', url, bytes: checkpoint.length, sha256 } }] };
  await writeFile(at('manifest.json'), JSON.stringify(manifest));
  await writeFile(at('brought.pt'), checkpoint);
  await writeFile(at('other.pt'), zip(tinyCheckpoint({ classes: 1 })));
  await writeFile(at('classifier.onnx'), classifierModel());
  process.env.FASTSAMD_MANIFEST = at('manifest.json');
  process.env.FASTSAMD_MODELS = at('models');
});
afterAll(async () => {
  delete process.env.FASTSAMD_MANIFEST;
  delete process.env.FASTSAMD_MODELS;
  server.close();
  await rm(directory, { recursive: true });
});

describe('fastsamd model', () => {
  it('pulls a model by name, which segment then takes, and lists it', async () => {
    const missing = await fastsamd('segment', 'test:shapes?frames=1&realtime=false', '--model', 'tiny');
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining('fastsamd model pull tiny') });

    expect(await fastsamdHere('model', 'pull', 'tiny')).toMatchObject({ code: 0, stderr: '' });
    expect((await readdir(at('models'))).sort()).toEqual(['tiny.onnx', 'tiny.pt']);
    expect((await fastsamdHere('segment', 'test:shapes?frames=1&realtime=false', '--model', 'tiny')).code).toBe(0);
    const { stdout } = await fastsamdHere('model', 'list', '--json');
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({ name: 'tiny', installed: [at('models/tiny.onnx')] }),
      expect.objectContaining({ name: 'demo', installed: [expect.stringMatching(/models\/demo\.onnx$/)] }),
    ]);
  });

  it('pulls from a file that was brought, after checking its hash', async () => {
    expect((await fastsamdHere('model', 'pull', 'tiny', '--imgsz', '64x96', '--half', '--from', at('brought.pt'))).code).toBe(0);
    expect(await readdir(at('models'))).toContain('tiny-64x96-half.onnx');
    const wrong = await fastsamdHere('model', 'pull', 'tiny', '--from', at('other.pt'));
    expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining(sha256) });
  });

  it('imports, says what it made, and knows it again', async () => {
    const made = await fastsamdHere('model', 'import', at('brought.pt'), '--imgsz', '96', '-o', at('made.onnx'));
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/made\.onnx: .*2 classes/) });
    const info = JSON.parse((await fastsamdHere('model', 'info', at('made.onnx'), '--json')).stdout);
    expect(info).toMatchObject({
      kind: 'onnx',
      knownAs: 'tiny',
      names: ["part 0's", "part 1's"],
      imageSize: [96, 96],
      metadata: { task: 'segment', sourceSha256: sha256 },
    });
    expect(info.sha256).toBe(
      createHash('sha256')
        .update(await readFile(at('made.onnx')))
        .digest('hex'),
    );
    expect((await fastsamdHere('model', 'info', at('made.onnx'))).stdout).toMatch(
      /outputs +output0 \[1, 38, 189\], output1 \[1, 32, 24, 24\]/,
    );
  });

  it('verifies models and checkpoints', async () => {
    expect(await fastsamdHere('model', 'verify', at('brought.pt'))).toMatchObject({ code: 0, stdout: expect.stringContaining('is tiny') });
    expect(await fastsamdHere('model', 'verify', at('other.pt'))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('not one of those in the manifest'),
    });
    await fastsamdHere('model', 'import', at('brought.pt'), '--imgsz', '64', '-o', at('verified.onnx'));
    expect(await fastsamdHere('model', 'verify', at('verified.onnx'))).toMatchObject({ code: 0, stdout: expect.stringContaining('ok') });
    expect(await fastsamdHere('model', 'verify', at('classifier.onnx'))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('expected outputs'),
    });
  });

  it.each([
    ['an unknown name', ['pull', 'tinny'], 2, /did you mean "tiny"/],
    ['a size that is none', ['import', 'x.pt', '--imgsz', 'big'], 2, /--imgsz big/],
    ['a size that is no multiple of 32', ['import', 'x.pt', '--imgsz', '100'], 2, /multiples of 32/],
    ['no such checkpoint', ['import', 'none.pt'], 3, /none\.pt: no such file/],
    ['no such model', ['info', 'none.onnx'], 3, /none\.onnx: no such file/],
  ])('says what is wrong with %s', async (_, args, code, message) => {
    const outcome = await fastsamdHere('model', ...args);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
  });
});
