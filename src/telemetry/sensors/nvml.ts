/** GPUs that tell about themselves only through NVML: Thor, and NVIDIA's cards in a PC. */
import type { GpuStatus } from '../../addon/gpus.js';
import type { Rail } from './power.js';
import type { SensorReadings } from './readings.js';
import type { Zone } from './thermal.js';

/** What is announced in place of a file's path while NVML is asked. */
export const NVML = 'nvml';

/** The readings with what NVML says added; what sysfs says already is kept. With several GPUs the load is the highest. Pure. */
export function withGpus(readings: SensorReadings, gpus: readonly GpuStatus[]): SensorReadings {
  const [first] = gpus;
  if (!first) return readings;
  const loads = gpus.flatMap(({ load }) => (load === null ? [] : [load]));
  const sum = (values: readonly (number | null)[]) =>
    values.every((value) => value !== null) ? values.reduce((total, value) => total + value, 0) : null;
  const known = new Set(readings.zones.map(({ name }) => name));
  const { gpu } = readings;
  return {
    ...readings,
    gpu: {
      load: gpu.load ?? (loads.length === 0 ? null : Math.max(...loads)),
      mhz: gpu.mhz ?? first.mhz,
      maxMhz: gpu.maxMhz ?? first.maxMhz,
      memoryUsedBytes: sum(gpus.map(({ memoryUsedBytes }) => memoryUsedBytes)),
      memoryTotalBytes: sum(gpus.map(({ memoryTotalBytes }) => memoryTotalBytes)),
    },
    zones: [...readings.zones, ...gpus.flatMap((status, k) => zoneOf(nameOf('gpu', k), status)).filter(({ name }) => !known.has(name))],
    rails: [...readings.rails, ...gpus.flatMap((status, k) => railOf(nameOf('GPU', k), status))],
  };
}

function nameOf(name: string, index: number): string {
  return index === 0 ? name : `${name}-${index + 1}`;
}

function zoneOf(name: string, { celsius }: GpuStatus): Zone[] {
  return celsius === null ? [] : [{ name, celsius, throttleCelsius: null, criticalCelsius: null }];
}

function railOf(name: string, { watts }: GpuStatus): Rail[] {
  if (watts === null) return [];
  return [{ name, volts: null, amps: null, watts, maxAmps: null, critAmps: null, maxAlarm: null, critAlarm: null }];
}
