/** `telemetry`: how the node is doing, at a fixed interval. A sensor that is not there is null, never 0. */
import { z } from 'zod';
import { idSchema } from '../domain/prompt.js';
import { bootId, count, milliseconds, timestamp, version } from './common.js';

const percentilesSchema = z.object({
  p50: milliseconds,
  p95: milliseconds,
  p99: milliseconds,
  count: count.meta({ description: 'Frames since the start.' }),
  sum: milliseconds.meta({ description: 'Of all frames since the start.' }),
});
const reading = z.number().nullable();

export const cameraTelemetrySchema = z.object({
  id: idSchema,
  fpsIn: z.number().min(0).meta({ description: 'Frames per second from the source, dropped ones included.' }),
  fpsOut: z.number().min(0).meta({ description: 'Results per second.' }),
  framesIn: count.meta({ description: 'Frames from the source since the start.' }),
  framesOut: count.meta({
    description: 'Results since the start. framesIn = framesOut + all dropped + the few that are under way.',
  }),
  dropped: z.record(z.string(), count).meta({
    description:
      'Frames dropped since the start, by reason: busy (a newer one came first), rate (beyond maxFps), stale (older than maxFrameAgeMs), corrupt, stopped (under way when the camera was closed), failed.',
  }),
  lastCorrupt: z
    .object({ source: z.string().max(1000), reason: z.string().max(1000), at: timestamp })
    .optional()
    .meta({ description: 'The last file of a folder that could not be read and was left out; absent while there was none.' }),
  latencyMs: z
    .record(z.string(), percentilesSchema)
    .meta({ description: 'By stage, over the latest frames; no entry before the first frame.' }),
  objects: count.meta({ description: 'Objects found since the start, in all frames together.' }),
  prompts: z
    .array(
      z.object({
        id: idSchema,
        matched: z.boolean().nullable().meta({ description: 'In the latest frame; null while it is too early to say.' }),
        objects: count.meta({ description: 'Objects that match in the latest frame.' }),
        framesMatched: count.meta({ description: 'Frames with a match since the prompt is in force.' }),
      }),
    )
    .meta({ description: 'The prompts in force, as of the latest frame.' }),
  text: z
    .object({
      cropsPerFrame: z.number().min(0).meta({ description: 'Objects looked at per frame.' }),
      cacheHitRate: z
        .number()
        .min(0)
        .max(1)
        .nullable()
        .meta({ description: 'Share of the objects asked about that keep what an earlier frame showed; null when there were none.' }),
    })
    .optional()
    .meta({ description: 'What text prompts cost, over the latest frames; absent without them.' }),
  tracking: z
    .object({
      live: count.meta({ description: 'Tracks in the latest frame.' }),
      lost: count.meta({ description: 'Tracks that are not in the latest frame and may come back.' }),
      bornPerS: z.number().min(0).meta({
        description:
          'Tracks that began, a second, over 10 s. Many of them with few objects in the picture: masks flicker, raise segmentation.conf.',
      }),
      diedPerS: z.number().min(0).meta({ description: 'Tracks that ended, a second, over 10 s.' }),
      reacquired: count.meta({ description: 'Times since the start that a track was seen again after it was lost.' }),
      carried: count.meta({ description: 'Masks that were carried into the latest frame.' }),
      cameraMotionSure: z
        .number()
        .min(0)
        .max(1)
        .nullable()
        .meta({ description: 'Share of the latest frames whose camera motion was found; null with a fixed camera.' }),
      eventsDropped: count.meta({ description: 'Events of objects since the start that were more than 20 a second.' }),
    })
    .optional()
    .meta({ description: 'Absent without tracking.' }),
});

export const spoolTelemetrySchema = z.object({
  depth: count.meta({ description: 'Events that wait for the broker.' }),
  bytes: count,
  dropped: z
    .record(z.string(), count)
    .meta({ description: 'Events lost since the start, by reason: bytes, age, overflow, refused, unreadable (damaged on the disk).' }),
});

