/** Load, memory and temperature of the machine and of this process. What cannot be read, or not in time, is null. */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import systeminformation from 'systeminformation';
import type { SystemTelemetry } from '../wire/messages.js';

/** A sensor that hangs (a stuck I2C bus, say) must not take telemetry with it. */
const TIMEOUT_MS = 1000;

/** The part of systeminformation that is used; tests put sensors in its place that fail. */
export type Sensors = Pick<typeof systeminformation, 'currentLoad' | 'mem' | 'cpuTemperature'>;

export class SystemSampler {
  readonly #sensors: Sensors;
  /** Reads that have not come back yet, by sensor: a stuck one is not asked again. */
  readonly #pending = new Map<keyof Sensors, Promise<unknown>>();

  constructor(sensors: Sensors = systeminformation) {
    this.#sensors = sensors;
  }

  /** Never rejects, and takes at most about a second. */
  async sample(): Promise<SystemTelemetry> {
    const [load, memory, temperature] = await Promise.all([
      this.#read('currentLoad', (load) => share(load.currentLoad)),
      this.#read('mem', (memory) => memory),
      this.#read('cpuTemperature', (temperature) => temperature.main),
    ]);
    const { rss, heapUsed } = process.memoryUsage();
    return {
      cpuLoad: load,
      memoryTotalBytes: memory?.total ?? os.totalmem(),
      memoryAvailableBytes: memory?.available ?? null,
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      gpuLoad: null,
      temperaturesC: { cpu: finite(temperature) },
      powerW: {},
    };
  }

  async #read<S extends keyof Sensors, T>(sensor: S, pick: (value: Awaited<ReturnType<Sensors[S]>>) => T): Promise<T | null> {
    if (this.#pending.has(sensor)) return null;
    const reading = this.#sensors[sensor]() as ReturnType<Sensors[S]>;
    this.#pending.set(sensor, reading);
    const forget = () => this.#pending.delete(sensor);
    reading.then(forget, forget);

    const timer = new AbortController();
    try {
      const value = await Promise.race([reading, sleep(TIMEOUT_MS, undefined, { signal: timer.signal })]);
      return value === undefined ? null : pick(value as Awaited<ReturnType<Sensors[S]>>);
    } catch {
      return null;
    } finally {
      timer.abort();
    }
  }
}

function share(percent: number): number | null {
  return Number.isFinite(percent) ? Math.round(percent * 100) / 10_000 : null;
}

function finite(value: number | null | undefined): number | null {
  // systeminformation says null, −1 or 0 for a sensor that it does not find.
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}
