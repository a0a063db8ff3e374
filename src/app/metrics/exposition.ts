/** Telemetry and health as Prometheus metrics. */
import { Gauge, Registry } from 'prom-client';
import type { TelemetryMessage } from '../../wire/messages.js';
import type { Finding } from '../health/assess.js';

/** The text of /metrics. What is null is left out: an absent sensor is no zero. */
export async function exposition(message: TelemetryMessage | undefined, findings: readonly Finding[]): Promise<string> {
  const registry = new Registry();
  const gauge = (
    name: string,
    help: string,
    samples: readonly (readonly [Readonly<Record<string, string>>, number | null | undefined])[],
  ) => {
    const known = samples.flatMap(([labels, value]) => (typeof value === 'number' ? [[labels, value] as const] : []));
    if (known.length === 0) return;
    const labelNames = Object.keys(known[0]![0]);
    const metric = new Gauge({ name: `fastsamd_${name}`, help, labelNames, registers: [registry] });
    for (const [labels, value] of known) metric.set({ ...labels }, value);
  };
  gauge(
    'subsystem_ok',
    'Whether a subsystem is well',
    findings.map(({ name, ok }) => [{ subsystem: name }, ok ? 1 : 0]),
  );
  if (!message) return registry.metrics();

  const { cameras, mqtt, system, governor } = message;
  gauge('uptime_seconds', 'Seconds since the start', [[{}, message.uptimeS]]);
  const each = (pick: (camera: (typeof cameras)[number]) => number) =>
    cameras.map((camera) => [{ camera: camera.id }, pick(camera)] as const);
  gauge(
    'camera_frames_in_per_second',
    'Frames a second from the source',
    each(({ fpsIn }) => fpsIn),
  );
  gauge(
    'camera_results_per_second',
    'Results a second',
    each(({ fpsOut }) => fpsOut),
  );
  gauge(
    'camera_frames_dropped',
    'Frames dropped since the start, by reason',
    cameras.flatMap(({ id, dropped }) => Object.entries(dropped).map(([reason, count]) => [{ camera: id, reason }, count] as const)),
  );
  gauge(
    'camera_latency_milliseconds',
    'Latency by stage over the latest frames',
    cameras.flatMap(({ id, latencyMs }) =>
      Object.entries(latencyMs).flatMap(([stage, percentiles]) =>
        Object.entries(percentiles).map(([quantile, ms]) => [{ camera: id, stage, quantile }, ms] as const),
      ),
    ),
  );
  gauge('mqtt_published', 'Messages published since the start', [[{}, mqtt.published]]);
  gauge('mqtt_queued', 'Messages waiting or in flight', [[{}, mqtt.queued]]);
  gauge('mqtt_reconnects', 'Reconnects since the start', [[{}, mqtt.reconnects]]);
  gauge('mqtt_connected', 'Whether the broker is connected', [[{}, mqtt.connectedSince === null ? 0 : 1]]);
  gauge(
    'mqtt_requests',
    'Requests since the start, by what became of them',
    Object.entries(mqtt.requests).map(([outcome, total]) => [{ outcome }, total] as const),
  );
  gauge('spool_events', 'Events that wait for the broker', [[{}, mqtt.spool.depth]]);
  gauge('governor_level', 'Rungs below doing everything', [[{}, governor.level]]);
  gauge('cpu_load', 'All cores, 0 to 1', [[{}, system.cpuLoad]]);
  gauge('gpu_load', '0 to 1', [[{}, system.gpuLoad]]);
  gauge('resident_memory_bytes', 'Of the daemon', [[{}, system.rssBytes]]);
  gauge('memory_available_bytes', 'Of the machine', [[{}, system.memoryAvailableBytes]]);
  gauge(
    'temperature_celsius',
    'By zone',
    Object.entries(system.temperaturesC).map(([zone, celsius]) => [{ zone }, celsius]),
  );
  gauge(
    'rail_watts',
    'By power rail',
    Object.entries(system.rails).map(([rail, { watts }]) => [{ rail }, watts]),
  );
  gauge('throttling', 'Whether heat slows the machine down', [
    [{}, system.throttling.active === null ? null : Number(system.throttling.active)],
  ]);
  gauge(
    'disk_free_bytes',
    'By folder that is written to',
    Object.entries(system.disks).map(([folder, space]) => [{ folder }, space?.freeBytes]),
  );
  return registry.metrics();
}
