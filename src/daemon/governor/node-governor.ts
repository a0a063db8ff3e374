/** The governor of a node: what it turns down at present, and what it says when that changes. */
import type { Logger } from 'pino';
import type { GovernorConfig } from '../../config/schema.js';
import type { CameraEvent, GovernorTelemetry } from '../../contract/messages.js';
import type { CameraMeter } from '../../telemetry/meter.js';
import type { SensorReadings } from '../../telemetry/sensors/readings.js';
import { Governor, stepEvent } from './governor.js';
import { type DegradationLevel, degradationLevels } from './levels.js';
import { pressureOf } from './pressure.js';

export interface NodeGovernorDeps {
  readonly config: GovernorConfig;
  /** Whether text prompts may be asked. */
  readonly textPrompts: boolean;
  /** Of the cameras at work. */
  readonly meters: () => readonly CameraMeter[];
  /** Told of every step, for each camera. */
  readonly onStep: (event: CameraEvent) => void;
  readonly log: Logger;
}

export class NodeGovernor {
  readonly #deps: NodeGovernorDeps;
  readonly #levels: readonly DegradationLevel[];
  readonly #governor: Governor;

  constructor(deps: NodeGovernorDeps) {
    this.#deps = deps;
    this.#levels = degradationLevels(deps.config, deps.textPrompts);
    this.#governor = new Governor({ levels: this.#levels, limits: deps.config });
  }

  /** What is turned down at present. */
  get degradation(): DegradationLevel {
    return this.#governor.degradation;
  }

  /** What is turned down and why; null when nothing is. */
  get summary(): string | null {
    return this.#governor.summary;
  }

  get telemetry(): GovernorTelemetry {
    return { level: this.#governor.level, levels: this.#levels.length, setting: this.summary };
  }

  /** Takes a step where the sensors or the cameras' latencies ask for one. Returns whether it did. */
  update(readings: SensorReadings): boolean {
    const { config, meters, onStep, log } = this.#deps;
    const now = performance.now();
    const medians = meters().flatMap((meter) => meter.read(now).latencyMs.total?.p50 ?? []);
    const latencyMs = medians.length === 0 ? null : Math.max(...medians);
    const step = this.#governor.update(pressureOf({ readings, latencyMs }, config), now);
    if (!step) return false;
    const setting = step.degradation.name === '' ? 'everything' : step.degradation.name;
    log.warn({ governor: step.to, reason: step.reason }, `governor: step ${step.direction} to ${setting}: ${step.reason}`);
    onStep(stepEvent(step));
    return true;
  }
}
