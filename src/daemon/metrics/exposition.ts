/**
 * Telemetry and health as Prometheus metrics, in the text format 0.0.4 and by its naming rules (prometheus.io,
 * "Exposition formats" and "Metric and label naming"): base units, `_total` on counters, summaries for quantiles.
 */
import type { CountsMessage, InspectionMessage, TelemetryMessage } from '../../contract/messages.js';
import type { Finding } from '../health/assess.js';

/** Labels and a value; one that is not known is left out: an absent sensor is no zero. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | null | undefined];

/** What drops frames; each is there from the first scrape, so that rates begin at zero. */
const DROP_REASONS = ['busy', 'rate', 'stale', 'corrupt', 'stopped', 'failed'] as const;
const QUANTILES = { p50: '0.5', p95: '0.95', p99: '0.99' } as const;

/** The text of /metrics. `telemetry` is undefined before the model is loaded. */
export function exposition(
  telemetry: TelemetryMessage | undefined,
  findings: readonly Finding[],
  version: string,
  counts: readonly CountsMessage[] = [],
  inspections: readonly InspectionMessage[] = [],
): string {
  const lines: string[] = [];
  const family = (type: 'counter' | 'gauge', name: string, help: string, samples: readonly Sample[]) => {
    lines.push(`# HELP fastsamd_${name} ${help}`, `# TYPE fastsamd_${name} ${type}`);
    for (const [labels, value] of samples) if (typeof value === 'number') lines.push(sampleLine(name, labels, value));
  };
  family('gauge', 'build_info', 'Versions; always 1', [[{ version, node_version: process.versions.node }, 1]]);
  family(
    'gauge',
    'subsystem_ok',
    'Whether a subsystem is well',
    findings.map(({ name, ok }) => [{ subsystem: name }, ok ? 1 : 0]),
  );
  if (telemetry) {
    addCameras(family, telemetry);
    addTracking(family, telemetry);
    addLatencies(lines, telemetry);
    addNode(family, telemetry);
  }
  addCounts(family, counts);
  addInspections(family, inspections);
  return `${lines.join('\n')}\n`;
}

type AddFamily = (type: 'counter' | 'gauge', name: string, help: string, samples: readonly Sample[]) => void;

function addCameras(family: AddFamily, { cameras }: TelemetryMessage): void {
  const each = (pick: (camera: (typeof cameras)[number]) => number) =>
    cameras.map((camera): Sample => [{ camera: camera.id }, pick(camera)]);
  const prompts = (pick: (prompt: (typeof cameras)[number]['prompts'][number]) => number | null) =>
    cameras.flatMap(({ id, prompts: all }) => all.map((prompt): Sample => [{ camera: id, prompt: prompt.id }, pick(prompt)]));
  family(
    'counter',
    'camera_frames_received_total',
    'Frames from the source, dropped ones included',
    each(({ framesIn }) => framesIn),
  );
  family(
    'counter',
    'camera_results_total',
    'Frames that were segmented and answered',
    each(({ framesOut }) => framesOut),
  );
  family(
    'counter',
    'camera_frames_dropped_total',
    'Frames dropped, by reason',
    cameras.flatMap(({ id, dropped }) =>
      Object.entries({ ...Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])), ...dropped }).map(
        ([reason, count]): Sample => [{ camera: id, reason }, count],
      ),
    ),
  );
  family(
    'counter',
    'camera_objects_total',
    'Objects found, in all frames together',
    each(({ objects }) => objects),
  );
  family(
    'gauge',
    'camera_frames_per_second',
    'Frames from the source, over 10 s',
    each(({ fpsIn }) => fpsIn),
  );
  family(
    'gauge',
    'camera_results_per_second',
    'Results, over 10 s',
    each(({ fpsOut }) => fpsOut),
  );
  family(
    'gauge',
    'prompt_matched',
    'Whether a prompt matched in the latest frame',
    prompts(({ matched }) => (matched === null ? null : Number(matched))),
  );
  family(
    'gauge',
    'prompt_objects',
    'Objects that match a prompt in the latest frame',
    prompts(({ objects }) => objects),
  );
  family(
    'counter',
    'prompt_frames_matched_total',
    'Frames with a match since the prompt is in force',
    prompts(({ framesMatched }) => framesMatched),
  );
}

