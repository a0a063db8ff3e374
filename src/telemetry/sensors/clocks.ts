/** Load and clock of the GPU, clock of the processor. */
import type { SensorFiles } from './files.js';

const DEVFREQ = '/sys/class/devfreq';
const CPUFREQ = '/sys/devices/system/cpu/cpufreq';
const MAX_POLICIES = 16;

/** Orin's GPU is 17000000.ga10b (JetPack 5) or 17000000.gpu (6 and 7), Thor's gpu-gpc-0; gpu-nvd-0 is Thor's video engine. */
const GPU = /(^|\.)(gpu|g[abpv]\d+b)$|^gpu-gpc-\d+$/;

export interface GpuReading {
  /** 0…1; null where the driver tells only through NVML (Thor, discrete cards of NVIDIA). */
  readonly load: number | null;
  readonly mhz: number | null;
  readonly maxMhz: number | null;
  /** Of a GPU with memory of its own, as NVML tells; else null. */
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
}

const NO_MEMORY = { memoryUsedBytes: null, memoryTotalBytes: null };

export function readGpu(files: SensorFiles): GpuReading {
  const device = files.list(DEVFREQ).find((name) => GPU.test(name));
  if (device !== undefined) {
    const folder = `${DEVFREQ}/${device}`;
    const clock = (attribute: string) => files.number(`${folder}/${attribute}`, { scale: 1e-6 });
    return {
      load: files.number(`${folder}/device/load`, { max: 1000, scale: 1e-3 }),
      mhz: clock('cur_freq'),
      maxMhz: clock('max_freq'),
      ...NO_MEMORY,
    };
  }
  // amdgpu and its kin.
  for (const card of files.list('/sys/class/drm').filter((name) => /^card\d+$/.test(name))) {
    const load = files.number(`/sys/class/drm/${card}/device/gpu_busy_percent`, { max: 100, scale: 0.01 });
    if (load !== null) return { load, mhz: null, maxMhz: null, ...NO_MEMORY };
  }
  return { load: null, mhz: null, maxMhz: null, ...NO_MEMORY };
}

/** The fastest of the clusters, as each may have its own clock. */
export function readClocks(files: SensorFiles): { mhz: number | null; maxMhz: number | null } {
  const policies = files
    .list(CPUFREQ)
    .filter((name) => name.startsWith('policy'))
    .slice(0, MAX_POLICIES);
  const fastest = (attribute: string) => {
    const values = policies
      .map((policy) => files.number(`${CPUFREQ}/${policy}/${attribute}`, { scale: 1e-3 }))
      .filter((mhz) => mhz !== null);
    return values.length === 0 ? null : Math.round(Math.max(...values));
  };
  return { mhz: fastest('scaling_cur_freq'), maxMhz: fastest('scaling_max_freq') };
}
