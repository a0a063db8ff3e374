/** From sensors to whether there is too much, little enough, or something in between. Pure. */
import type { GovernorConfig } from '../../config/schema.js';
import type { SensorReadings } from '../../telemetry/sensors/readings.js';

/** Relative to where the kernel begins to throttle, which is later than one wants it. */
const BELOW_THROTTLE_C = 5;
const HYSTERESIS_C = 8;
/** Of the power limit, and of the latency limit: below this it is calm. */
const CALM_POWER = 0.85;
const CALM_LATENCY = 0.5;
/** The board's input, by the names that boards give it; where there is none, all rails together. */
const INPUT_RAILS = ['VDD_IN', 'VIN', 'VIN_SYS_5V0'];

export interface Pressure {
  readonly level: 'high' | 'between' | 'calm';
  /** Why it is high. */
  readonly reason: string;
}

export interface Signals {
  readonly readings: SensorReadings;
  /** Median milliseconds from capture to result; null before there are any. */
  readonly latencyMs: number | null;
}

type Limits = Pick<GovernorConfig, 'highC' | 'lowC' | 'maxWatts' | 'maxLatencyMs'>;

export function pressureOf({ readings, latencyMs }: Signals, limits: Limits): Pressure {
  const judgements = [...heat(readings, limits), ...power(readings, limits), ...latency(latencyMs, limits)];
  const reasons = judgements.flatMap(({ high }) => high ?? []);
  if (reasons.length > 0) return { level: 'high', reason: reasons.join('; ') };
  return { level: judgements.every(({ calm }) => calm) ? 'calm' : 'between', reason: '' };
}

interface Judgement {
  /** Why it is too much. */
  readonly high?: string;
  readonly calm: boolean;
}

function* heat({ zones, cooling }: SensorReadings, limits: Limits): Generator<Judgement> {
  if (cooling.active) yield { high: `heat slows the machine down (${cooling.devices.join(', ')})`, calm: false };
  for (const { name, celsius, throttleCelsius } of zones) {
    const high = limits.highC ?? (throttleCelsius === null ? null : throttleCelsius - BELOW_THROTTLE_C);
    if (celsius === null || high === null) continue;
    const low = limits.lowC ?? high - HYSTERESIS_C;
    if (celsius >= high) yield { high: `${name} is at ${celsius.toFixed(0)} °C`, calm: false };
    else yield { calm: celsius < low };
  }
}

function* power({ rails }: SensorReadings, { maxWatts }: Limits): Generator<Judgement> {
  for (const { name, maxAlarm, critAlarm } of rails) {
    if (maxAlarm || critAlarm) yield { high: `rail ${name} is above its current limit`, calm: false };
  }
  if (maxWatts === undefined) return;
  const input = INPUT_RAILS.map((name) => rails.find((rail) => rail.name === name)).find((rail) => rail !== undefined);
  const watts = input ? input.watts : rails.reduce((sum, rail) => sum + (rail.watts ?? 0), 0);
  if (watts === null) return;
  if (watts > maxWatts) yield { high: `${watts.toFixed(1)} W are drawn`, calm: false };
  else yield { calm: watts < maxWatts * CALM_POWER };
}

function* latency(latencyMs: number | null, { maxLatencyMs }: Limits): Generator<Judgement> {
  if (maxLatencyMs === undefined || latencyMs === null) return;
  if (latencyMs > maxLatencyMs) yield { high: `results take ${latencyMs.toFixed(0)} ms`, calm: false };
  else yield { calm: latencyMs < maxLatencyMs * CALM_LATENCY };
}
