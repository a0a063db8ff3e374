import { isIP } from 'node:net';
import { z } from 'zod';
import { MASK_ENCODINGS } from '../../domain/mask.js';
import { CAMERA_PIXEL_FORMATS, DECODERS, FLIPS, ROTATIONS, TRANSPORTS } from '../../domain/picture.js';
import { idSchema, promptSetSchema } from '../../domain/prompt.js';
import { CAMERA_MOTION_MODES } from '../../domain/track.js';
import { lineSetSchema, planeSchema, scaleSchema, zoneSetSchema } from '../../domain/zone.js';
import { milliseconds, path, secretEnv, secretFile } from './common.js';

const side = z.number().int().min(16).max(16384);
const offset = z.number().int().min(0).max(16384);

/** `10.0.4.7`, `10.0.4.0/24`, `fd00::/8`. */
function isClient(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  const isSize = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
  return version !== 0 && isSize && rest.length === 0;
}

export const publishSchema = z.strictObject({
  objects: z.enum(['matched', 'all', 'none']).default('matched').meta({
    description:
      'With prompts: only the objects they matched, or all. none: a summary of at most 150 bytes with up to 40 prompts in place of each result, for radio links.',
  }),
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

export const trackingSchema = z.strictObject({
  enabled: z.boolean().default(false).meta({ description: 'Give objects ids that they keep from frame to frame. Off costs nothing.' }),
  keepMs: z
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(2000)
    .meta({ description: 'An object that is not seen for this long gets a new id when it comes back.' }),
  continueScore: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .meta({ description: 'Objects from this score on continue a track, below segmentation.conf too; a new track takes 0.4.' }),
  reconnectKeepS: z.number().min(0).max(3600).default(10).meta({
    description:
      'Objects keep their ids over a time without frames of this length, if the camera shows the same picture afterwards; at least a second.',
  }),
  cameraMotion: z.enum(CAMERA_MOTION_MODES).default('fixed').meta({
    description:
      'moving: estimate how the camera moves (drones, robots) and take that out. auto: only while it moves (PTZ, robots that stop). Neither for a camera over a belt that fills the picture: the belt would be taken for the scene.',
  }),
  events: z.enum(['followed', 'counted', 'all']).default('counted').meta({
    description:
      'Of which objects object-entered and object-left are told: those that a followed prompt is locked on, also those that a line or a zone counts, or all; at most 20 a second.',
  }),
  publishMotion: z.boolean().default(false).meta({ description: 'Results say how each object moves, in pixels a second.' }),
});

const gpioChip = z
  .string()
  .regex(/^(gpiochip\d{1,4}|\/[^\0]{1,255})$/, 'expected gpiochipN or the path of a device node')
  .meta({ description: 'GPIO chip: gpiochip0, or a device node. "gpioinfo" lists chips and lines.' });
const gpioLine = z.number().int().min(0).max(65_535).meta({ description: 'Number of the line on its chip.' });

const oneOf = (absent: string) =>
  z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .meta({ description: `One of this many; 0: none, 1: all. ${absent} when absent.` });

export const cameraSchema = z.strictObject({
  id: idSchema.meta({ description: 'Name of the camera in topics and messages: 1 to 64 of a-z, 0-9 and "-"; each once.' }),
  source: z.string().min(1).max(4096).meta({
    description:
      'rtsp://HOST/PATH, http://HOST/PATH (motion JPEG), v4l2:by-id/NAME, v4l2:/dev/video0, csi:0, file:CLIP.mp4, an image file, a directory, gst:PIPELINE, test:shapes or test:conveyor. Paths are relative to this file.',
  }),
  username: z.string().min(1).max(256).optional().meta({ description: 'Log in to a network camera under this name.' }),
  passwordFile: secretFile.optional(),
  passwordEnv: secretEnv.optional(),
  insecureTls: z.boolean().default(false).meta({ description: 'rtsps and https: accept any certificate.' }),
  transport: z
    .enum(TRANSPORTS)
    .default('tcp')
    .meta({ description: 'RTSP: tcp loses nothing; udp is for networks without loss; auto lets the two agree.' }),
  latencyMs: z.number().int().min(0).max(60_000).default(200).meta({ description: 'RTSP: how long to wait for late packets.' }),
  width: side.optional().meta({ description: 'Devices are asked for this width; frames of streams and videos are scaled to it.' }),
  height: side.optional().meta({ description: 'The same for the height.' }),
  fps: z.number().min(0.1).max(1000).optional().meta({ description: 'Devices are asked for this frame rate.' }),
  pixelFormat: z.enum(CAMERA_PIXEL_FORMATS).optional().meta({ description: 'V4L2 devices are asked for this format.' }),
  decoder: z.enum(DECODERS).default('auto').meta({
    description:
      'What decodes, scales and turns frames on a Jetson. auto: the hardware, except for JPEG, and the processor when the hardware fails; elsewhere auto is cpu.',
  }),
  deviceMemory: z.boolean().default(true).meta({
    description:
      'A GPU reads frames where a Jetson has decoded them. false: they are copied first, for a driver with which pictures are wrong; elsewhere without effect.',
  }),
  rotate: z
    .literal([...ROTATIONS])
    .default(0)
    .meta({ description: 'Turn frames clockwise, in degrees.' }),
  flip: z.enum(FLIPS).default('none').meta({ description: 'Mirror frames, after they are turned.' }),
  roi: z
    .strictObject({
      x: offset.meta({ description: 'Pixels from the left.' }),
      y: offset.meta({ description: 'Pixels from the top.' }),
      width: side.meta({ description: 'Width in pixels.' }),
      height: side.meta({ description: 'Height in pixels.' }),
    })
    .optional()
    .meta({ description: 'Region of interest in pixels of the turned frame: the rest is cut off, results count from its corner.' }),
  maxFps: z.number().min(0.01).max(1000).optional().meta({ description: 'Segment no more frames a second than this.' }),
  priority: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .meta({ description: 'Turns at the engine for each turn of a camera with priority 1, when there are more frames than it can take.' }),
  maxFrameAgeMs: z
    .number()
    .int()
    .min(10)
    .max(86_400_000)
    .optional()
    .meta({ description: 'Live cameras: drop a frame that is older than this when its turn comes; no limit when absent.' }),
  watch: z.boolean().default(false).meta({ description: 'Directories: go on with the pictures that are put there later.' }),
  moveTo: z.string().min(1).max(4096).optional().meta({
    description:
      'Directories that are watched: move each picture to this folder once its result is out, and one that cannot be read to "bad" in it. Relative to this file.',
  }),
  startAtS: z.number().min(0).max(86_400).default(0).meta({ description: 'Videos: begin this many seconds after the start.' }),
  loop: z.boolean().default(false).meta({ description: 'Files and directories: start again at the end.' }),
  realtime: z
    .boolean()
    .default(false)
    .meta({ description: 'Files: play at their own frame rate and drop frames like a camera, instead of as fast as possible.' }),
  stallTimeoutMs: milliseconds(3000, 100).meta({
    description: 'A live camera that sends no frame for this long is closed and opened again.',
  }),
  expectIdle: z
    .boolean()
    .default(false)
    .meta({ description: 'The camera sends frames only when something happens: silence is no reason to open it again.' }),
  onWedged: z.enum(['keep-going', 'restart-process']).default('keep-going').meta({
    description:
      'When the driver hangs so that the camera cannot be closed: keep-going waits for it while the other cameras work; restart-process ends fastsamd with an error, for the service manager to start it again.',
  }),
  prompts: promptSetSchema
    .default([])
    .meta({ description: 'Prompts at start; an empty list means everything. Changed remotely over MQTT.' }),
  tracking: trackingSchema.prefault({}),
  lines: lineSetSchema.default([]).meta({ description: 'Count the objects that cross these lines. Needs tracking.enabled.' }),
  zones: zoneSetSchema.default([]).meta({ description: 'Tell who is in these polygons. Needs tracking.enabled.' }),
  scale: scaleSchema.optional().meta({ description: 'For speeds in metres a second, of a camera that looks straight down.' }),
  plane: planeSchema.optional(),
  publish: publishSchema.prefault({}),
  inspection: z
    .strictObject({
      recipe: path.meta({
        description: 'Recipe (YAML) by which parts are judged; changed over MQTT by recipe/set. Relative to this file.',
      }),
      scale: z.number().min(1e-9).max(1e9).optional().meta({ description: 'Millimetres per pixel, for recipes with "unit: mm".' }),
      calibration: path
        .optional()
        .meta({ description: 'In place of scale: a file that "fastsamd calibrate" wrote for this camera. Relative to this file.' }),
      taught: path
        .optional()
        .meta({ description: 'A file that "fastsamd teach" wrote, for checks that compare with good parts. Relative to this file.' }),
      output: z
        .strictObject({
          modbus: z
            .strictObject({
              host: z.string().min(1).max(255).optional().meta({ description: 'Address to listen on; 127.0.0.1 when absent.' }),
              port: z
                .number()
                .int()
                .min(1)
                .max(65_535)
                .optional()
                .meta({ description: 'TCP port; 1502 when absent. Below 1024 needs privileges.' }),
              unit: z
                .number()
                .int()
                .min(1)
                .max(247)
                .optional()
                .meta({ description: 'Unit id that is answered, beside 0 and 255; 1 when absent.' }),
              allow: z
                .array(z.string().max(64).refine(isClient, 'expected ADDRESS or ADDRESS/BITS, as 10.0.4.0/24'))
                .min(1)
                .max(32)
                .optional()
                .meta({ description: 'Clients that may connect; Modbus has no login. 127.0.0.1 and ::1 when absent.' }),
              recipes: z
                .array(idSchema)
                .min(1)
                .max(100)
                .optional()
                .meta({ description: 'Recipes, by name, that the PLC may load by their number; none when absent.' }),
            })
            .optional()
            .meta({ description: 'A Modbus TCP server for a PLC: triggers, verdicts, values.' }),
          gpio: z
            .strictObject({
              chip: gpioChip,
              ok: gpioLine.meta({ description: 'Line that is active for pulseMs when a part is OK. Nothing else means OK.' }),
              nok: gpioLine.meta({ description: 'Line that is active for pulseMs when a part is NOK or UNSURE.' }),
              busy: gpioLine.optional().meta({ description: 'Line that is active while a trigger waits for its frame.' }),
              activeLow: z.boolean().optional().meta({ description: 'Lines are low when they are active; false when absent.' }),
              pulseMs: z.number().int().min(1).max(60_000).optional().meta({ description: 'Length of a pulse; 100 when absent.' }),
              staleMs: z
                .number()
                .int()
                .min(50)
                .max(60_000)
                .optional()
                .meta({ description: 'Outputs are switched off when the daemon hangs for this long; 1000 when absent.' }),
            })
            .refine(({ ok, nok, busy }) => new Set([ok, nok, busy ?? -1]).size === 3, 'expected different lines for the outputs')
            .optional()
            .meta({
              description: 'GPIO lines, for a relay or the inputs of a PLC; off at start, at the end, and when the daemon is killed.',
            }),
        })
        .optional()
        .meta({ description: 'Where verdicts go beside MQTT; nowhere when absent.' }),
      input: z
        .strictObject({
          gpio: z
            .strictObject({
              chip: gpioChip,
              line: gpioLine,
              edge: z.enum(['rising', 'falling', 'both']).optional().meta({ description: 'Edge that triggers; rising when absent.' }),
              debounceUs: z
                .number()
                .int()
                .min(0)
                .max(10_000_000)
                .optional()
                .meta({ description: 'Microseconds for which a level has to hold; 0 when absent.' }),
              activeLow: z.boolean().optional().meta({ description: 'The line is low when it is active; false when absent.' }),
            })
            .optional()
            .meta({ description: 'A GPIO line, of a light barrier or a PLC, whose edges trigger recipes with trigger: {type: mqtt}.' }),
        })
        .optional()
        .meta({ description: 'What triggers beside MQTT; nothing when absent.' }),
      evidence: z
        .strictObject({
          keep: z
            .strictObject({ NOK: oneOf('1'), UNSURE: oneOf('1'), OK: oneOf('0') })
            .optional()
            .meta({ description: 'Of how many verdicts the pictures of one are kept.' }),
          original: z.boolean().optional().meta({ description: 'Keep the picture without drawings too; true when absent.' }),
          quality: z.number().int().min(1).max(100).optional().meta({ description: 'Of the JPEG files; 90 when absent.' }),
        })
        .optional()
        .meta({ description: 'Keep pictures of verdicts in the state directory, up to record.evidence.maxBytes. Pictures show people.' }),
    })
    .refine(({ scale, calibration }) => scale === undefined || calibration === undefined, {
      path: ['calibration'],
      error: 'expected scale or calibration, not both',
    })
    .optional()
    .meta({ description: 'Judge parts: OK, NOK or UNSURE (docs/inspection.md). Boxes are then not moved onto the border of the frame.' }),
  console: z
    .strictObject({
      pictures: z.boolean().default(true).meta({ description: 'Show pictures in the console; false: masks alone. Pictures show people.' }),
    })
    .prefault({}),
});
