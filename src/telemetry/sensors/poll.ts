/** Reads the sensors at one interval, for all parts of the daemon that need their readings. */
import { NO_READINGS, type SensorReadings } from './readings.js';

/** Temperatures change slowly; a shorter telemetry interval shortens the time between two readings, down to a second. */
const MAX_INTERVAL_MS = 5000;
const MIN_INTERVAL_MS = 1000;

export interface SensorPollDeps {
  readonly sensors: { sample(): Promise<SensorReadings> };
}

export class SensorPoll {
  readonly #deps: SensorPollDeps;
  #listener: (readings: SensorReadings) => void = () => undefined;
  #latest: SensorReadings = NO_READINGS;
  #first: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: SensorPollDeps) {
    this.#deps = deps;
  }

  /** Reads at once and then at the interval; tells `listener` each time. `telemetryMs`: as `every`. */
  start(telemetryMs: number, listener: (readings: SensorReadings) => void): void {
    this.#listener = listener;
    this.#first ??= this.#read();
    this.every(telemetryMs);
  }

  /** The interval follows that of telemetry, between 1 and 5 s. */
  every(telemetryMs: number): void {
    if (!this.#first) return;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#read(), Math.min(Math.max(telemetryMs, MIN_INTERVAL_MS), MAX_INTERVAL_MS));
  }

  /** The latest readings; waits for the first. Never rejects. */
  async sample(): Promise<SensorReadings> {
    await this.#first;
    return this.#latest;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#first = undefined;
  }

  async #read(): Promise<void> {
    const readings = await this.#deps.sensors.sample();
    this.#latest = readings;
    if (this.#first) this.#listener(readings);
  }
}
