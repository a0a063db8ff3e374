/** Load, memory, temperatures and power of the machine and of this process. What cannot be read, or not in time, is null. */
import { setTimeout as sleep } from 'node:timers/promises';
import systeminformation from 'systeminformation';
import { native } from '../addon/addon.js';
import type { SystemTelemetry } from '../contract/messages.js';
import type { SensorReadings } from './sensors/readings.js';

/** A reading that hangs must not take telemetry with it. */
const TIMEOUT_MS = 1000;

/** Share of all cores in use since the last call, in percent. */
export type LoadReader = () => Promise<{ readonly currentLoad: number }>;

export interface SystemSamplerDeps {
  readonly sensors: { sample(): Promise<SensorReadings> };
  readonly load?: LoadReader;
}

export class SystemSampler {
  readonly #sensors: SystemSamplerDeps['sensors'];
  readonly #load: LoadReader;
  /** One that has not come back yet is not asked again. */
  #loading: Promise<number | null> | undefined;

  constructor({ sensors, load = systeminformation.currentLoad }: SystemSamplerDeps) {
    this.#sensors = sensors;
    this.#load = load;
  }

  /** Never rejects. */
  async sample(): Promise<SystemTelemetry> {
    const [cpuLoad, readings] = await Promise.all([this.#cpuLoad(), this.#sensors.sample()]);
    return { clockSynced: native().clockSynced(), cpuLoad, ...ofThisProcess(), ...telemetryOf(readings) };
  }

  async #cpuLoad(): Promise<number | null> {
    if (this.#loading) return null;
    const loading = this.#load().then(
      ({ currentLoad }) => (Number.isFinite(currentLoad) ? Math.round(currentLoad * 100) / 10_000 : null),
      () => null,
    );
    this.#loading = loading;
    void loading.then(() => {
      this.#loading = undefined;
    });
    const timer = new AbortController();
    const value = await Promise.race([loading, sleep(TIMEOUT_MS, null, { signal: timer.signal }).catch(() => null)]);
    timer.abort();
    return value;
  }
}

function ofThisProcess(): Pick<SystemTelemetry, 'rssBytes' | 'heapUsedBytes'> {
  const { rss, heapUsed } = process.memoryUsage();
  return { rssBytes: rss, heapUsedBytes: heapUsed };
}

function telemetryOf(readings: SensorReadings): Omit<SystemTelemetry, 'clockSynced' | 'cpuLoad' | 'rssBytes' | 'heapUsedBytes'> {
  const { zones, rails, cooling, overCurrent, gpu, cpu, powerMode, memory, disks } = readings;
  return {
    memoryTotalBytes: memory.totalBytes,
    memoryAvailableBytes: memory.availableBytes,
    swapTotalBytes: memory.swapTotalBytes,
    swapFreeBytes: memory.swapFreeBytes,
    gpuLoad: gpu.load,
    gpuMemoryUsedBytes: gpu.memoryUsedBytes,
    gpuMemoryTotalBytes: gpu.memoryTotalBytes,
    clocksMhz: { cpu: cpu.mhz, cpuMax: cpu.maxMhz, gpu: gpu.mhz, gpuMax: gpu.maxMhz },
    temperaturesC: Object.fromEntries(zones.map(({ name, celsius }) => [name, celsius])),
    rails: Object.fromEntries(rails.map(({ name, ...rail }) => [name, rail])),
    throttling: { active: cooling.active, devices: [...cooling.devices] },
    overCurrent,
    powerMode,
    disks: { ...disks },
  };
}
