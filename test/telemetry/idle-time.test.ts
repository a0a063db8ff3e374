import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idleTime } from '../../src/telemetry/idle-time.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'fastsamd-stat-'));
  file = path.join(folder, 'stat');
});
afterAll(() => rm(folder, { recursive: true }));

it('counts what the kernel counts, in milliseconds of all cores together', async () => {
  const counted = () => os.cpus().reduce((sum, { times }) => sum + times.idle, 0);
  const before = counted();
  const idle = (await idleTime())!;
  // Of cores that wait for a disk os.cpus() says nothing.
  expect(idle).toBeGreaterThanOrEqual(before);
});

it('adds the time in which a core waited for a disk', async () => {
  await writeFile(file, 'cpu  10 20 30 400 5 6 7 0 0 0\ncpu0 10 20 30 400 5 6 7 0 0 0\n');
  expect(await idleTime(file)).toBe(4050);
});

it.each(['', 'cpu\n', 'cpu  1 2 3 x y\n'])('knows nothing from %j', async (text) => {
  await writeFile(file, text);
  expect(await idleTime(file)).toBeUndefined();
});

it('knows nothing where there is no such file', async () => {
  expect(await idleTime('/nonexistent/stat')).toBeUndefined();
});
