/**
 * Clips of every codec, chroma format, range, matrix, size and orientation that GStreamer can write here, against the scene
 * that was drawn into them by the ITU's equations: nothing of what reads them takes part in the expectation.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { NativeFrame } from '../../src/addon/frame.js';
import { openSource } from '../../src/source/open.js';
import { type Format, greyFrame, LAYOUTS, type Matrix, type Range, rgbFrame, smoothScene, yuvFrame } from '../helpers/yuv-scene.js';

const FRAMES = 3;
const TIMEOUT = 20_000;
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-clips-'));
});
afterAll(() => rm(directory, { recursive: true }));

interface Clip {
  readonly encode: string;
  readonly extension: string;
  readonly format: Format;
  readonly size?: readonly [number, number];
  readonly matrix?: Matrix;
  readonly range?: Range;
  /** False: the file does not say its matrix and range, as that of many cameras. */
  readonly tagged?: boolean;
  readonly orientation?: 'rotate-90' | 'rotate-180' | 'rotate-270';
}

const MP4 = { extension: 'mp4' };
const MKV = { extension: 'mkv' };
const H264 = 'openh264enc rate-control=quality bitrate=100000000 qp-min=1 qp-max=2 complexity=high ! h264parse';
const X265 = 'x265enc option-string="qp=4:log-level=none:pools=1:frame-threads=1" tune=zerolatency ! h265parse';
const VP9 = 'vp9enc end-usage=cq cq-level=2 min-quantizer=0 max-quantizer=4 cpu-used=8 deadline=1';
const FFV1 = 'avenc_ffv1';
const MJPEG = 'jpegenc quality=98 idct-method=islow';

