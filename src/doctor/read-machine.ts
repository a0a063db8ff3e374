/** Reads what the doctor checks of this machine. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SensorReadings } from '../telemetry/sensors/readings.js';
import type { Machine } from './machine.js';

const run = promisify(execFile);
const COMMAND_MS = 5000;
const LIBRARY_FOLDERS = ['/usr/lib/aarch64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/local/tensorrt/lib'];
/** Cameras, and what CUDA opens: the nodes of a card, of a Jetson's GPU (in /dev up to JetPack 6, in /dev/nvgpu from 5 on). */
const DEVICES: readonly [folder: string, pattern: RegExp][] = [
  ['/dev', /^(video\d+|nvidia\d+|nvidiactl|nvidia-uvm|nvmap|nvsciipc|host1x-fence|nvhost-(ctrl|gpu|(as|ctrl|tsg)-gpu))$/],
  ['/dev/dri', /^renderD\d+$/],
];
const GPU_FOLDER = '/dev/nvgpu';
const GPU_NODES = /^(as|channel|ctrl|tsg)$/;

export async function readMachine(readings: SensorReadings, stateFolder: string): Promise<Machine> {
  const [groups, devices, tensorrt, cuda, synchronized, writable, freeBytes] = await Promise.all([
    readGroups(),
    readDevices(),
    tensorrtVersion(),
    cudaVersion(),
    isSynchronized(),
    canWrite(stateFolder),
    freeBytesOf(stateFolder),
  ]);
  const clock = { year: new Date().getUTCFullYear(), synchronized };
  return { readings, groups, devices, tensorrt, cuda, clock, state: { folder: stateFolder, writable, freeBytes } };
}

async function readGroups(): Promise<Machine['groups']> {
  const text = await readFile('/etc/group', 'utf8').catch(() => '');
  const entries = text.split('\n').map((line) => line.split(':'));
  const ids = process.getgroups?.() ?? [];
  return {
    all: entries.map(([name]) => name!),
    mine: entries.filter(([, , id]) => ids.includes(Number(id))).map(([name]) => name!),
    root: process.getuid?.() === 0,
  };
}

async function readDevices(): Promise<Machine['devices']> {
  const gpus = (await names(GPU_FOLDER)).map((name): [string, RegExp] => [path.join(GPU_FOLDER, name), GPU_NODES]);
  const found = await Promise.all(
    [...DEVICES, ...gpus].map(async ([folder, pattern]) =>
      (await names(folder)).filter((name) => pattern.test(name)).map((name) => path.join(folder, name)),
    ),
  );
  return Promise.all(
    found.flat().map(async (device) => ({
      path: device,
      accessible: await access(device, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      ),
    })),
  );
}

async function tensorrtVersion(): Promise<string | null> {
  for (const folder of LIBRARY_FOLDERS) {
    const versions = (await names(folder)).flatMap((name) => /^libnvinfer\.so\.(\d+\.\d+[\d.]*)$/.exec(name)?.[1] ?? []);
    if (versions.length > 0) return versions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0]!;
  }
  return null;
}

async function cudaVersion(): Promise<string | null> {
  const text = await readFile('/usr/local/cuda/version.json', 'utf8').catch(() => '');
  return /"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"([\d.]+)"/.exec(text)?.[1] ?? null;
}

async function isSynchronized(): Promise<boolean | null> {
  try {
    const { stdout } = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { timeout: COMMAND_MS });
    return stdout.trim() === 'yes';
  } catch {
    return null;
  }
}

/** Of the folder, or of the nearest one above that exists, in which it would be made. */
async function canWrite(folder: string): Promise<boolean> {
  return access(await existing(folder), constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function freeBytesOf(folder: string): Promise<number | null> {
  try {
    const { bsize, bavail } = await statfs(await existing(folder));
    return bsize * bavail;
  } catch {
    return null;
  }
}

async function existing(folder: string): Promise<string> {
  for (let candidate = folder; ; candidate = path.dirname(candidate)) {
    const there = await access(candidate).then(
      () => true,
      () => false,
    );
    if (there || candidate === path.dirname(candidate)) return candidate;
  }
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