function addTracking(family: AddFamily, { cameras }: TelemetryMessage): void {
  const tracking = cameras.flatMap(({ id, tracking: known }) => (known ? [[id, known] as const] : []));
  if (tracking.length === 0) return;
  const each = (pick: (known: (typeof tracking)[number][1]) => number | null) =>
    tracking.map(([camera, known]): Sample => [{ camera }, pick(known)]);
  const add = (type: 'counter' | 'gauge', name: string, help: string, pick: Parameters<typeof each>[0]) =>
    family(type, name, help, each(pick));
  add('gauge', 'tracks_live', 'Tracks in the latest frame', ({ live }) => live);
  add('gauge', 'tracks_lost', 'Tracks that are not in the latest frame and may come back', ({ lost }) => lost);
  add('gauge', 'tracks_born_per_second', 'Tracks that began, over 10 s', ({ bornPerS }) => bornPerS);
  add('gauge', 'tracks_died_per_second', 'Tracks that ended, over 10 s', ({ diedPerS }) => diedPerS);
  add('counter', 'tracks_reacquired_total', 'Times that a track was seen again after it was lost', ({ reacquired }) => reacquired);
  add('gauge', 'tracks_carried_masks', 'Masks that were carried into the latest frame', ({ carried }) => carried);
  add(
    'gauge',
    'camera_motion_sure_ratio',
    'Share of the latest frames whose camera motion was found',
    ({ cameraMotionSure }) => cameraMotionSure,
  );
  add('counter', 'object_events_dropped_total', 'Events of objects beyond 20 a second', ({ eventsDropped }) => eventsDropped);
}

/** Crossings and visits of the lines and zones in force. */
function addCounts(family: AddFamily, counts: readonly CountsMessage[]): void {
  if (counts.length === 0) return;
  const lines = counts.flatMap(({ camera, lines: all }) =>
    Object.entries(all).flatMap(([line, total]) =>
      (['in', 'out'] as const).map((direction): Sample => [{ camera, line, direction }, total[direction]]),
    ),
  );
  const zones = (key: 'entered' | 'inside') =>
    counts.flatMap(({ camera, zones: all }) => Object.entries(all).map(([zone, visits]): Sample => [{ camera, zone }, visits[key]]));
  family('counter', 'line_crossings_total', 'Objects that crossed a line, since the counts began', lines);
  family('counter', 'zone_entered_total', 'Objects that came into a zone, since the counts began', zones('entered'));
  family('gauge', 'zone_objects', 'Objects in a zone', zones('inside'));
}

/** Verdicts under the recipe in force, and what the values of its checks say about the process. */
function addInspections(family: AddFamily, inspections: readonly InspectionMessage[]): void {
  if (inspections.length === 0) return;
  family(
    'gauge',
    'inspection_ready',
    'Whether the camera judges parts',
    inspections.map(({ camera, state }) => [{ camera }, state === 'ready' || state === 'inspecting' ? 1 : 0]),
  );
  const judging = inspections.flatMap(({ camera, recipe, counts, statistics }) =>
    recipe ? [{ labels: { camera, recipe: recipe.id, revision: String(recipe.revision) }, counts, statistics }] : [],
  );
  family(
    'counter',
    'inspection_verdicts_total',
    'Verdicts since this revision of the recipe was activated',
    judging.flatMap(({ labels, counts }) =>
      (['ok', 'nok', 'unsure'] as const).map((verdict): Sample => [{ ...labels, verdict }, counts[verdict]]),
    ),
  );
  const total = (key: 'missed' | 'unseen') => judging.map(({ labels, counts }): Sample => [labels, counts[key]]);
  family('counter', 'inspection_missed_total', 'Triggers that found the queue full', total('missed'));
  family('counter', 'inspection_unseen_total', 'Parts that were first seen behind the line', total('unseen'));
  for (const [key, help] of [
    ['mean', 'Mean of the newest values of a check, in its unit'],
    ['sd', 'Standard deviation of the newest values of a check'],
    ['cpk', 'Capability, from the spread within subgroups of five'],
    ['ppk', 'Performance, from the spread of all values'],
  ] as const) {
    const samples = judging.flatMap(({ labels, statistics = [] }) =>
      statistics.map((check): Sample => [{ ...labels, check: check.id }, check[key]]),
    );
    family('gauge', `inspection_check_${key}`, help, samples);
  }
  family(
    'gauge',
    'inspection_check_nelson',
    'Whether the newest value of a check breaks a Nelson rule',
    judging.flatMap(({ labels, statistics = [] }) =>
      statistics.flatMap(({ id, nelson }) =>
        [1, 2, 3, 4].map((rule): Sample => [{ ...labels, check: id, rule: String(rule) }, nelson.includes(rule) ? 1 : 0]),
      ),
    ),
  );
}

