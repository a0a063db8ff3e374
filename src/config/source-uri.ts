/** The text of a camera's source, taken apart: the one parser for checking a configuration and for opening a source. */
import { FastsamError } from '../errors.js';
import { nearest } from './nearest.js';
import { sourceName } from './source-name.js';

export const SCENE_CAMERAS = ['fixed', 'pan', 'zoom', 'shake', 'yaw'] as const;

/** A test scene as its URI describes it. */
export interface TestSceneSettings {
  /** `shapes`: discs, rectangles and triangles. `conveyor`: a belt with parts, some of them defective. */
  readonly scene: 'shapes' | 'conveyor';
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly seed: number;
  /** `conveyor`: plates of one size with two bores, one behind the other; else parts of all kinds, some on top of others. */
  readonly plates: boolean;
  /** Rows of plates side by side: 1 (when absent) or 2. */
  readonly lanes?: number;
  /** `shapes`: two of each; they leave the picture; each has a piece on it. */
  readonly twins?: boolean;
  readonly leave?: boolean;
  readonly pieces?: boolean;
  /** What the camera does, the width of a bar that hides things, and how far the light falls; see the docs of cameras. */
  readonly camera?: (typeof SCENE_CAMERAS)[number];
  readonly bar?: number;
  readonly light?: number;
  /** Pictures come 1 to `drop` steps apart, irregularly; their times say so. */
  readonly drop?: number;
  /** Ends after this many frames of the scene; endless when absent. */
  readonly frames?: number;
  /** False: as fast as frames are taken, none dropped. */
  readonly realtime: boolean;
}

export type SourceUri =
  | { readonly kind: 'file'; readonly path: string }
  /** `name`: /dev/videoN, by-id/NAME, by-path/NAME, serial/NUMBER, or the number of a camera. */
  | { readonly kind: 'v4l2'; readonly name: string }
  | { readonly kind: 'csi'; readonly sensor: number }
  | { readonly kind: 'rtsp' | 'http'; readonly url: URL }
  | { readonly kind: 'gst'; readonly pipeline: string }
  | { readonly kind: 'test'; readonly settings: TestSceneSettings };

/** Keys of a camera that decide whether its source can be opened. */
export interface SourcePicture {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly fps?: number | undefined;
  readonly rotate?: number | undefined;
  readonly flip?: string | undefined;
}

/** `rest`: what follows the scheme. */
type Parser = (rest: string, uri: string, picture: SourcePicture) => SourceUri;

const PARSERS: Readonly<Record<string, Parser>> = {
  file: (rest, uri) => ({ kind: 'file', path: rest.startsWith('//') ? pathOfUrl(uri) : demandPath(rest) }),
  v4l2: (rest) => ({ kind: 'v4l2', name: deviceName(rest) }),
  csi: (rest, uri) => ({ kind: 'csi', sensor: sensorNumber(rest, uri) }),
  rtsp: (_, uri) => ({ kind: 'rtsp', url: networkUrl(uri) }),
  rtsps: (_, uri) => ({ kind: 'rtsp', url: networkUrl(uri) }),
  http: (_, uri) => ({ kind: 'http', url: networkUrl(uri) }),
  https: (_, uri) => ({ kind: 'http', url: networkUrl(uri) }),
  gst: (rest) => ({ kind: 'gst', pipeline: demandPipeline(rest) }),
  test: (rest, uri, picture) => ({ kind: 'test', settings: sceneSettings(rest, uri, picture) }),
};

/** The scheme of a source in lower case, and what follows its colon. A bare path has the scheme `file`. */
export function splitSource(uri: string): { readonly scheme: string; readonly rest: string } {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(uri) ?? [];
  return scheme === undefined ? { scheme: 'file', rest: uri } : { scheme: scheme.toLowerCase(), rest };
}

/**
 * Takes a source apart. Whether the file, device or server is there is not asked. Errors: SOURCE_UNSUPPORTED with what was
 * expected, without credentials.
 */
export function parseSource(uri: string, picture: SourcePicture = {}): SourceUri {
  const { scheme, rest } = splitSource(uri);
  const parse = Object.hasOwn(PARSERS, scheme) ? PARSERS[scheme] : undefined;
  if (!parse) {
    const known = Object.keys(PARSERS);
    const meant = nearest(scheme, known);
    const hint =
      meant === undefined ? `expected a path or one of ${known.map((name) => `${name}:`).join(', ')}` : `did you mean "${meant}"?`;
    throw unsupported(`unknown source scheme "${scheme}"; ${hint}`);
  }
  return parse(rest, uri, picture);
}

function demandPath(path: string): string {
  if (path === '') throw unsupported('file: expected file:PATH, or the path alone');
  return path;
}

/** The path of file:///PATH, with or without percent signs for special characters. */
function pathOfUrl(uri: string): string {
  const [, host, path] = /^file:\/\/([^/]*)(\/.*)?$/is.exec(uri) ?? [];
  if (path === undefined || (host !== '' && host?.toLowerCase() !== 'localhost'))
    throw unsupported(`${sourceName(uri)}: expected file:///PATH of this machine, or the path alone`);
  try {
    return decodeURIComponent(path);
  } catch {
    // A file that is called "100%.jpg", written as it is.
    return path;
  }
}

