/**
 * The configuration file: this schema is the single source of its types, defaults, documentation and the published
 * JSON Schema. Every key has a default unless a daemon cannot guess it; every default is what a new user would want.
 */
import os from 'node:os';
import { z } from 'zod';
import { idSchema } from '../domain/prompt.js';
import { messageOf } from '../errors.js';
import { cameraSchema } from './sections/camera.js';
import { milliseconds, path } from './sections/common.js';
import { consoleSchema, isLoopback } from './sections/console.js';
import { eventsSchema } from './sections/events.js';
import { governorSchema } from './sections/governor.js';
import { jobsSchema } from './sections/jobs.js';
import { metricsSchema } from './sections/metrics.js';
import { modelSchema } from './sections/model.js';
import { mqttSchema } from './sections/mqtt.js';
import { segmentationSchema } from './sections/segmentation.js';
import { textSchema } from './sections/text.js';
import { parseSource } from './source-uri.js';

/** The host's name as an id; `fastsamd` when nothing of it is left. */
function defaultNode(): string {
  return (
    os
      .hostname()
      .toLowerCase()
      .split('.')[0]
      ?.replace(/[^a-z0-9-]+/g, '-')
      .slice(0, 64) || 'fastsamd'
  );
}

export const configSchema = z
  .strictObject({
    node: idSchema.default(defaultNode).meta({ description: 'Name of this node in all topics; the host name when absent.' }),
    model: modelSchema,
    segmentation: segmentationSchema.prefault({}),
    text: textSchema.prefault({}),
    cameras: z
      .array(cameraSchema)
      .max(16)
      .meta({ description: 'What is watched; one entry per camera. May be empty where there are jobs.queues.' }),
    mqtt: mqttSchema.prefault({}),
    events: eventsSchema.prefault({}),
    jobs: jobsSchema.prefault({}),
    stateDir: path.optional().meta({
      description:
        "Folder for prompts and events that outlive the process; systemd's StateDirectory or the user's state folder when absent.",
    }),
    telemetry: z
      .strictObject({ intervalMs: milliseconds(5000, 100).meta({ description: 'Time from one telemetry message to the next.' }) })
      .prefault({}),
    record: z
      .strictObject({
        maxVerdicts: z
          .number()
          .int()
          .min(1000)
          .max(100_000_000)
          .default(1_000_000)
          .meta({ description: 'Verdicts of inspections kept on disk; beyond this the oldest are removed.' }),
        evidence: z
          .strictObject({
            maxBytes: z.number().int().min(1_000_000).max(1e15).default(10_000_000_000).meta({
              description: 'Pictures of verdicts, all cameras together; beyond this the oldest OK go first, then UNSURE, then NOK.',
            }),
            maxAgeS: z
              .number()
              .int()
              .min(60)
              .max(10 * 366 * 86_400)
              .default(30 * 86_400)
              .meta({ description: 'Pictures that are older are removed.' }),
          })
          .prefault({})
          .meta({ description: 'For cameras with inspection.evidence.' }),
      })
      .prefault({}),
    governor: governorSchema.prefault({}),
    metrics: metricsSchema.prefault({}),
    console: consoleSchema.prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
          .default('info')
          .meta({ description: 'Least severe messages that are logged.' }),
      })
      .prefault({}),
  })
  .superRefine((config, ctx) => {
    const seen = new Set<string>();
    for (const [index, camera] of config.cameras.entries()) {
      if (seen.has(camera.id)) ctx.addIssue({ code: 'custom', path: ['cameras', index, 'id'], message: `"${camera.id}" is used twice` });
      seen.add(camera.id);
      if (camera.passwordFile !== undefined && camera.passwordEnv !== undefined) {
        ctx.addIssue({
          code: 'custom',
          path: ['cameras', index, 'passwordEnv'],
          message: 'expected either passwordFile or passwordEnv, got both',
        });
      }
      if (camera.moveTo !== undefined && !camera.watch) {
        ctx.addIssue({ code: 'custom', path: ['cameras', index, 'moveTo'], message: 'is for a directory with watch: true' });
      }
    }
    for (const [index, camera] of config.cameras.entries()) {
      try {
        parseSource(camera.source, camera);
      } catch (error) {
        ctx.addIssue({ code: 'custom', path: ['cameras', index, 'source'], message: messageOf(error) });
      }
    }
    for (const [index, camera] of config.cameras.entries()) {
      const asked = camera.prompts.findIndex(({ type }) => type === 'text');
      if (asked < 0 || config.text.model !== undefined) continue;
      ctx.addIssue({ code: 'custom', path: ['cameras', index, 'prompts', asked], message: 'a text prompt needs text.model' });
    }
    for (const [index, { tracking, prompts, lines, zones }] of config.cameras.entries()) {
      const ids = [...lines, ...zones].map(({ id }) => id);
      const twice = ids.find((id, k) => ids.indexOf(id) !== k);
      const problem = (path: (string | number)[], message: string) =>
        ctx.addIssue({ code: 'custom', path: ['cameras', index, ...path], message });
      if (twice !== undefined) problem(['zones'], `two lines or zones are called "${twice}"; give each its own id`);
      if (tracking.enabled) continue;
      const following = prompts.findIndex((prompt) => prompt.type === 'track' || ('follow' in prompt && prompt.follow === true));
      if (following >= 0) problem(['prompts', following], 'a prompt that follows an object needs tracking: { enabled: true }');
      if (lines.length > 0) problem(['lines'], 'lines need tracking: { enabled: true }');
      if (zones.length > 0) problem(['zones'], 'zones need tracking: { enabled: true }');
    }
    const { passwordFile, passwordEnv, tls, reconnect, broker, embedded, username, protocol } = config.mqtt;
    const loopback = embedded.host === 'localhost' || embedded.host === '::1' || embedded.host.startsWith('127.');
    if (broker === 'embedded' && !loopback && (username === undefined || (passwordFile ?? passwordEnv) === undefined)) {
      const message = 'expected a loopback address, or username and passwordFile beside it: anybody could steer this node';
      ctx.addIssue({ code: 'custom', path: ['mqtt', 'embedded', 'host'], message });
    }
    if (config.jobs.queues.length > 0 && (protocol === 4 || broker === 'embedded')) {
      ctx.addIssue({
        code: 'custom',
        path: ['jobs', 'queues'],
        message: 'expected an external broker and mqtt.protocol 5: shared subscriptions need it',
      });
    }
    if (config.cameras.length === 0 && config.jobs.queues.length === 0) {
      ctx.addIssue({
        code: 'custom',
        path: ['cameras'],
        message: 'expected at least one camera, or jobs.queues of a node that only works on jobs',
      });
    }
    if (passwordFile !== undefined && passwordEnv !== undefined) {
      ctx.addIssue({ code: 'custom', path: ['mqtt', 'passwordEnv'], message: 'expected either passwordFile or passwordEnv, got both' });
    }
    for (const [key, other] of [
      ['certFile', 'keyFile'],
      ['keyFile', 'certFile'],
    ] as const) {
      if (tls[key] !== undefined && tls[other] === undefined) {
        ctx.addIssue({ code: 'custom', path: ['mqtt', 'tls', key], message: `expected ${other} beside it` });
      }
    }
    const { governor, metrics } = config;
    const { tls: consoleTls, enabled, host, insecure, trustProxy } = config.console;
    if (enabled && !isLoopback(host) && consoleTls.certFile === undefined && trustProxy.length === 0 && !insecure) {
      const message =
        'expected a loopback address, console.tls, console.trustProxy, or console.insecure: true: passwords would cross the network in clear';
      ctx.addIssue({ code: 'custom', path: ['console', 'host'], message });
    }
    for (const [key, other] of [
      ['certFile', 'keyFile'],
      ['keyFile', 'certFile'],
    ] as const) {
      if (consoleTls[key] !== undefined && consoleTls[other] === undefined)
        ctx.addIssue({ code: 'custom', path: ['console', 'tls', key], message: `expected ${other} beside it` });
    }
    if (governor.lowC !== undefined && governor.highC !== undefined && governor.lowC >= governor.highC) {
      ctx.addIssue({ code: 'custom', path: ['governor', 'lowC'], message: `expected less than highC (${governor.highC})` });
    }
    const open = metrics.tokenFile === undefined && metrics.tokenEnv === undefined && metrics.tls.clientCaFile === undefined;
    if (metrics.enabled && open && !['127.0.0.1', '::1', 'localhost'].includes(metrics.host)) {
      ctx.addIssue({
        code: 'custom',
        path: ['metrics', 'host'],
        message: 'expected 127.0.0.1, or a tokenFile, tokenEnv or tls.clientCaFile beside it',
      });
    }
    if ((metrics.tls.certFile === undefined) !== (metrics.tls.keyFile === undefined)) {
      ctx.addIssue({ code: 'custom', path: ['metrics', 'tls'], message: 'expected both certFile and keyFile, or neither' });
    }
    if (metrics.tls.clientCaFile !== undefined && metrics.tls.certFile === undefined) {
      ctx.addIssue({ code: 'custom', path: ['metrics', 'tls', 'clientCaFile'], message: 'expected certFile and keyFile beside it' });
    }
    if (reconnect.maxMs < reconnect.minMs) {
      ctx.addIssue({ code: 'custom', path: ['mqtt', 'reconnect', 'maxMs'], message: `expected at least minMs (${reconnect.minMs})` });
    }
  });

export type Config = z.output<typeof configSchema>;
export type ModelConfig = Config['model'];
export type SegmentationConfig = Config['segmentation'];
export type CameraConfig = Config['cameras'][number];
export type PublishConfig = CameraConfig['publish'];
export type MqttConfig = Config['mqtt'];
export type JobsConfig = Config['jobs'];
export type EventsConfig = Config['events'];
export type GovernorConfig = Config['governor'];
export type MetricsConfig = Config['metrics'];
