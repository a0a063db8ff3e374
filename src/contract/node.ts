/** What a node says about itself: `state`, `availability`, `info`, `cameras/<cam>/state` and `cameras/<cam>/prompts`. All retained. */

import { z } from 'zod';
import { BACKENDS } from '../domain/backend.js';
import { idSchema, promptSchema } from '../domain/prompt.js';
import { bootId, count, milliseconds, timestamp, version } from './common.js';

export const NODE_STATES = ['init', 'building-engine', 'ready', 'degraded', 'stopping', 'lost'] as const;
export type NodeState = (typeof NODE_STATES)[number];

export const stateMessageSchema = z.object({
  v: version,
  state: z.enum(NODE_STATES).meta({ description: '"lost" is the last will: the broker says it when the node vanished.' }),
  bootId,
  ts: timestamp,
  reason: z.string().max(1000).optional(),
});

export const availabilitySchema = z.enum(['online', 'offline']).meta({ description: 'Plain text, no quotes.' });

export const infoMessageSchema = z.object({
  v: version,
  node: idSchema,
  bootId,
  startedAt: timestamp,
  versions: z.record(z.string(), z.string()).meta({ description: 'fastsamd, node, onnxruntime, …' }),
  device: z.object({
    hostname: z.string(),
    platform: z.string(),
    arch: z.string(),
    cpu: z.string(),
    cores: count,
    memoryBytes: count,
  }),
  model: z
    .object({
      name: z.string(),
      backend: z.enum(BACKENDS),
      input: z.tuple([count, count]).meta({ description: 'Height, width in pixels.' }),
      labels: z.array(z.string()).meta({ description: 'Class names; empty for class-agnostic models.' }),
      graph: z.boolean().optional().meta({ description: 'With tensorrt: whether inference is one launch of a CUDA graph.' }),
      fallback: z.string().max(1000).optional().meta({ description: 'Why backend auto did not take tensorrt.' }),
    })
    .nullable()
    .meta({ description: 'Null until the model is loaded.' }),
  cameras: z.array(z.object({ id: idSchema, source: z.string().meta({ description: 'Without credentials.' }) })),
  limits: z.record(z.string(), z.number()).meta({ description: 'maxRequestBytes, maxPayloadBytes, prompts, points, …' }),
  capabilities: z.array(z.string()).meta({ description: 'Prompt types, mask encodings and request verbs this node understands.' }),
  config: z.record(z.string(), z.unknown()).meta({ description: 'The effective configuration, secrets redacted.' }),
});

export const CAMERA_STATES = ['connecting', 'streaming', 'paused', 'lost', 'wedged', 'ended', 'stopped'] as const;
export type CameraState = (typeof CAMERA_STATES)[number];

export const cameraStateMessageSchema = z.object({
  v: version,
  state: z.enum(CAMERA_STATES).meta({ description: '"ended": a file is read to its end; "stopped": the node has stopped.' }),
  since: timestamp,
  reconnects: count,
  lastFrameAgeMs: milliseconds.nullable().meta({ description: 'At the time of this message; null before the first frame.' }),
  reason: z.string().max(1000).optional(),
});

export const promptsMessageSchema = z.object({
  v: version,
  camera: idSchema,
  revision: count.meta({ description: 'Grows with every change on this node; results carry it as promptRevision.' }),
  since: timestamp,
  expiresAt: timestamp.optional().meta({ description: 'When these prompts revert by themselves; absent for permanent ones.' }),
  prompts: z
    .array(promptSchema.and(z.object({ id: idSchema })))
    .meta({ description: 'Applied prompts, defaults filled in; empty: everything.' }),
});

export type StateMessage = z.output<typeof stateMessageSchema>;
export type Availability = z.output<typeof availabilitySchema>;
export type InfoMessage = z.output<typeof infoMessageSchema>;
export type CameraStateMessage = z.output<typeof cameraStateMessageSchema>;
export type PromptsMessage = z.output<typeof promptsMessageSchema>;