const CLIPS: readonly Clip[] = [
  // H.264 of cameras and phones.
  { encode: H264, ...MP4, format: 'I420' },
  { encode: H264, ...MP4, format: 'I420', size: [194, 130] },
  { encode: H264, ...MKV, format: 'I420', tagged: false },
  { encode: H264, ...MP4, format: 'I420', size: [1280, 720], matrix: 'bt709' },
  { encode: H264, ...MP4, format: 'I420', size: [1280, 720], matrix: 'bt709', tagged: false },
  { encode: H264, extension: 'ts', format: 'I420' },
  { encode: H264, ...MP4, format: 'I420', orientation: 'rotate-90' },
  { encode: H264, ...MP4, format: 'I420', orientation: 'rotate-180' },
  { encode: H264, ...MP4, format: 'I420', orientation: 'rotate-270' },
  // H.265 of cameras, with 10 bits and less chroma thrown away.
  { encode: X265, ...MP4, format: 'I420', matrix: 'bt709' },
  { encode: X265.replace('qp=4', 'qp=4:range=full:colormatrix=bt709'), ...MP4, format: 'I420', range: 'full', matrix: 'bt709' },
  { encode: X265, ...MP4, format: 'I420_10LE', matrix: 'bt2020' },
  { encode: X265, ...MKV, format: 'I420_10LE', matrix: 'bt709', size: [194, 130] },
  { encode: X265, ...MP4, format: 'Y444', matrix: 'bt709' },
  { encode: X265, ...MP4, format: 'I422_10LE', matrix: 'bt709' },
  { encode: X265, ...MP4, format: 'Y444_10LE', matrix: 'bt709', orientation: 'rotate-90' },
  // The web's.
  { encode: 'vp8enc end-usage=cq cq-level=2 min-quantizer=0 max-quantizer=4 deadline=1', extension: 'webm', format: 'I420' },
  {
    encode: 'vp8enc end-usage=cq cq-level=2 min-quantizer=0 max-quantizer=4 deadline=1',
    extension: 'webm',
    format: 'I420',
    size: [193, 129],
  },
  { encode: VP9, extension: 'webm', format: 'I420', matrix: 'bt709' },
  { encode: VP9, extension: 'webm', format: 'Y444', matrix: 'bt709' },
  { encode: 'av1enc cpu-used=8 min-quantizer=0 max-quantizer=8 ! av1parse', extension: 'mkv', format: 'I420', matrix: 'bt709' },
  { encode: 'theoraenc quality=63', extension: 'ogg', format: 'I420' },
  // Motion JPEG of webcams: most are 4:2:2, all are full range.
  { encode: MJPEG, extension: 'avi', format: 'I420', range: 'full', tagged: false },
  { encode: MJPEG, extension: 'avi', format: 'Y42B', range: 'full', tagged: false },
  { encode: MJPEG, extension: 'avi', format: 'Y444', range: 'full', tagged: false },
  { encode: MJPEG, extension: 'avi', format: 'Y42B', range: 'full', tagged: false, size: [193, 129] },
  { encode: MJPEG, extension: 'mov', format: 'Y42B', range: 'full', tagged: false, orientation: 'rotate-90' },
  { encode: MJPEG, extension: 'avi', format: 'Y42B', range: 'full', tagged: false, size: [1280, 720] },
  { encode: MJPEG, extension: 'avi', format: 'GRAY8', range: 'full', tagged: false },
  // Archives and recorders without loss.
  { encode: FFV1, ...MKV, format: 'I420' },
  { encode: FFV1, ...MKV, format: 'Y42B' },
  { encode: FFV1, ...MKV, format: 'Y42B', size: [193, 129], matrix: 'bt709' },
  { encode: FFV1, ...MKV, format: 'Y444', size: [193, 129] },
  { encode: FFV1, ...MKV, format: 'Y41B' },
  { encode: FFV1, ...MKV, format: 'I420_10LE', matrix: 'bt2020' },
  { encode: FFV1, ...MKV, format: 'I422_10LE', range: 'full' },
  { encode: FFV1, ...MKV, format: 'Y444_10LE' },
  { encode: 'avenc_huffyuv', extension: 'avi', format: 'Y42B', tagged: false },
  { encode: 'avenc_huffyuv', extension: 'avi', format: 'Y42B', tagged: false, size: [194, 130] },
  // Studios.
  { encode: 'avenc_prores_ks', extension: 'mov', format: 'I422_10LE', matrix: 'bt709' },
  // What old recorders and tools wrote.
  { encode: 'avenc_mpeg4 bitrate=20000000', extension: 'avi', format: 'I420', tagged: false },
  { encode: 'avenc_flv bitrate=20000000', extension: 'flv', format: 'I420', tagged: false },
  // Not compressed at all.
  { encode: 'identity', ...MKV, format: 'YUY2', matrix: 'bt709' },
  { encode: 'identity', ...MKV, format: 'UYVY' },
  { encode: 'identity', extension: 'avi', format: 'YUY2', tagged: false },
  { encode: 'y4menc', extension: 'y4m', format: 'Y42B', tagged: false },
];

const MUXERS: Readonly<Record<string, string>> = {
  mp4: 'mp4mux',
  mov: 'qtmux',
  mkv: 'matroskamux',
  webm: 'webmmux',
  avi: 'avimux',
  ts: 'mpegtsmux',
  ogg: 'oggmux',
  flv: 'flvmux',
  y4m: 'identity',
};
/** GStreamer's names of matrix and range. */
const COLOR = { bt601: 4, bt709: 3, bt2020: 6, limited: 2, full: 1 } as const;

const nameOf = ({ encode, extension, format, size, matrix, range, tagged, orientation }: Clip) =>
  [encode.split(' ')[0], extension, format, size?.join('×'), matrix, range, tagged === false && 'untagged', orientation]
    .filter(Boolean)
    .join(' ');

/** The element that GStreamer lacks for it, if any: its plugins are packaged one by one. */
async function missing({ encode, extension }: Clip): Promise<string | undefined> {
  for (const element of [encode.split(' ')[0]!, MUXERS[extension]!]) if (!(await native().hasGstElement!(element))) return element;
  return undefined;
}

