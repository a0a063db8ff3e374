/** What keeps a node trustworthy: sensors, health, and what the service manager is told. Built and owned by the daemon. */
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { GovernorConfig, MetricsConfig } from '../../config/schema.js';
import type { CountsMessage, GovernorTelemetry, TelemetryMessage } from '../../contract/messages.js';
import type { SegmentationEngine } from '../../engine/engine.js';
import type { CameraMeter } from '../../telemetry/meter.js';
import { SensorProcess } from '../../telemetry/sensors/process.js';
import type { SensorReadings } from '../../telemetry/sensors/readings.js';
import { SystemSampler } from '../../telemetry/system.js';
import { governedEngine } from '../governor/governed-engine.js';
import { Governor, type Step } from '../governor/governor.js';
import { type DegradationLevel, degradationLevels } from '../governor/levels.js';
import { pressureOf } from '../governor/pressure.js';
import { FASTSAMD_VERSION } from '../info.js';
import { type MetricsDeps, MetricsServer, probe } from '../metrics/server.js';
import type { ServiceManager } from '../service.js';
import { STALL_MS } from './assess.js';
import { HealthMonitor, type MonitorDeps } from './monitor.js';
import { Progress } from './progress.js';
import { watchedEngine } from './watched-engine.js';

export interface NodeHealthDeps extends Pick<MonitorDeps, 'node' | 'bootId' | 'cameras' | 'mqttLink' | 'lostLogLines' | 'publish'> {
  readonly governor: GovernorConfig;
  /** Whether text prompts may be asked. */
  readonly textPrompts: boolean;
  readonly metrics: MetricsConfig;
  /** Where the daemon writes. */
  readonly stateDirectory: string;
  readonly meters: () => readonly CameraMeter[];
  readonly counts: () => readonly CountsMessage[];
  readonly onStep: (step: Step) => void;
  readonly service: ServiceManager;
  readonly log: Logger;
}

export class NodeHealth {
  readonly inference = new Progress();
  readonly delivering = new Progress();
  readonly system: SystemSampler;
  readonly #sensors: SensorProcess;
  readonly #service: ServiceManager;
  readonly #monitor: HealthMonitor;
  readonly #deps: NodeHealthDeps;
  readonly #levels: readonly DegradationLevel[];
  readonly #governor: Governor;
  readonly #metrics: MetricsServer;
  readonly #probed: Pick<MetricsDeps, 'telemetry' | 'health' | 'version' | 'counts'>;
  #telemetry: (() => Promise<TelemetryMessage>) | undefined;
  #loaded = false;

  constructor(deps: NodeHealthDeps) {
    const { service, governor, log } = deps;
    this.#deps = deps;
    this.#service = service;
    this.#levels = degradationLevels(governor, deps.textPrompts);
    this.#governor = new Governor({ levels: this.#levels, limits: governor });
    // The folder itself may still have to be made; its parent is on the same disk.
    this.#sensors = new SensorProcess({ folders: [dirname(deps.stateDirectory)], log });
    this.system = new SystemSampler({ sensors: this.#sensors });
    this.#monitor = new HealthMonitor({
      ...deps,
      inference: this.inference,
      delivering: this.delivering,
      engineLoaded: () => this.#loaded,
      governed: () => this.#governor.summary,
      sensors: this.#sensors,
      onReadings: (readings) => this.#govern(readings),
    });
    this.#probed = {
      telemetry: async () => this.#telemetry?.(),
      version: FASTSAMD_VERSION,
      counts: deps.counts,
      health: () => ({
        alive: this.#monitor.alive(STALL_MS),
        ready: this.#loaded && this.#monitor.alive(STALL_MS),
        findings: this.#monitor.findings,
      }),
    };
    this.#metrics = new MetricsServer({ ...this.#probed, config: deps.metrics, log });
  }

  /** What the cameras have to do without at present. */
  get degradation(): DegradationLevel {
    return this.#governor.degradation;
  }

  get governorTelemetry(): GovernorTelemetry {
    return { level: this.#governor.level, levels: this.#levels.length, setting: this.#governor.summary };
  }

  /** What /metrics, /healthz or /readyz answers, for another server that has them; undefined for any other path. */
  probe(path: string): ReturnType<typeof probe> {
    return probe(path, this.#probed);
  }

  /** Asked at each scrape of the metrics from now on. */
  set telemetry(collect: () => Promise<TelemetryMessage>) {
    this.#telemetry = collect;
  }

  /** The engine as the cameras use it; the service manager is asked for patience meanwhile. Errors: those of `open`. */
  async open(open: (model?: string) => Promise<SegmentationEngine>): Promise<SegmentationEngine> {
    const main = await this.#service.patience(() => 'loading the model', open());
    const { enabled, smallModel } = this.#deps.governor;
    if (!enabled || smallModel === undefined) return watchedEngine(main, this.inference);
    const small = await this.#service
      .patience(() => 'loading the small model', open(smallModel))
      .catch(async (error: unknown) => {
        await main.stop();
        throw error;
      });
    return watchedEngine(
      governedEngine(main, small, () => this.degradation.smallModel),
      this.inference,
    );
  }

  /** Serves metrics where configured, from the beginning: what loads for long is not ready, but alive. Errors: CONFIG_INVALID. */
  listen(): Promise<void> {
    return this.#metrics.start();
  }

  /** Everything runs: from here on it is watched. */
  start(): void {
    this.#loaded = true;
    this.#monitor.start();
    this.#service.ready(this.#monitor.statusLine());
  }

  /** Something changed that should not wait for the next assessment. */
  assess(): void {
    this.#monitor.assess();
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
    this.#loaded = false;
    this.#metrics.stop();
    this.#service.stopping(`stopping: ${reason}`);
    this.#monitor.stop();
    this.#sensors.stop();
  }

  #govern(readings: SensorReadings): void {
    const { governor, meters, onStep, log } = this.#deps;
    if (!this.#loaded) return;
    const now = performance.now();
    const medians = meters().flatMap((meter) => meter.read(now).latencyMs.total?.p50 ?? []);
    const latencyMs = medians.length === 0 ? null : Math.max(...medians);
    const step = this.#governor.update(pressureOf({ readings, latencyMs }, governor), now);
    if (!step) return;
    const setting = step.degradation.name === '' ? 'everything' : step.degradation.name;
    log.warn({ governor: step.to, reason: step.reason }, `governor: step ${step.direction} to ${setting}: ${step.reason}`);
    onStep(step);
    this.assess();
  }
}
