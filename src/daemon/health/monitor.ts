/** Assesses the daemon once a second and says how it is doing: health, alerts, state, and the watchdog's pings. */
import type { Logger } from 'pino';
import { toTimestamp } from '../../contract/common.js';
import type { Alert, HealthMessage } from '../../contract/messages.js';
import { NO_READINGS, type SensorReadings } from '../../telemetry/sensors/readings.js';
import type { ServiceManager } from '../service.js';
import { assess, type CameraEvidence, degradedReason, type Evidence, type Finding, isAlive, STALL_MS } from './assess.js';
import type { Progress } from './progress.js';
import { HealthRecord } from './record.js';

const ASSESS_MS = 1000;

export interface MonitorDeps {
  readonly node: string;
  readonly bootId: string;
  /** Inferences; before the start of the monitor, which may take minutes, none of them stalls. */
  readonly inference: Progress;
  readonly delivering: Progress;
  readonly cameras: () => readonly CameraEvidence[];
  readonly mqttLink: () => { readonly ok: boolean; readonly reason?: string };
  /** Lines of the log that were lost since the start. */
  readonly lostLogLines: () => number;
  /** What the governor has turned down; null when nothing. */
  readonly governed: () => string | null;
  readonly publish: {
    setHealth(message: HealthMessage): void;
    setAlert(id: string, alert: Alert): void;
    clearAlert(id: string): void;
    /** `ready`, or `degraded` with the reason. */
    setState(state: 'ready' | 'degraded', reason?: string): void;
  };
  readonly service: ServiceManager;
  readonly log: Logger;
}

export class HealthMonitor {
  readonly #deps: MonitorDeps;
  readonly #record = new HealthRecord();
  #readings: SensorReadings = NO_READINGS;
  #assessing: NodeJS.Timeout | undefined;
  #overCurrent: { first: number; last: number; at: number } | undefined;
  readonly #log = { lost: 0, at: Number.NEGATIVE_INFINITY };
  /** As last published; null: ready. Undefined: nothing yet. */
  #degraded: string | null | undefined;
  #findings: readonly Finding[] = [];

  constructor(deps: MonitorDeps) {
    this.#deps = deps;
  }

  /** What the last assessment found; `ready` from the start of the monitor to its end, unless something hangs. */
  get report(): { readonly alive: boolean; readonly ready: boolean; readonly findings: readonly Finding[] } {
    const alive = this.alive(STALL_MS);
    return { alive, ready: this.#assessing !== undefined && alive, findings: this.#findings };
  }

  alive(limitMs = Number.POSITIVE_INFINITY): boolean {
    return isAlive(this.#evidence(), limitMs);
  }

  /** The engine is loaded and the cameras have begun. */
  start(): void {
    const { service } = this.#deps;
    this.#assessing ??= setInterval(() => this.assess(), ASSESS_MS);
    this.assess();
    service.ready(this.#statusLine());
    service.startWatchdog((limitMs) => this.alive(limitMs));
  }

  stop(): void {
    clearInterval(this.#assessing);
    this.#assessing = undefined;
    this.#deps.service.stopWatchdog();
  }

  /** What the sensors say, until the next readings. */
  take(readings: SensorReadings): void {
    this.#readings = readings;
    const { overCurrent } = readings;
    if (!overCurrent) return;
    const events = (overCurrent.underVoltage ?? 0) + (overCurrent.average ?? 0) + (overCurrent.instantaneous ?? 0);
    const known = this.#overCurrent ?? { first: events, last: events, at: Number.NEGATIVE_INFINITY };
    this.#overCurrent = { first: known.first, last: events, at: events > known.last ? performance.now() : known.at };
  }

  /** Assesses at once, after a change that should not wait for the next second. Does nothing unless started. */
  assess(): void {
    if (!this.#assessing) return;
    const { node, bootId, publish, log, governed } = this.#deps;
    const now = Date.now();
    const findings = assess(this.#evidence());
    this.#findings = findings;
    if (this.#record.update(findings, now)) {
      const subsystems = Object.fromEntries(
        [...this.#record.subsystems].map(([name, { since, last, ...record }]) => [
          name,
          {
            ...record,
            since: toTimestamp(since),
            ...(last && { last: { ...last, since: toTimestamp(last.since), until: toTimestamp(last.until) } }),
          },
        ]),
      );
      publish.setHealth({ v: 1, node, bootId, ts: toTimestamp(now), ok: findings.every(({ ok }) => ok), subsystems });
    }
    const { raised, cleared } = this.#record.alerts(findings, performance.now());
    for (const { id, severity, message } of raised) {
      publish.setAlert(id, { severity, message });
      log.warn({ alert: id, severity }, `alert ${id}: ${message}`);
    }
    for (const id of cleared) {
      publish.clearAlert(id);
      log.info({ alert: id }, `alert ${id}: over`);
    }
    this.#tellState(degradedReason(findings, governed()) ?? null);
  }

  #tellState(degraded: string | null): void {
    const { publish, service } = this.#deps;
    if (degraded !== this.#degraded) {
      this.#degraded = degraded;
      if (degraded === null) publish.setState('ready');
      else publish.setState('degraded', degraded);
    }
    service.status(this.#statusLine());
  }

  /** One line for `systemctl status`. */
  #statusLine(): string {
    const cameras = this.#deps.cameras();
    const streaming = cameras.filter(({ phase }) => phase === 'streaming').length;
    const state = this.#degraded ? `degraded (${this.#degraded})` : 'ready';
    return `${state}; ${streaming} of ${cameras.length} ${cameras.length === 1 ? 'camera' : 'cameras'} streaming`;
  }

  #evidence(): Evidence {
    const { inference, delivering, cameras, mqttLink, lostLogLines, governed } = this.#deps;
    const events = this.#overCurrent;
    const lost = lostLogLines();
    if (lost > this.#log.lost) Object.assign(this.#log, { lost, at: performance.now() });
    return {
      cameras: cameras(),
      engine: this.#assessing ? { stalledMs: inference.stalledMs } : null,
      delivery: { stalledMs: delivering.stalledMs },
      mqtt: mqttLink(),
      readings: this.#readings,
      overCurrent: events ? { events: events.last - events.first, agoMs: performance.now() - events.at } : null,
      log: { lost, agoMs: performance.now() - this.#log.at },
      governed: governed(),
    };
  }
}
