/** Where models live on this machine, and from a name to the file. */
import { existsSync } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, parse, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isModelName } from '../domain/model-name.js';
import { FastsamError, isFastsamError } from '../errors.js';
import { type CheckpointEntry, type ManifestEntry, readManifest } from './manifest.js';

const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SYSTEM_DIRECTORY = '/var/lib/fastsamd/models';

/**
 * Folders in which a name is looked for, in this order; new models go into the first. `FASTSAMD_MODELS` alone when it is
 * set; else `models/` of a checkout, the system's and the user's (root's own being the system's), and `models/` of an
 * installed package.
 */
export function modelDirectories(): readonly [string, ...string[]] {
  const chosen = process.env.FASTSAMD_MODELS;
  if (chosen) return [resolve(chosen)];
  const user = join(process.env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'fastsamd/models');
  const shared: [string, string] = process.getuid?.() === 0 ? [SYSTEM_DIRECTORY, user] : [user, SYSTEM_DIRECTORY];
  const own = join(PACKAGE_ROOT, 'models');
  // An installed package has no sources: it brings the demo model, but the next version would delete what is stored in it.
  return existsSync(join(PACKAGE_ROOT, 'src')) ? [own, ...shared] : [...shared, own];
}

/** The small model that comes with fastsamd; see models/demo. */
export const BUNDLED_MODEL = join(PACKAGE_ROOT, 'models/demo.onnx');

/** What commands use that are given no model: FastSAM-s where it is installed, else the model that comes with fastsamd. */
export async function defaultModel(): Promise<string> {
  try {
    return await resolveModel('fastsam-s');
  } catch (error) {
    if (isFastsamError(error, 'MODEL_NOT_FOUND')) return BUNDLED_MODEL;
    throw error;
  }
}

export interface Variant {
  readonly imageSize: readonly [height: number, width: number];
  readonly half: boolean;
}

/** `fastsam-s.onnx` for the default size, else `fastsam-s-1024.onnx`, `fastsam-s-384x640-half.onnx`. */
export function fileNameOf({ name, inputSize }: CheckpointEntry, { imageSize: [height, width], half }: Variant): string {
  const isDefault = height === inputSize[0] && width === inputSize[1];
  const size = height === width ? `-${height}` : `-${height}x${width}`;
  return `${name}${isDefault ? '' : size}${half ? '-half' : ''}.onnx`;
}

/** Paths of the ONNX files that were imported from this entry, of any size, or of its directories; those found first being first. */
export async function installedFilesOf({ name, kind }: ManifestEntry): Promise<string[]> {
  if (kind === 'text-model') {
    return modelDirectories()
      .map((directory) => join(directory, name))
      .filter((directory) => existsSync(join(directory, 'tokenizer.json')));
  }
  const variant = new RegExp(`^${name}(-\\d+(x\\d+)?)?(-half)?\\.onnx$`);
  const lists = modelDirectories().map(async (directory) => {
    const files = await readdir(directory).catch(() => []);
    return files
      .filter((file) => variant.test(file))
      .sort()
      .map((file) => join(directory, file));
  });
  return (await Promise.all(lists)).flat();
}

/**
 * The file of a model given by path or by name. A path is returned as it is, whether there is a file or not.
 * Errors: MODEL_NOT_FOUND for a name that is unknown or not installed, with the command that installs it.
 */
export async function resolveModel(model: string): Promise<string> {
  if (!isModelName(model)) return model;
  for (const directory of modelDirectories()) {
    const path = join(directory, `${model}.onnx`);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  if (model === 'demo') return BUNDLED_MODEL;
  throw await notInstalled(model);
}

async function notInstalled(name: string): Promise<FastsamError> {
  const entries = await readManifest();
  const entry = entries.find((each) => name === each.name || name.startsWith(`${each.name}-`));
  if (!entry) {
    const names = entries.map((each) => each.name).join(', ');
    return new FastsamError('MODEL_NOT_FOUND', `${name}: no such model; expected the path of an .onnx file or one of ${names}`);
  }
  if (entry.kind === 'text-model') {
    return new FastsamError('MODEL_NOT_FOUND', `${name}: is for text prompts (text.model, --text-model); expected a segmentation model`);
  }
  const others = (await installedFilesOf(entry)).map((path) => parse(path).name).join(', ');
  return new FastsamError(
    'MODEL_NOT_FOUND',
    `${name}: not installed${others && ` (${others} is)`}; "fastsamd model pull ${entry.name}" fetches and imports it`,
  );
}
