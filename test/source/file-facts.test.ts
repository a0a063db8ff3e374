import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resultMessageSchema } from '../../src/contract/result.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
const at = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-facts-'));
});
afterAll(() => rm(directory, { recursive: true }));

it('results of pictures and videos say which file they are of, when it was written, and where in the video they are', async () => {
  const model = await writeTestModel(at('three.onnx'));
  await sharp({ create: { width: 64, height: 64, channels: 3, background: '#446688' } })
    .png()
    .toFile(at('part-17.png'));
  await utimes(at('part-17.png'), 1_700_000_000, 1_700_000_000);
  const scene = 'test:shapes?width=64&height=64&frames=3&fps=10&realtime=false';
  expect((await fastsamd('segment', scene, '--model', model, '--out', at('clip.mp4'))).code).toBe(0);
  const run = await fastsamd('segment', at('part-17.png'), at('clip.mp4'), scene, '--model', model, '--json');
  const frames = run.stdout
    .trim()
    .split('\n')
    .map((line) => resultMessageSchema.parse(JSON.parse(line)).frame);
  expect(frames[0]).toMatchObject({ source: at('part-17.png'), modifiedAt: '2023-11-14T22:13:20.000Z' });
  expect(frames[0]).not.toHaveProperty('mediaTimeMs');
  expect(frames.slice(1, 4).map(({ mediaTimeMs }) => Math.round(mediaTimeMs!))).toEqual([0, 100, 200]);
  expect(frames[4]).not.toHaveProperty('mediaTimeMs');
});

it('a drop folder hands out the name and the time of each file', async () => {
  const source = await openSource(directory, { watch: true });
  for await (const frame of source) {
    using picture = frame;
    expect(picture.file).toEqual({ name: 'part-17.png', modifiedMs: 1_700_000_000_000 });
    break;
  }
  await source.stop();
});
