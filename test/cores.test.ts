/** How many cores the limits of control groups leave, as the kernel's files tell. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { cpuLimit, usableCores, wholeCores } from '../src/cores.js';

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true });
});

/** A root with these files. */
async function rootOf(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'fastsamd-cores-'));
  roots.push(root);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return root;
}

it.each<[string, Record<string, string>, number, number | undefined]>([
  [
    'docker run --cpus 1.5, version 2',
    {
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/cpu.max': '150000 100000\n',
      'sys/fs/cgroup/cpu.stat': 'usage_usec 2500000\nuser_usec 1\n',
    },
    1.5,
    2500,
  ],
  [
    'docker run --cpus 2, version 1: the path is that of the host',
    {
      'proc/self/cgroup': '5:memory:/docker/1f\n4:cpu,cpuacct:/docker/1f\n0::/system.slice/containerd.service\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpuacct/cpuacct.usage': '7000000000\n',
    },
    2,
    7000,
  ],
  [
    'CPUQuota=350% of a slice, and more of the unit in it',
    {
      'proc/self/cgroup': '0::/vision.slice/fastsamd.service\n',
      'sys/fs/cgroup/vision.slice/cpu.max': '350000 100000\n',
      'sys/fs/cgroup/vision.slice/fastsamd.service/cpu.max': '600000 100000\n',
    },
    3.5,
    undefined,
  ],
])('%s', async (_name, files, cores, usedMs) => {
  const limit = cpuLimit(await rootOf(files));
  expect([limit?.cores, await limit?.usedMs()]).toEqual([cores, usedMs]);
});

it.each<[string, Record<string, string>]>([
  ['a machine without control groups', {}],
  ['a group without a limit, version 2', { 'proc/self/cgroup': '0::/init.scope\n', 'sys/fs/cgroup/init.scope/cpu.max': 'max 100000\n' }],
  ['a group without a limit, version 1', { 'proc/self/cgroup': '1:cpu:/\n', 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' }],
  ['files that say something else', { 'proc/self/cgroup': 'x\n0::/\n', 'sys/fs/cgroup/cpu.max': 'many few\n' }],
])('finds no limit: %s', async (_name, files) => {
  expect(cpuLimit(await rootOf(files))).toBeUndefined();
});

it('rounds a limit down to whole cores, at least one and no more than the process is bound to', () => {
  const limit = (cores: number) => ({ cores, usedMs: async () => undefined });
  expect([limit(0.5), limit(1.5), limit(3), limit(16), undefined].map((each) => wholeCores(8, each))).toEqual([1, 1, 3, 8, 8]);
  expect(usableCores()).toBe(wholeCores(availableParallelism(), cpuLimit()));
});
