/** Sources by URI. A new kind of camera takes a parser in config/source-uri.ts and a case below. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { isImagePath, pictureKindOf } from '../addon/picture-kinds.js';
import { sourceName } from '../config/source-name.js';
import { parseSource } from '../config/source-uri.js';
import { FastsamError, systemCodeOf } from '../errors.js';
import { decodingPlan } from './decoding.js';
import { resolveDevice } from './devices.js';
import { DropFolder } from './drop-folder.js';
import { GstSource } from './gst-source.js';
import { imageDirectory, imageFile } from './image.js';
import { openMjpeg, openRtsp } from './network.js';
import { csiPipeline, customPipeline, filePipeline, v4l2Pipeline } from './pipelines.js';
import type { Source, SourceOptions, Way } from './source.js';
import { TestSceneSource } from './test-scene.js';

/**
 * Opens `file:PATH` (a video, a picture or a directory of pictures; a bare path is the same), `v4l2:/dev/videoN` (or
 * v4l2:by-id/…, by-path/…, serial/…), `csi:N`, `rtsp://…`, `rtsps://…`, `http://…`, `https://…` (motion JPEG), `gst:PIPELINE` or
 * `test:shapes` or `test:conveyor` with `[?width=…&height=…&fps=…&frames=…&seed=…&realtime=false]` (a conveyor also `product=plate` and `lanes=2`).
 * The caller stops the source.
 * Errors: SOURCE_NOT_FOUND, SOURCE_UNSUPPORTED, SOURCE_CORRUPT, SOURCE_TIMEOUT, SOURCE_LOST, NATIVE_UNAVAILABLE.
 */
export async function openSource(uri: string, options: SourceOptions = {}): Promise<Source> {
  const source = await createSource(uri, options);
  try {
    await source.open();
  } catch (error) {
    await source.stop();
    throw error;
  }
  return source;
}

/** As openSource, but the source is not opened yet, so that it can be stopped while it opens. */
export async function createSource(uri: string, options: SourceOptions): Promise<Source> {
  const source = parseSource(uri, options);
  switch (source.kind) {
    case 'file':
      return openFile(source.path, options);
    case 'v4l2':
      return openV4l2(source.name, uri, options);
    case 'csi':
      return openCsi(source.sensor, uri, options);
    case 'rtsp':
      return openRtsp(source.url, options);
    case 'http':
      return openMjpeg(source.url, options);
    case 'gst':
      return openCustom(source.pipeline, uri, options);
    case 'test':
      return new TestSceneSource(uri, source.settings, options);
  }
}

async function openFile(path: string, options: SourceOptions): Promise<Source> {
  const kind = await kindOf(path);
  if (kind === 'directory') return options.watch ? new DropFolder(path, options) : imageDirectory(path, options);
  if (kind === 'other') throw new FastsamError('SOURCE_UNSUPPORTED', `${path}: neither a file nor a directory (a camera is v4l2:${path})`);
  // A text called photo.jpg is told that it is no picture, rather than no video.
  if ((await pictureKindOf(path)) !== undefined || isImagePath(path)) return imageFile(path, options);
  const { realtime = false, resume } = options;
  // Behind the last frame that was handed out.
  const startAtMs = resume && 'afterMs' in resume ? Math.floor(resume.afterMs) + 1 : (options.startAtMs ?? 0);
  const plan = async (way: Way) => ({
    ...(await decodingPlan(options, way, (machine, decoder) => filePipeline(machine, resolve(path), realtime, { ...options, decoder }))),
    startAtMs,
  });
  return new GstSource({ uri: path, live: realtime, plan, file: { name: basename(path), modifiedMs: null } }, options);
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'other'> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return 'directory';
    if (!stats.isFile()) return 'other';
    if (stats.size === 0) throw new FastsamError('SOURCE_CORRUPT', `${path}: empty file (expected a video or a picture)`);
    return 'file';
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    const why = systemCodeOf(cause) === 'EACCES' ? 'permission denied' : 'no such file or directory';
    throw new FastsamError('SOURCE_NOT_FOUND', `${path}: ${why} (expected a video, a picture or a directory of pictures)`, { cause });
  }
}

function openV4l2(name: string, uri: string, options: SourceOptions): Source {
  // Looked up at every opening: the camera may come back under another number.
  const plan = async (way: Way) => {
    const device = await resolveDevice(name);
    return decodingPlan(options, way, (machine, decoder, inPlace) => v4l2Pipeline(machine, device, { ...options, decoder, inPlace }));
  };
  return new GstSource({ uri, live: true, endless: true, plan }, options);
}

function openCsi(sensor: number, uri: string, options: SourceOptions): Source {
  // There is no other way to this camera than the hardware.
  const plan = (way: Way) =>
    decodingPlan({ ...options, decoder: 'hardware' }, way, (_, __, inPlace) => csiPipeline(sensor, { ...options, inPlace }));
  return new GstSource({ uri, live: true, endless: true, plan, advice: ARGUS_ADVICE }, options);
}

/** Argus often keeps a sensor after an error, until its daemon starts again. */
const ARGUS_ADVICE =
  'when the sensor is connected and no other program uses it, start the camera daemon again: sudo systemctl restart nvargus-daemon';

/** Pipelines come from the local configuration or command line only; nothing remote can name a source. */
function openCustom(text: string, uri: string, options: SourceOptions): Source {
  const plan = (way: Way) =>
    decodingPlan(options, way, (machine, decoder, inPlace) => customPipeline(machine, text, { ...options, decoder, inPlace }));
  return new GstSource({ uri: sourceName(uri), secretUri: uri, live: true, plan }, options);
}
