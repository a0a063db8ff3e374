import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fastsamd } from '../helpers/command.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const SLOW = { timeout: 120_000 };
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-bench-'));
  await writeTestModel(join(folder, 'three.onnx'));
});
afterAll(() => rm(folder, { recursive: true }));

it('fastsamd bench --track tells what tracking adds', SLOW, async () => {
  const source = 'test:shapes?width=320&height=320&realtime=false';
  const args = ['bench', source, '--model', join(folder, 'three.onnx'), '--frames', '24', '--track', '--camera-motion', 'moving'];
  const { code, stdout, stderr } = await fastsamd(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { track, stagesMs } = JSON.parse(stdout);
  // The model shows three objects in every frame, and the runs without tracking have no such stage.
  expect(track).toMatchObject({ cameraMotion: 'moving', objectsPerFrame: 3, tracksPerFrame: 3, bornPerFrame: 0 });
  expect(stagesMs).not.toHaveProperty('track');
  expect(track.ratePerRound).toHaveLength(12);
  for (const rate of track.ratePerRound) expect(rate).toBeGreaterThan(0);
  expect(track.ms.p50).toBeLessThanOrEqual(track.ms.p99);
});
