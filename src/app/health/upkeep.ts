/** What keeps a node trustworthy: sensors, health, and what the service manager is told. Built and owned by the daemon. */
import type { Logger } from 'pino';
import type { SegmentationEngine } from '../../engine/engine.js';
import { SensorProcess } from '../../telemetry/sensors/process.js';
import { NO_READINGS } from '../../telemetry/sensors/readings.js';
import { SystemSampler } from '../../telemetry/system.js';
import type { ServiceManager } from '../service.js';
import { HealthMonitor, type MonitorDeps } from './monitor.js';
import { Progress } from './progress.js';
import { watchedEngine } from './watched-engine.js';

export interface UpkeepDeps extends Pick<MonitorDeps, 'node' | 'bootId' | 'cameras' | 'mqttLink' | 'publish'> {
  readonly service: ServiceManager;
  readonly log: Logger;
}

export class Upkeep {
  readonly inference = new Progress();
  readonly delivering = new Progress();
  readonly system: SystemSampler;
  readonly #sensors: SensorProcess;
  readonly #service: ServiceManager;
  readonly #monitor: HealthMonitor;
  #loaded = false;

  constructor(deps: UpkeepDeps) {
    const { service, log } = deps;
    this.#service = service;
    // Where the daemon writes: systemd names the folder.
    this.#sensors = new SensorProcess({ folders: [process.env.STATE_DIRECTORY ?? process.cwd()], log });
    this.system = new SystemSampler({ sensors: this.#sensors });
    this.#monitor = new HealthMonitor(
      {
        ...deps,
        inference: this.inference,
        delivering: this.delivering,
        engineLoaded: () => this.#loaded,
        governed: () => null,
        sensors: this.#sensors,
        onReadings: () => undefined,
      },
      NO_READINGS,
    );
  }

  /** The engine as the cameras use it; the service manager is asked for patience meanwhile. Errors: those of `opening`. */
  async open(opening: Promise<SegmentationEngine>): Promise<SegmentationEngine> {
    return watchedEngine(await this.#service.patience(() => 'loading the model', opening), this.inference);
  }

  /** Everything runs: from here on it is watched. */
  start(): void {
    this.#loaded = true;
    this.#monitor.start();
    this.#service.ready(this.#monitor.statusLine());
  }

  /** Something changed that should not wait for the next look. */
  look(): void {
    this.#monitor.look();
  }

  /** Around a reload. */
  async reloading<T>(reload: () => Promise<T>): Promise<T> {
    this.#service.reloading();
    try {
      return await reload();
    } finally {
      this.#service.ready(this.#monitor.statusLine());
    }
  }

  stop(reason: string): void {
    this.#service.stopping(`stopping: ${reason}`);
    this.#monitor.stop();
    this.#sensors.stop();
  }
}
