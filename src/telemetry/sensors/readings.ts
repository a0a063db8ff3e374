/** What a machine's sensors say, read by discovery: paths move with every JetPack, names of attributes do not. */
import { POWER_MODE_FILES, type PowerMode, parsePowerMode } from '../../domain/power-mode.js';
import { type GpuReading, readClocks, readGpu } from './clocks.js';
import type { DiskSpace, SensorFiles, SensorProblem } from './files.js';
import { type OverCurrent, type Rail, readOverCurrent, readRails } from './power.js';
import { type Cooling, readCooling, readZones, type Zone } from './thermal.js';

export interface Board {
  /** Of the device tree or the firmware: `NVIDIA Jetson Orin Nano Engineering Reference Developer Kit`. */
  readonly model: string | null;
  /** Jetson Linux, `36.4.3`; JetPack 5 is 35, 6 is 36, 7 is 38 and 39. Null on anything else. */
  readonly l4t: string | null;
}

export interface Memory {
  readonly totalBytes: number | null;
  readonly availableBytes: number | null;
  readonly swapTotalBytes: number | null;
  readonly swapFreeBytes: number | null;
}

export interface SensorReadings {
  readonly board: Board;
  readonly zones: readonly Zone[];
  readonly cooling: Cooling;
  readonly rails: readonly Rail[];
  readonly overCurrent: OverCurrent | null;
  readonly gpu: GpuReading;
  readonly cpu: { readonly mhz: number | null; readonly maxMhz: number | null };
  readonly powerMode: PowerMode | null;
  readonly memory: Memory;
  readonly disks: Readonly<Record<string, DiskSpace | null>>;
  readonly problems: readonly SensorProblem[];
}

export interface ReadOptions {
  /** Folders whose file systems are measured. */
  readonly folders: readonly string[];
}

/** Everything at once. Absent is null; unreadable is null and one of `problems`. */
export function readSensors(files: SensorFiles, { folders }: ReadOptions): SensorReadings {
  return {
    board: readBoard(files),
    zones: readZones(files),
    cooling: readCooling(files),
    rails: readRails(files),
    overCurrent: readOverCurrent(files),
    gpu: readGpu(files),
    cpu: readClocks(files),
    powerMode: readPowerMode(files),
    memory: readMemory(files),
    disks: Object.fromEntries(folders.map((folder) => [folder, files.disk(folder)])),
    problems: [...files.problems],
  };
}

/** What is known where nothing could be read. */
export const NO_READINGS: SensorReadings = {
  board: { model: null, l4t: null },
  zones: [],
  cooling: { active: null, devices: [] },
  rails: [],
  overCurrent: null,
  gpu: { load: null, mhz: null, maxMhz: null, memoryUsedBytes: null, memoryTotalBytes: null },
  cpu: { mhz: null, maxMhz: null },
  powerMode: null,
  memory: { totalBytes: null, availableBytes: null, swapTotalBytes: null, swapFreeBytes: null },
  disks: {},
  problems: [],
};

function readBoard(files: SensorFiles): Board {
  const release = files.read('/etc/nv_tegra_release');
  // "# R36 (release), REVISION: 4.3, GCID: …"
  const parts = /^# R(\d+) \(release\), REVISION: ([\d.]+)/.exec(release ?? '');
  return {
    model: files.read('/proc/device-tree/model') ?? files.read('/sys/class/dmi/id/product_name'),
    l4t: parts ? `${parts[1]}.${parts[2]}` : null,
  };
}

/** The mode that nvpmodel applied last, and its name. */
function readPowerMode(files: SensorFiles): PowerMode | null {
  const [status, modes] = POWER_MODE_FILES;
  return parsePowerMode(files.read(status), files.read(modes));
}

function readMemory(files: SensorFiles): Memory {
  const text = files.read('/proc/meminfo') ?? '';
  const bytes = (key: string) => {
    const kib = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  };
  return {
    totalBytes: bytes('MemTotal'),
    availableBytes: bytes('MemAvailable'),
    swapTotalBytes: bytes('SwapTotal'),
    swapFreeBytes: bytes('SwapFree'),
  };
}
