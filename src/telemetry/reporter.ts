/** Puts a telemetry message together at a fixed interval and hands it on. */
import type { Logger } from 'pino';
import { toTimestamp } from '../contract/common.js';
import type { GovernorTelemetry, MqttTelemetry, TelemetryMessage } from '../contract/messages.js';
import { messageOf } from '../errors.js';
import type { CameraMeter } from './meter.js';
import type { SystemSampler } from './system.js';

export interface ReporterDeps {
  readonly node: string;
  readonly bootId: string;
  readonly intervalMs: number;
  readonly meters: () => readonly CameraMeter[];
  readonly system: SystemSampler;
  readonly mqtt: () => MqttTelemetry;
  readonly governor: () => GovernorTelemetry;
  readonly publish: (message: TelemetryMessage) => void;
  readonly log: Logger;
}

export class TelemetryReporter {
  readonly #deps: ReporterDeps;
  #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(deps: ReporterDeps) {
    this.#deps = deps;
    this.#intervalMs = deps.intervalMs;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      // A round that takes longer than the interval is not joined by a second one.
      this.#running ??= this.#report().finally(() => {
        this.#running = undefined;
      });
    }, this.#intervalMs);
  }

  /** Reports at this interval from now on. */
  every(intervalMs: number): void {
    if (intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.start();
  }

  /** Resolves when the report under way, if any, is out. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  /** The message of this moment. */
  async collect(): Promise<TelemetryMessage> {
    const { node, bootId, meters, system, mqtt, governor } = this.#deps;
    const sample = await system.sample();
    const now = performance.now();
    return {
      v: 1,
      node,
      bootId,
      ts: toTimestamp(Date.now()),
      uptimeS: Math.round(process.uptime()),
      cameras: meters().map((meter) => meter.read(now)),
      mqtt: mqtt(),
      governor: governor(),
      system: sample,
    };
  }

  async #report(): Promise<void> {
    const { publish, log } = this.#deps;
    try {
      publish(await this.collect());
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'telemetry: no report');
    }
  }
}