/** Quantiles are of the latest frames, sum and count of all. */
function addLatencies(lines: string[], { cameras }: TelemetryMessage): void {
  const name = 'camera_latency_seconds';
  lines.push(`# HELP fastsamd_${name} Latency by stage; total is from capture to the encoded message`, `# TYPE fastsamd_${name} summary`);
  for (const { id, latencyMs } of cameras) {
    for (const [stage, measured] of Object.entries(latencyMs)) {
      const labels = { camera: id, stage };
      for (const [key, quantile] of Object.entries(QUANTILES)) {
        lines.push(sampleLine(name, { ...labels, quantile }, measured[key as keyof typeof QUANTILES] / 1000));
      }
      lines.push(sampleLine(`${name}_sum`, labels, measured.sum / 1000), sampleLine(`${name}_count`, labels, measured.count));
    }
  }
}

function addNode(family: AddFamily, { mqtt, system, governor, uptimeS }: TelemetryMessage): void {
  const labelled = (label: string, values: Readonly<Record<string, number | null | undefined>>) =>
    Object.entries(values).map(([key, value]): Sample => [{ [label]: key }, value]);
  family('gauge', 'uptime_seconds', 'Since the start of the daemon', [[{}, uptimeS]]);
  family('counter', 'mqtt_messages_published_total', 'Messages that the broker took', [[{}, mqtt.published]]);
  family('counter', 'mqtt_messages_dropped_total', 'Messages that were not delivered, by topic', labelled('topic', mqtt.dropped));
  family('gauge', 'mqtt_messages_queued', 'Messages waiting or in flight', [[{}, mqtt.queued]]);
  family('counter', 'mqtt_reconnects_total', 'Connections to the broker after the first', [[{}, mqtt.reconnects]]);
  family('gauge', 'mqtt_connected', 'Whether the broker is connected', [[{}, mqtt.connectedSince === null ? 0 : 1]]);
  family('counter', 'mqtt_requests_total', 'Requests, by outcome', labelled('outcome', mqtt.requests));
  if (mqtt.jobs) {
    const { adopted, ...jobs } = mqtt.jobs;
    family('counter', 'mqtt_jobs_total', 'Jobs, by outcome', labelled('outcome', jobs));
    family('counter', 'mqtt_job_slots_adopted_total', 'Places of other nodes in a queue that were taken over', [[{}, adopted]]);
  }
  family('gauge', 'spool_events', 'Events that wait for the broker', [[{}, mqtt.spool.depth]]);
  family('gauge', 'spool_bytes', 'Size of the events that wait for the broker', [[{}, mqtt.spool.bytes]]);
  family('counter', 'spool_events_dropped_total', 'Events lost, by reason', labelled('reason', mqtt.spool.dropped));
  family('gauge', 'governor_level', 'Steps below full work', [[{}, governor.level]]);
  family('gauge', 'cpu_load_ratio', 'Of all cores', [[{}, system.cpuLoad]]);
  family('gauge', 'gpu_load_ratio', 'Of the GPU', [[{}, system.gpuLoad]]);
  family('gauge', 'gpu_memory_used_bytes', 'Of GPUs with memory of their own', [[{}, system.gpuMemoryUsedBytes]]);
  family('gauge', 'gpu_memory_bytes', 'Of GPUs with memory of their own', [[{}, system.gpuMemoryTotalBytes]]);
  family('gauge', 'resident_memory_bytes', 'Of the daemon', [[{}, system.rssBytes]]);
  family('gauge', 'memory_available_bytes', 'Of the machine', [[{}, system.memoryAvailableBytes]]);
  family('gauge', 'temperature_celsius', 'By zone', labelled('zone', system.temperaturesC));
  family(
    'gauge',
    'rail_watts',
    'By power rail',
    Object.entries(system.rails).map(([rail, { watts }]): Sample => [{ rail }, watts]),
  );
  const { active } = system.throttling;
  family('gauge', 'throttling', 'Whether heat slows the machine down', [[{}, active === null ? null : Number(active)]]);
  family(
    'gauge',
    'disk_free_bytes',
    'By folder that is written to',
    Object.entries(system.disks).map(([folder, space]): Sample => [{ folder }, space?.freeBytes]),
  );
}

function sampleLine(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`);
  return `fastsamd_${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}
