/**
 * The configuration file: this schema is the single source of its types, defaults, documentation and the published
 * JSON Schema. Every key has a default unless a daemon cannot guess it; every default is what a new user would want.
 */
import os from 'node:os';
import { z } from 'zod';
import { MASK_ENCODINGS } from '../domain/mask.js';
import { idSchema, promptSetSchema } from '../domain/prompt.js';

const milliseconds = (fallback: number, min = 1) => z.number().int().min(min).max(86_400_000).default(fallback);
const path = z.string().min(1).max(4096);

/** A secret is named, never written down: the file or environment variable that holds it. */
const secretFile = path.meta({ description: 'File whose first line is the secret. Relative to this file.' });
const secretEnv = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable')
  .meta({ description: 'Environment variable that holds the secret, in place of a file.' });

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

export const modelSchema = z.strictObject({
  path: path.meta({
    description: 'ONNX file with the YOLOv8-seg contract (FastSAM-s, FastSAM-x, YOLOv8/YOLO11-seg). Relative to this file.',
  }),
  backend: z
    .enum(['auto', 'onnxruntime', 'tensorrt'])
    .default('auto')
    .meta({ description: 'auto: tensorrt where this build has it, else onnxruntime.' }),
  onnxruntime: z
    .strictObject({
      providers: z
        .array(z.enum(['cpu', 'cuda', 'tensorrt', 'coreml', 'dml']))
        .min(1)
        .default(['cpu'])
        .meta({ description: 'Execution providers, in order of preference.' }),
      threads: z.number().int().min(0).max(256).default(0).meta({ description: 'Threads of one inference; 0: one per core.' }),
    })
    .prefault({}),
});

export const segmentationSchema = z.strictObject({
  conf: z.number().min(0).max(1).default(0.4).meta({ description: 'Keep objects with a score above this.' }),
  iou: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .meta({ description: 'Non-maximum suppression: drop a box that overlaps a better one by more than this.' }),
  maxDet: z.number().int().min(1).max(1000).default(300).meta({ description: 'Most objects per frame.' }),
  snapToBorder: z
    .union([z.literal('auto'), z.number().min(0).max(256)])
    .default('auto')
    .meta({
      description:
        "Input pixels within which a box side moves onto the frame's border; auto: 20 for class-agnostic models (FastSAM), 0 for labelled ones.",
    }),
});

export const publishSchema = z.strictObject({
  objects: z.enum(['matched', 'all']).default('matched').meta({ description: 'With prompts: only the objects they matched, or all.' }),
  maskEncoding: z
    .enum(MASK_ENCODINGS)
    .default('rle')
    .meta({ description: 'rle: COCO compressed RLE; polygon: rings with holes; bbox: no masks; png: bitmap, base64.' }),
  polygonTolerance: z.number().min(0).max(100).default(1).meta({ description: 'Pixels a polygon may deviate from the mask.' }),
});

export const cameraSchema = z.strictObject({
  id: idSchema.meta({ description: 'Name of the camera in topics and messages: 1 to 64 of a-z, 0-9 and "-"; each once.' }),
  source: z.string().min(1).max(4096).meta({
    description: 'file:CLIP.mp4, v4l2:/dev/video0, test:shapes, an image file or a directory. Paths are relative to this file.',
  }),
  width: z.number().int().min(16).max(16384).optional().meta({ description: 'Ask the camera for this width.' }),
  height: z.number().int().min(16).max(16384).optional().meta({ description: 'Ask the camera for this height.' }),
  fps: z.number().min(0.1).max(1000).optional().meta({ description: 'Ask the camera for this frame rate.' }),
  loop: z.boolean().default(false).meta({ description: 'Files and directories: start again at the end.' }),
  realtime: z
    .boolean()
    .default(false)
    .meta({ description: 'Files: play at their own frame rate and drop frames like a camera, instead of as fast as possible.' }),
  prompts: promptSetSchema
    .default([])
    .meta({ description: 'Prompts at start; an empty list means everything. Changed remotely over MQTT.' }),
  publish: publishSchema.prefault({}),
});

export const mqttSchema = z.strictObject({
  url: z
    .string()
    .regex(
      /^(mqtt|mqtts|ws|wss):\/\/[^@]+$/,
      'expected mqtt://HOST[:PORT], mqtts://, ws:// or wss://, without credentials (see username and passwordFile)',
    )
    .default('mqtt://127.0.0.1:1883')
    .meta({ description: 'The broker: mqtt://HOST[:PORT], mqtts:// (TLS), ws:// or wss://. No credentials here.' }),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'expected topic levels without wildcards')
    .max(128)
    .default('fastsam/v1')
    .meta({ description: 'Topic levels before the node: all topics are PREFIX/NODE/….' }),
  protocol: z
    .union([z.literal(5), z.literal(4)])
    .default(5)
    .meta({ description: '5: MQTT 5; 4: MQTT 3.1.1.' }),
  clientId: z.string().min(1).max(128).optional().meta({ description: 'fastsamd-NODE when absent; must be unique on the broker.' }),
  username: z.string().min(1).max(256).optional().meta({ description: 'Log in to the broker under this name.' }),
  passwordFile: secretFile.optional(),
  passwordEnv: secretEnv.optional(),
  tls: z
    .strictObject({
      caFile: path
        .optional()
        .meta({ description: "PEM file of the authority that signed the broker's certificate; the system's when absent." }),
      certFile: path.optional().meta({ description: 'PEM file of a client certificate; needs keyFile.' }),
      keyFile: path.optional().meta({ description: 'PEM file of its private key.' }),
      insecure: z.boolean().default(false).meta({ description: 'Accept any certificate. For a bench only; raises an alert.' }),
    })
    .prefault({}),
  keepaliveS: z
    .number()
    .int()
    .min(5)
    .max(3600)
    .default(30)
    .meta({ description: 'Seconds between signs of life when nothing else is sent.' }),
  connectTimeoutMs: milliseconds(10_000, 100).meta({ description: 'Give up one attempt to connect after this; another follows.' }),
  reconnect: z
    .strictObject({
      minMs: milliseconds(1000, 10).meta({
        description: 'Longest wait before the first retry; it doubles with each (exponential backoff, full jitter).',
      }),
      maxMs: milliseconds(60_000, 10).meta({ description: 'Longest wait before any retry.' }),
    })
    .prefault({}),
  maxPayloadBytes: z
    .number()
    .int()
    .min(1024)
    .max(268_435_455)
    .default(120_000)
    .meta({ description: 'Larger results step down rle → polygon → bbox and say degraded.' }),
  maxRequestBytes: z.number().int().min(256).max(1_048_576).default(65_536).meta({ description: 'Larger requests are refused unread.' }),
  responsePrefix: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Topics under which MQTT 5 response topics of requesters are honoured; PREFIX/clients/ when absent.' }),
});

export const configSchema = z
  .strictObject({
    node: idSchema.default(defaultNode).meta({ description: 'Name of this node in all topics; the host name when absent.' }),
    model: modelSchema,
    segmentation: segmentationSchema.prefault({}),
    cameras: z.array(cameraSchema).min(1).max(16).meta({ description: 'What is watched; one entry per camera.' }),
    mqtt: mqttSchema.prefault({}),
    telemetry: z
      .strictObject({ intervalMs: milliseconds(5000, 100).meta({ description: 'Time from one telemetry message to the next.' }) })
      .prefault({}),
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
    }
    const { passwordFile, passwordEnv, tls, reconnect } = config.mqtt;
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
