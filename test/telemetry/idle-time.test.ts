import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idleClock } from '../../src/telemetry/idle-time.js';

let folder: string;
let stat: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'fastsamd-stat-'));
  stat = path.join(folder, 'stat');
});
afterAll(() => rm(folder, { recursive: true }));

it("reads the kernel's file: time passes, and no more of it than all cores have", async () => {
  const begun = performance.now();
  const idle = idleClock(undefined);
  expect(await idle()).toBe(0);
  await setTimeout(50);
  const counted = await idle();
  expect(counted).toBeGreaterThanOrEqual(0);
  // Each core counts in steps of 10 ms, and what it did when it is next looked at.
  expect(counted).toBeLessThanOrEqual((performance.now() - begun + 1000) * os.cpus().length);
});

it('adds the time in which a core waited for a disk', async () => {
  const idle = idleClock(undefined, { stat });
  await writeFile(stat, 'cpu  10 20 30 400 5 6 7 0 0 0\ncpu0 10 20 30 400 5 6 7 0 0 0\n');
  await idle();
  await writeFile(stat, 'cpu  10 20 30 410 8 6 7 0 0 0\ncpu0 10 20 30 410 8 6 7 0 0 0\n');
  expect(await idle()).toBe(130);
});

it('counts no more than a control group has left of its limit', async () => {
  let used = 0;
  let at = 0;
  const idle = idleClock({ cores: 1.5, usedMs: async () => used }, { stat, now: () => at });
  await writeFile(stat, 'cpu  0 0 0 0 0\n');
  await idle();
  // A second: the machine was idle for 4 s on 8 cores; the group might have worked for 1.5 s and did for 1.4.
  await writeFile(stat, 'cpu  0 0 0 400 0\n');
  at = 1000;
  used = 1400;
  expect(await idle()).toBeCloseTo(100);
  // Others use the machine: of what the group has left, there is only so much.
  await writeFile(stat, 'cpu  0 0 0 402 0\n');
  at = 2000;
  expect(await idle()).toBeCloseTo(120);
  // The group used more than its share of this second, saved up before.
  at = 3000;
  used = 3400;
  await writeFile(stat, 'cpu  0 0 0 500 0\n');
  expect(await idle()).toBeCloseTo(120);
});

it.each(['', 'cpu\n', 'cpu  1 2 3 x y\n'])('knows nothing from %j', async (text) => {
  await writeFile(stat, text);
  expect(await idleClock(undefined, { stat })()).toBeUndefined();
});

it('knows nothing where there is no such file', async () => {
  expect(await idleClock(undefined, { stat: '/nonexistent/stat' })()).toBeUndefined();
});
