import { z } from 'zod';
import { MASK_ENCODINGS } from '../../domain/mask.js';
import { idSchema, promptSetSchema } from '../../domain/prompt.js';
import { milliseconds } from './common.js';

export const publishSchema = z.strictObject({
  objects: z.enum(['matched', 'all']).default('matched').meta({ description: 'With prompts: only the objects they matched, or all.' }),
  maskEncoding: z
    .enum(MASK_ENCODINGS)
    .default('rle')
    .meta({ description: 'rle: COCO compressed RLE; polygon: rings with holes; bbox: no masks; png: bitmap, base64.' }),
  everyNth: z.number().int().min(1).max(10_000).default(1).meta({ description: 'Publish only every Nth result.' }),
  maxFps: z.number().min(0.01).max(1000).optional().meta({ description: 'Publish at most this many results per second; all when absent.' }),
  onChange: z
    .boolean()
    .default(false)
    .meta({ description: 'Publish only results that differ: a prompt matched or not, objects came, went or moved.' }),
  snapshots: z
    .boolean()
    .default(false)
    .meta({ description: 'Answer request/read/snapshot with a picture. Off, because pictures show people.' }),
  polygonTolerance: z.number().min(0).max(100).default(1).meta({ description: 'Pixels a polygon may deviate from the mask.' }),
});

export const cameraSchema = z.strictObject({
  id: idSchema.meta({ description: 'Name of the camera in topics and messages: 1 to 64 of a-z, 0-9 and "-"; each once.' }),
  source: z.string().min(1).max(4096).meta({
    description:
      'file:CLIP.mp4, v4l2:/dev/video0, test:conveyor, test:shapes, an image file or a directory. Paths are relative to this file.',
  }),
  width: z.number().int().min(16).max(16384).optional().meta({ description: 'Ask the camera for this width.' }),
  height: z.number().int().min(16).max(16384).optional().meta({ description: 'Ask the camera for this height.' }),
  fps: z.number().min(0.1).max(1000).optional().meta({ description: 'Ask the camera for this frame rate.' }),
  loop: z.boolean().default(false).meta({ description: 'Files and directories: start again at the end.' }),
  realtime: z
    .boolean()
    .default(false)
    .meta({ description: 'Files: play at their own frame rate and drop frames like a camera, instead of as fast as possible.' }),
  stallTimeoutMs: milliseconds(3000, 100).meta({ description: 'A live camera that sends no frame for this long is opened anew.' }),
  expectIdle: z
    .boolean()
    .default(false)
    .meta({ description: 'The camera sends frames only when something happens: silence is no reason to open it anew.' }),
  onWedged: z.enum(['keep-going', 'restart-process']).default('keep-going').meta({
    description:
      'When the driver hangs so that the camera can not be closed: keep-going waits for it while the other cameras work; restart-process ends fastsamd with an error, for the service manager to start it again.',
  }),
  prompts: promptSetSchema
    .default([])
    .meta({ description: 'Prompts at start; an empty list means everything. Changed remotely over MQTT.' }),
  publish: publishSchema.prefault({}),
});