export const mqttTelemetrySchema = z.object({
  published: count,
  dropped: z.record(z.string(), count).meta({ description: 'Messages not delivered since the start, by topic without the base.' }),
  queued: count.meta({ description: 'Messages waiting or in flight.' }),
  reconnects: count,
  connectedSince: timestamp.nullable(),
  spool: spoolTelemetrySchema,
  requests: z
    .object({
      answered: count.meta({ description: 'Requests that were carried out.' }),
      failed: count.meta({ description: 'Requests that were answered with an error.' }),
      ignored: count.meta({ description: 'Retained requests, and those of a flood beyond what is worth an answer.' }),
    })
    .meta({ description: 'Requests since the start: each is in one of these.' }),
  jobs: z
    .object({
      done: count.meta({ description: 'Jobs that were answered with a result.' }),
      failed: count.meta({ description: 'Jobs that were answered with an error, or given back because the GPU was lost.' }),
      adopted: count.meta({ description: 'Places of other nodes in a queue that this node took over.' }),
    })
    .optional()
    .meta({ description: 'Jobs since the start; absent without job queues.' }),
});

const railSchema = z.object({
  volts: reading,
  amps: reading,
  watts: reading,
  maxAmps: reading.meta({ description: 'Above this, averaged, maxAlarm is set.' }),
  critAmps: reading.meta({ description: 'Above this, at any instant, critAlarm is set.' }),
  maxAlarm: z.boolean().nullable(),
  critAlarm: z.boolean().nullable(),
});

export const systemTelemetrySchema = z.object({
  clockSynced: z
    .boolean()
    .nullable()
    .meta({ description: 'The wall clock is disciplined (NTP, PTP), so that times of different nodes compare.' }),
  cpuLoad: reading.meta({ description: 'All cores, 0…1.' }),
  memoryTotalBytes: reading,
  memoryAvailableBytes: reading,
  swapTotalBytes: reading,
  swapFreeBytes: reading,
  rssBytes: count.meta({ description: 'Resident memory of the daemon.' }),
  heapUsedBytes: count.meta({ description: 'JavaScript heap of the daemon.' }),
  gpuLoad: reading.meta({ description: '0…1.' }),
  gpuMemoryUsedBytes: reading.meta({ description: 'Of GPUs with memory of their own; null where GPU and processor share it.' }),
  gpuMemoryTotalBytes: reading,
  clocksMhz: z.object({ cpu: reading, cpuMax: reading, gpu: reading, gpuMax: reading }),
  temperaturesC: z
    .record(z.string(), reading)
    .meta({ description: 'By zone: cpu, gpu, tj (the junction), …; null where it is switched off.' }),
  rails: z.record(z.string(), railSchema).meta({ description: 'By name of the power rail: VDD_IN, …' }),
  throttling: z
    .object({ active: z.boolean().nullable(), devices: z.array(z.string()) })
    .meta({ description: 'Whether heat slows the machine down now, and what is slowed; null where it does not tell.' }),
  overCurrent: z
    .object({ underVoltage: reading, average: reading, instantaneous: reading })
    .nullable()
    .meta({ description: 'Events since the machine was switched on, each of which slowed it down.' }),
  powerMode: z.object({ id: count, name: z.string().nullable() }).nullable().meta({ description: 'Of nvpmodel: 15W, MAXN, …' }),
  disks: z
    .record(z.string(), z.object({ totalBytes: count, freeBytes: count }).nullable())
    .meta({ description: 'By folder that the daemon writes to.' }),
});

export const governorTelemetrySchema = z.object({
  level: count.meta({ description: 'Degradation levels below full service; 0: full service.' }),
  levels: count.meta({ description: 'Number of degradation levels, full service included.' }),
  setting: z.string().nullable().meta({ description: 'What is turned down, and why; null: nothing.' }),
});

export const telemetryMessageSchema = z.object({
  v: version,
  node: idSchema,
  bootId,
  ts: timestamp,
  uptimeS: z.number().min(0),
  cameras: z.array(cameraTelemetrySchema),
  mqtt: mqttTelemetrySchema,
  governor: governorTelemetrySchema,
  system: systemTelemetrySchema,
});

export type Percentiles = z.output<typeof percentilesSchema>;
export type CameraTelemetry = z.output<typeof cameraTelemetrySchema>;
export type SpoolTelemetry = z.output<typeof spoolTelemetrySchema>;
export type MqttTelemetry = z.output<typeof mqttTelemetrySchema>;
export type SystemTelemetry = z.output<typeof systemTelemetrySchema>;
export type GovernorTelemetry = z.output<typeof governorTelemetrySchema>;
export type TelemetryMessage = z.output<typeof telemetryMessageSchema>;