function deviceName(name: string): string {
  if (/^(\d+|\/.+|(by-id|by-path)\/[^/]+|serial\/.+)$/s.test(name)) return name;
  const meant = /^video\d+$/.test(name) ? `; did you mean v4l2:/dev/${name}?` : '';
  throw unsupported(
    `${sourceName(`v4l2:${name}`)}: expected /dev/videoN, by-id/NAME, by-path/NAME, serial/NUMBER or a number ("fastsamd camera list")${meant}`,
  );
}

function sensorNumber(sensor: string, uri: string): number {
  if (!/^\d{1,2}$/.test(sensor)) throw unsupported(`${sourceName(uri)}: expected csi:N, the number of the sensor`);
  return Number(sensor);
}

function networkUrl(uri: string): URL {
  // URL reads "http:host" as "http://host"; here it is a mistake.
  const url = /^[a-z]+:\/\//i.test(uri) && URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url?.hostname || url.port === '0') throw unsupported(`${sourceName(uri)}: expected SCHEME://HOST[:PORT]/PATH`);
  return url;
}

function demandPipeline(pipeline: string): string {
  if (pipeline.trim() === '') throw unsupported('gst: expected gst:PIPELINE in gst-launch syntax');
  return pipeline;
}

const SCENE_PARAMETERS = ['width', 'height', 'fps', 'frames', 'seed', 'realtime', 'product', 'lanes', 'camera', 'bar', 'light', 'drop'];
const SHAPES_PARAMETERS = ['twins', 'leave', 'pieces'];

function sceneSettings(rest: string, uri: string, picture: SourcePicture): TestSceneSettings {
  const [name = '', query = ''] = rest.split('?', 2);
  const scene = name === '' ? 'shapes' : name;
  if (scene !== 'shapes' && scene !== 'conveyor')
    throw unsupported(`${sourceName(uri)}: no such test scene (expected test:shapes or test:conveyor)`);
  const parameters = new URLSearchParams(query);
  const known = scene === 'shapes' ? [...SCENE_PARAMETERS, ...SHAPES_PARAMETERS] : SCENE_PARAMETERS;
  for (const name of parameters.keys()) {
    if (!known.includes(name)) throw unsupported(`${sourceName(uri)}: unknown parameter "${name}" (expected ${known.join(', ')})`);
  }
  const number = (name: string, fallback: number, min: number, max: number) => {
    const text = parameters.get(name);
    const value = text === null ? fallback : Number(text);
    if (!(value >= min && value <= max)) throw unsupported(`${sourceName(uri)}: ${name} must be a number from ${min} to ${max}`);
    return value;
  };
  if (picture.rotate || (picture.flip ?? 'none') !== 'none')
    throw unsupported(`${sourceName(uri)}: a test scene cannot be turned; leave rotate and flip out`);
  const plates = productOf(parameters.get('product'), scene, uri);
  if (parameters.has('lanes') && !plates) throw unsupported(`${sourceName(uri)}: lanes needs product=plate`);
  return {
    scene,
    width: Math.round(number('width', picture.width ?? 1280, 16, 16384)),
    height: Math.round(number('height', picture.height ?? 720, 16, 16384)),
    fps: number('fps', picture.fps ?? 30, 0.1, 1000),
    seed: Math.round(number('seed', 1, 0, 2 ** 32 - 1)),
    plates,
    ...(parameters.has('lanes') ? { lanes: Math.round(number('lanes', 1, 1, 2)) } : {}),
    realtime: parameters.get('realtime') !== 'false',
    ...(parameters.has('frames') ? { frames: Math.round(number('frames', 1, 1, 1e9)) } : {}),
    ...(parameters.has('camera') ? { camera: cameraOf(parameters.get('camera'), uri) } : {}),
    ...(parameters.has('bar') ? { bar: number('bar', 0, 0, 10) } : {}),
    ...(parameters.has('light') ? { light: number('light', 0, 0, 0.9) } : {}),
    ...(parameters.has('drop') ? { drop: Math.round(number('drop', 1, 1, 100)) } : {}),
    ...Object.fromEntries(SHAPES_PARAMETERS.filter((name) => parameters.has(name)).map((name) => [name, parameters.get(name) !== 'false'])),
  };
}

function cameraOf(name: string | null, uri: string): (typeof SCENE_CAMERAS)[number] {
  const camera = SCENE_CAMERAS.find((known) => known === name);
  if (!camera) throw unsupported(`${sourceName(uri)}: camera must be one of ${SCENE_CAMERAS.join(', ')}`);
  return camera;
}

function productOf(product: string | null, scene: TestSceneSettings['scene'], uri: string): boolean {
  if (product === null) return false;
  if (product !== 'plate' || scene !== 'conveyor') throw unsupported(`${sourceName(uri)}: expected test:conveyor?product=plate`);
  return true;
}

function unsupported(message: string): FastsamError {
  return new FastsamError('SOURCE_UNSUPPORTED', message);
}