async function written(clip: Clip): Promise<string> {
  const {
    encode,
    extension,
    format,
    size: [width, height] = [192, 128],
    matrix = 'bt601',
    range = 'limited',
    tagged = true,
    orientation,
  } = clip;
  const base = join(directory, nameOf(clip).replace(/\W+/g, '-'));
  const frame = yuvFrame(smoothScene, format, width, height, matrix, range);
  await writeFile(`${base}.raw`, Buffer.concat(Array(FRAMES).fill(frame)));
  const colorimetry = tagged || range === 'full' ? `,colorimetry=(string)${COLOR[range]}:${COLOR[matrix]}:0:0` : '';
  const path = `${base}.${extension}`;
  // The writer ends when all of its pipeline has ended; its own branch carries one frame to nowhere.
  const writer = native().openVideoWriter!({
    pipeline:
      `appsrc name=src ! fakesink  filesrc location=${base}.raw ! rawvideoparse format=${format.toLowerCase().replace('_', '-')} width=${width} height=${height} framerate=25/1 ` +
      `! capssetter caps="video/x-raw${colorimetry}" ! ${encode} ! ${MUXERS[extension]} ! filesink location=${path}`,
    width: 2,
    height: 2,
    fps: 25,
  });
  await writer.start();
  await writer.write(new Uint8Array(12), 0);
  await writer.finish(TIMEOUT);
  if (orientation) await turned(path, orientation);
  return path;
}

/** Writes the matrix of a turned picture into the header of an MP4's video track (ISO 14496-12, `tkhd`). */
async function turned(path: string, orientation: NonNullable<Clip['orientation']>): Promise<void> {
  const file = await readFile(path);
  const header = file.indexOf('tkhd');
  // Version 0: 4 bytes of name, then the matrix behind 40 bytes; version 1 has longer times.
  const matrix = header + 4 + (file[header + 4] === 0 ? 40 : 52);
  const [a, b, c, d] = { 'rotate-90': [0, 1, -1, 0], 'rotate-180': [-1, 0, 0, -1], 'rotate-270': [0, -1, 1, 0] }[orientation] as [
    number,
    number,
    number,
    number,
  ];
  for (const [k, value] of [a, b, 0, c, d, 0, 0, 0].entries()) file.writeInt32BE(value * 0x10000, matrix + 4 * k);
  await writeFile(path, file);
}

/** The scene, as it is seen upright. */
function seen({ format, size: [width, height] = [192, 128], matrix = 'bt601', orientation }: Clip): {
  width: number;
  height: number;
  rgb: Uint8Array;
} {
  const scene = {
    'rotate-90': (x: number, y: number) => smoothScene(y, 1 - x),
    'rotate-180': (x: number, y: number) => smoothScene(1 - x, 1 - y),
    'rotate-270': (x: number, y: number) => smoothScene(1 - y, x),
    none: smoothScene,
  }[orientation ?? 'none'];
  const lying = orientation === 'rotate-90' || orientation === 'rotate-270';
  const [w, h] = lying ? [height, width] : [width, height];
  const rgb = LAYOUTS[format].pack === 'grey' ? greyFrame(scene, w, h, matrix) : rgbFrame(scene, w, h);
  return { width: w, height: h, rgb };
}

describe.skipIf(!native().features.gstreamer)('a clip (needs GStreamer)', () => {
  it.for(CLIPS.map((clip) => [nameOf(clip), clip] as const))('is read as it was drawn: %s', async ([, clip], { skip }) => {
    const lacking = await missing(clip);
    if (lacking) {
      skip(`GStreamer has no ${lacking} here`);
      return;
    }
    const expected = seen(clip);
    const source = await openSource(await written(clip));
    let frames = 0;
    for await (const frame of source) {
      using picture = frame;
      expect([picture.width, picture.height]).toEqual([expected.width, expected.height]);
      const rgb = await native().toRgb(picture.pixels as NativeFrame);
      let sum = 0;
      for (let k = 0; k < rgb.length; k += 1) sum += Math.abs(rgb[k]! - expected.rgb[k]!);
      expect(sum / rgb.length, `frame ${frames}`).toBeLessThanOrEqual(1);
      frames += 1;
    }
    expect(frames).toBe(FRAMES);
    await source.stop();
  });
});
