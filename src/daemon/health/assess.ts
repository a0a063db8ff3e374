/** From what the parts report to what is well and what is not. Pure. */
import type { CameraPhase } from '../../source/camera.js';
import type { SensorReadings } from '../../telemetry/sensors/readings.js';

/** What one look at the daemon shows. Times in milliseconds. */
export interface Evidence {
  readonly cameras: readonly CameraEvidence[];
  /** Null before it is loaded. */
  readonly engine: { readonly stalledMs: number } | null;
  /** Results on their way to the publisher. */
  readonly delivery: { readonly stalledMs: number };
  readonly mqtt: { readonly ok: boolean; readonly reason?: string };
  readonly readings: SensorReadings;
  /** Over-current events since the daemon started, and how long ago the last one was seen. */
  readonly overCurrent: { readonly events: number; readonly agoMs: number } | null;
  /** Lines of the log lost since the daemon started, and how long ago the last one was. */
  readonly log: { readonly lost: number; readonly agoMs: number };
  /** What the governor has turned down; null when nothing. */
  readonly governed: string | null;
}

export interface CameraEvidence {
  readonly id: string;
  readonly phase: CameraPhase;
  /** For how long it has been in this phase. */
  readonly phaseMs: number;
  readonly reason: string | undefined;
}

export interface Finding {
  /** Subsystem: `camera/belt`, `engine`, `mqtt`, `disk`, `thermal`. */
  readonly name: string;
  readonly ok: boolean;
  readonly reason?: string;
  /** What to raise when it lasts. */
  readonly alert?: { readonly id: string; readonly severity: 'warning' | 'critical' };
  /** Not ok, and yet no reason to call the node degraded: that message could not be published. */
  readonly quiet?: boolean;
}

/** Phases of a camera that should deliver and cannot. */
const AWAY: readonly string[] = ['lost', 'wedged'];
/** A camera may take this long to open before that is worth a word. */
const CONNECT_MS = 15_000;
/** An inference, or a result on its way out, that takes longer is stuck. */
export const STALL_MS = 10_000;
const MIN_FREE_BYTES = 256 * 1024 * 1024;
const MIN_FREE_SHARE = 0.02;
/** Below the limit of the kernel by this much is warm already. */
const THROTTLE_MARGIN_C = 2;
/** A lost line of the log is news for this long. */
const LOG_LOST_MS = 60_000;
/** An over-current event is news for this long. */
const OVER_CURRENT_MS = 60_000;

export function assess(evidence: Evidence): Finding[] {
  return [
    ...evidence.cameras.map(assessCamera),
    assessEngine(evidence),
    assessDelivery(evidence),
    ...assessDisks(evidence.readings),
    assessThermal(evidence),
    assessLog(evidence),
  ];
}

/** What is wrong in one line, for `state`; undefined when the node is ready. */
export function degradedReason(findings: readonly Finding[], governed: string | null): string | undefined {
  const reasons = findings.filter(({ ok, quiet }) => !ok && !quiet).map(({ name, reason }) => `${name.replace('/', ' ')}: ${reason}`);
  const all = [...reasons, ...(governed === null ? [] : [`slowed down: ${governed}`])].join('; ');
  return all === '' ? undefined : all.slice(0, 1000);
}

/** The daemon works, or waits for something that is not its own: what the watchdog asks. */
export function isAlive({ engine, delivery }: Pick<Evidence, 'engine' | 'delivery'>, limitMs: number): boolean {
  return (engine?.stalledMs ?? 0) <= limitMs && delivery.stalledMs <= limitMs;
}

function assessCamera({ id, phase, phaseMs, reason }: CameraEvidence): Finding {
  const name = `camera/${id}`;
  const alert = { id: `camera-${id}`.slice(0, 64), severity: 'warning' } as const;
  if (AWAY.includes(phase)) return { name, ok: false, reason: reason ?? phase, alert };
  if (phase !== 'connecting') return { name, ok: true };
  if (reason !== undefined) return { name, ok: false, reason, alert };
  if (phaseMs <= CONNECT_MS) return { name, ok: true };
  return { name, ok: false, reason: `has not opened for ${seconds(phaseMs)}`, alert };
}

function assessEngine({ engine }: Evidence): Finding {
  if (engine === null) return { name: 'engine', ok: false, reason: 'the model is not loaded yet', quiet: true };
  if (engine.stalledMs <= STALL_MS) return { name: 'engine', ok: true };
  const reason = `no inference has finished for ${seconds(engine.stalledMs)}`;
  return { name: 'engine', ok: false, reason, alert: { id: 'engine-stalled', severity: 'critical' } };
}

function assessDelivery({ mqtt, delivery }: Evidence): Finding {
  if (delivery.stalledMs > STALL_MS) {
    const reason = `no result has been handed on for ${seconds(delivery.stalledMs)}`;
    return { name: 'mqtt', ok: false, reason, alert: { id: 'delivery-stalled', severity: 'critical' } };
  }
  if (!mqtt.ok) return { name: 'mqtt', ok: false, reason: mqtt.reason ?? 'the broker is not connected', quiet: true };
  return { name: 'mqtt', ok: true };
}

function assessDisks({ disks }: SensorReadings): Finding[] {
  const low = Object.entries(disks).find(
    ([, space]) => space !== null && space.freeBytes < Math.min(MIN_FREE_BYTES, space.totalBytes * MIN_FREE_SHARE),
  );
  if (!low) return [{ name: 'disk', ok: true }];
  const [folder, space] = low;
  const reason = `${Math.round((space?.freeBytes ?? 0) / 2 ** 20)} MiB are free in ${folder}; make room there`;
  return [{ name: 'disk', ok: false, reason, alert: { id: 'disk-full', severity: 'critical' } }];
}

function assessThermal({ readings, overCurrent }: Evidence): Finding {
  const { zones, cooling, rails } = readings;
  const hot = zones.find(
    ({ celsius, throttleCelsius }) => celsius !== null && throttleCelsius !== null && celsius >= throttleCelsius - THROTTLE_MARGIN_C,
  );
  const reasons = [
    ...(cooling.active ? [`heat slows the machine down (${cooling.devices.join(', ')})`] : []),
    ...(hot ? [`${hot.name} is at ${hot.celsius?.toFixed(0)} °C, its limit is ${hot.throttleCelsius?.toFixed(0)} °C`] : []),
    ...rails.filter(({ critAlarm }) => critAlarm).map(({ name, amps }) => `rail ${name} is above its critical current (${amps} A)`),
    ...(overCurrent && overCurrent.events > 0 && overCurrent.agoMs < OVER_CURRENT_MS
      ? [`${overCurrent.events} over-current events since the start slowed the machine down; check the power supply and nvpmodel`]
      : []),
  ];
  if (reasons.length === 0) return { name: 'thermal', ok: true };
  return { name: 'thermal', ok: false, reason: reasons.join('; '), alert: { id: 'thermal', severity: 'warning' } };
}

/** No reason to call the node degraded: it does everything but tell of it. */
function assessLog({ log: { lost, agoMs } }: Evidence): Finding {
  if (lost === 0 || agoMs > LOG_LOST_MS) return { name: 'log', ok: true };
  const reason = `${lost} lines of the log were lost since the start; make room where standard error goes, or read it`;
  return { name: 'log', ok: false, reason, alert: { id: 'log-lost', severity: 'warning' }, quiet: true };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
