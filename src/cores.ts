/**
 * How many cores this process may use: those that it is bound to, and no more than the quota of its control group, which is how container
 * engines (`--cpus`) and systemd (`CPUQuota=`) share a machine out. A thread more than that only makes the others wait.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';

/** A control group whose processor time is limited. */
export interface CpuLimit {
  /** Seconds of processor time per second. */
  readonly cores: number;
  /** Processor time that the group has used, in milliseconds; undefined where the system does not say. */
  readonly usedMs: () => Promise<number | undefined>;
}

let usable: number | undefined;

/** At least 1. Read once: a limit that changes later holds from the next start on. */
export function usableCores(): number {
  usable ??= wholeCores(availableParallelism(), cpuLimit());
  return usable;
}

/** Rounded down, as Go and libuv do: a thread that gets half a core keeps the others of an inference waiting. */
export function wholeCores(bound: number, limit: CpuLimit | undefined): number {
  return Math.max(1, Math.min(bound, Math.floor(limit?.cores ?? bound)));
}

/** The tightest limit among the control group of this process and those around it; undefined without any. `root`: in place of /. */
export function cpuLimit(root = ''): CpuLimit | undefined {
  const groups = `${read(`${root}/proc/self/cgroup`) ?? ''}`.split('\n').flatMap((line) => groupsOf(line, `${root}/sys/fs/cgroup`));
  const [tightest] = groups.filter(({ cores }) => cores > 0 && Number.isFinite(cores)).sort((a, b) => a.cores - b.cores);
  return tightest;
}

/** Of a line such as `0::/system.slice/fastsamd.service` (version 2) or `4:cpu,cpuacct:/docker/1f` (version 1); see cgroups(7). */
function groupsOf(line: string, mount: string): CpuLimit[] {
  const [, controllers = '', path = ''] = line.split(':');
  if (controllers === '') {
    return upward(path).map((folder) => {
      const [quota = 'max', period] = read(`${mount}${folder}/cpu.max`)?.split(' ') ?? [];
      const usedMs = async () => numberIn(/^usage_usec (\d+)$/m.exec(await readLater(`${mount}${folder}/cpu.stat`))?.[1], 1000);
      return { cores: Number(quota === 'max' ? Number.POSITIVE_INFINITY : quota) / Number(period ?? 1), usedMs };
    });
  }
  if (!controllers.split(',').includes('cpu')) return [];
  return upward(path).map((folder) => {
    const quota = Number(read(`${mount}/cpu${folder}/cpu.cfs_quota_us`) ?? -1);
    const period = Number(read(`${mount}/cpu${folder}/cpu.cfs_period_us`) ?? 1);
    const usedMs = async () => numberIn(await readLater(`${mount}/cpuacct${folder}/cpuacct.usage`), 1_000_000);
    return { cores: quota > 0 ? quota / period : Number.POSITIVE_INFINITY, usedMs };
  });
}

/** A folder and those around it. Within a container the last one, '', is the container's own. */
function upward(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return Array.from({ length: names.length + 1 }, (_, up) =>
    names
      .slice(0, names.length - up)
      .map((name) => `/${name}`)
      .join(''),
  );
}

function numberIn(text: string | undefined, unit: number): number | undefined {
  const value = Number.parseInt(text ?? '', 10) / unit;
  return Number.isFinite(value) ? value : undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** Empty where there is no such file. */
function readLater(file: string): Promise<string> {
  return readFile(file, 'latin1').catch(() => '');
}
