/** Sources by URI: one line per scheme in the registry below is all it takes to add a kind of camera. */
import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FastsamError, systemCodeOf } from '../errors.js';
import { filePipeline, v4l2Pipeline } from './gst-pipelines.js';
import { GstSource } from './gst-source.js';
import { imageDirectory, imageFile, isImagePath } from './image.js';
import type { Source, SourceOptions } from './source.js';
import { type TestSceneSettings, TestSceneSource } from './test-scene.js';

/** Makes a source from what follows the scheme; `uri` is the whole text, for messages. */
type SourceFactory = (rest: string, uri: string, options: SourceOptions) => Promise<Source> | Source;

const registry = new Map<string, SourceFactory>([
  ['file', openFile],
  ['v4l2', openV4l2],
  ['test', openTest],
]);

/**
 * Opens `file:PATH` (a video, a picture or a directory of pictures; a bare path is the same), `v4l2:/dev/videoN` or
 * `test:shapes` or `test:conveyor` with `[?width=…&height=…&fps=…&frames=…&seed=…&realtime=false]`. The caller stops the source.
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

/** As openSource, but the source is still to be opened: whoever may have to give up on that stops it meanwhile. */
export async function createSource(uri: string, options: SourceOptions): Promise<Source> {
  const match = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(uri);
  const scheme = match ? match[1]!.toLowerCase() : 'file';
  const factory = registry.get(scheme);
  if (!factory) {
    const known = [...registry.keys()].map((name) => `${name}:`).join(', ');
    throw new FastsamError('SOURCE_UNSUPPORTED', `${scheme}: is no source scheme (expected a path or one of ${known})`);
  }
  return factory(match ? match[2]! : uri, uri, options);
}

async function openFile(rest: string, uri: string, options: SourceOptions): Promise<Source> {
  const path = rest.startsWith('//') ? fileURLToPath(uri) : rest;
  const kind = await kindOf(path);
  if (kind === 'directory') return imageDirectory(path, options);
  if (kind === 'other') throw new FastsamError('SOURCE_UNSUPPORTED', `${path}: neither a file nor a directory (a camera is v4l2:${path})`);
  if (isImagePath(path)) return imageFile(path, options);
  const realtime = options.realtime ?? false;
  return new GstSource({ uri: path, pipeline: filePipeline(resolve(path), realtime), live: realtime }, options);
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

function openV4l2(device: string, uri: string, options: SourceOptions): Source {
  if (!isAbsolute(device)) throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: expected v4l2:/dev/videoN`);
  const check = async () => {
    const found = await stat(device).catch((cause) => {
      throw new FastsamError('SOURCE_NOT_FOUND', `${uri}: no such device; is the camera plugged in? (ls /dev/video* lists what there is)`, {
        cause,
      });
    });
    if (!found.isCharacterDevice()) throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: not a video device`);
  };
  return new GstSource({ uri, pipeline: v4l2Pipeline(device, options), live: true, check }, options);
}

const TEST_PARAMETERS = ['width', 'height', 'fps', 'frames', 'seed', 'realtime'];

function openTest(rest: string, uri: string, options: SourceOptions): Source {
  const [name = '', query = ''] = rest.split('?', 2);
  const scene = name === '' ? 'shapes' : name;
  if (scene !== 'shapes' && scene !== 'conveyor') {
    throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: no such test scene (expected test:shapes or test:conveyor)`);
  }
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (!TEST_PARAMETERS.includes(name)) {
      throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: unknown parameter "${name}" (expected ${TEST_PARAMETERS.join(', ')})`);
    }
  }
  const number = (name: string, fallback: number, min: number, max: number) => {
    const text = parameters.get(name);
    const value = text === null ? fallback : Number(text);
    if (!(value >= min && value <= max))
      throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: ${name} must be a number from ${min} to ${max}`);
    return value;
  };
  const settings: TestSceneSettings = {
    scene,
    width: Math.round(number('width', options.width ?? 1280, 16, 16384)),
    height: Math.round(number('height', options.height ?? 720, 16, 16384)),
    fps: number('fps', options.fps ?? 30, 0.1, 1000),
    seed: Math.round(number('seed', 1, 0, 2 ** 32 - 1)),
    realtime: parameters.get('realtime') !== 'false',
    ...(parameters.has('frames') ? { frames: Math.round(number('frames', 1, 1, 1e9)) } : {}),
  };
  return new TestSceneSource(uri, settings, options);
}
