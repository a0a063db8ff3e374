/** Configuration file → typed configuration, or every problem in it at once, each with its line. */

import { open } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { isModelName } from '../domain/model-name.js';
import { type Recipe, recipeSchema } from '../domain/recipe.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
import { type JsonSchema, recipeJsonSchema } from './json-schema.js';
import { formatPath, type Problem, problemsOf } from './problems.js';
import { type Config, configSchema } from './schema.js';
import { splitSource } from './source-uri.js';
import { parseYaml } from './yaml.js';

/** The recipe that comes with fastsamd, for the plates of `test:conveyor?product=plate` at 640 × 640. */
export const PLATE_RECIPE = fileURLToPath(new URL('../../config/recipes/plate.yaml', import.meta.url));

const MAX_BYTES = 1024 * 1024;
const MAX_PROBLEMS = 20;
const CONFIGURATION = 'a configuration file';
/** Finding a key's line walks the document: enough of them to sort, not one for each of 10,000 unknown keys. */
const MAX_LOCATED = 200;

/**
 * Reads and checks a configuration file. Relative paths in the result are resolved against the file's folder.
 * Errors: CONFIG_INVALID, one line per problem: `FILE:LINE:COLUMN KEY: what is wrong`.
 */
export async function loadConfig(file: string): Promise<Config> {
  return parseConfig(await readText(file), file);
}

/** A configuration, and the error that names more problems of it with their lines. */
export interface LocatedConfig {
  readonly config: Config;
  readonly invalid: (problems: readonly Problem[]) => FastsamError;
}

/** As `loadConfig`, for a caller that checks what the file names as well. */
export async function loadLocatedConfig(file: string): Promise<LocatedConfig> {
  return parseLocated(await readText(file), file);
}

/** Reads and checks a recipe. Errors: CONFIG_INVALID, as `loadConfig`. */
export async function loadRecipe(file: string): Promise<Recipe> {
  const text = await readText(file, 'a recipe');
  return parseDocument(text, file, {
    schema: recipeSchema,
    jsonSchema: recipeJsonSchema(),
    empty: 'expected at least "recipe", "objects" and "checks"',
  }).value;
}

/** As `loadConfig`, for a text; `file` names it in messages and anchors its relative paths. */
export function parseConfig(text: string, file: string): Config {
  return parseLocated(text, file).config;
}

function parseLocated(text: string, file: string): LocatedConfig {
  const { value, invalid: located } = parseDocument(text, file, {
    schema: configSchema,
    empty: 'expected at least "model" and "cameras" (see "fastsamd config schema")',
  });
  return { config: resolvePaths(value, path.dirname(path.resolve(file))), invalid: located };
}

/** What a YAML document has to be. */
interface DocumentKind<T> {
  readonly schema: z.ZodType<T>;
  /** For messages; that of the configuration when absent. */
  readonly jsonSchema?: JsonSchema;
  /** What an empty file lacks. */
  readonly empty: string;
}

/** Errors: CONFIG_INVALID, one line per problem, with its place in `file`. */
function parseDocument<T>(
  text: string,
  file: string,
  { schema, jsonSchema, empty }: DocumentKind<T>,
): { readonly value: T; readonly invalid: LocatedConfig['invalid'] } {
  const yaml = parseYaml(text);
  if (!yaml.ok) {
    throw invalid(yaml.problems.map(({ position, message }) => (position ? `${at(file, position)} ${message}` : `${file}: ${message}`)));
  }
  if (yaml.value === null) throw invalid([`${file}: empty; ${empty}`]);

  const located = (problems: readonly Problem[]) => {
    const lines = problems
      .slice(0, MAX_LOCATED)
      .map((problem) => ({ ...problem, position: yaml.positionOf(problem.path) }))
      .sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column)
      .map(({ position, path: key, message }) => `${at(file, position)} ${[formatPath(key), message].filter(Boolean).join(': ')}`);
    return invalid(lines, problems.length);
  };
  const parsed = schema.safeParse(yaml.value);
  if (!parsed.success) throw located(problemsOf(parsed.error.issues, yaml.value, jsonSchema));
  return { value: parsed.data, invalid: located };
}

function at(file: string, position: { line: number; column: number }): string {
  return `${file}:${position.line}:${position.column}`;
}

function invalid(problems: readonly string[], count = problems.length): FastsamError {
  const shown = problems.slice(0, MAX_PROBLEMS);
  if (count > MAX_PROBLEMS) shown.push(`… and ${count - MAX_PROBLEMS} more problems`);
  return new FastsamError('CONFIG_INVALID', shown.join('\n'));
}

async function readText(file: string, expected = CONFIGURATION): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    // One byte more than allowed tells "too large" without trusting the size that the file system reports.
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    if (length > MAX_BYTES) throw new FastsamError('CONFIG_INVALID', `${file}: larger than 1 MiB; expected ${expected}`);
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof FastsamError) throw error;
    throw new FastsamError('CONFIG_INVALID', `${file}: ${unreadable(error, expected)}`, { cause: error });
  }
}

function unreadable(error: unknown, expected: string): string {
  switch (systemCodeOf(error)) {
    case 'ENOENT':
      return `no such file; expected ${expected}${expected === CONFIGURATION ? ' (config/default.yaml is one to start from)' : ''}`;
    case 'EACCES':
      return 'not readable by this user; check its permissions';
    case 'EISDIR':
      return `a directory; expected ${expected}`;
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'not UTF-8 text; expected a YAML file';
    default:
      return messageOf(error);
  }
}

/** Bare paths and `file:` paths; other URIs are left alone, and so is `file://`, which is absolute by definition. */
function resolveSource(source: string, folder: string): string {
  const { scheme, rest } = splitSource(source);
  if (scheme !== 'file' || rest.startsWith('//')) return source;
  const absolute = path.resolve(folder, rest);
  return rest === source ? absolute : `file:${absolute}`;
}

function resolvePaths(config: Config, folder: string): Config {
  const resolved = structuredClone(config);
  const { model, text, mqtt, cameras } = resolved;
  // A name such as fastsam-s is an installed model, not a file beside the configuration.
  if (!isModelName(model.path)) model.path = path.resolve(folder, model.path);
  if (text.model !== undefined && !isModelName(text.model)) text.model = path.resolve(folder, text.model);
  for (const key of ['engineDirectory', 'calibration'] as const) {
    const folderOf = model.tensorrt[key];
    if (folderOf !== undefined) model.tensorrt[key] = path.resolve(folder, folderOf);
  }
  for (const camera of cameras) {
    camera.source = resolveSource(camera.source, folder);
    const { inspection } = camera;
    if (inspection) inspection.recipe = path.resolve(folder, inspection.recipe);
    if (inspection?.calibration !== undefined) inspection.calibration = path.resolve(folder, inspection.calibration);
    if (inspection?.taught !== undefined) inspection.taught = path.resolve(folder, inspection.taught);
    if (camera.moveTo !== undefined) camera.moveTo = path.resolve(folder, camera.moveTo);
    if (camera.passwordFile !== undefined) camera.passwordFile = path.resolve(folder, camera.passwordFile);
  }
  if (resolved.stateDir !== undefined) resolved.stateDir = path.resolve(folder, resolved.stateDir);
  if (mqtt.passwordFile !== undefined) mqtt.passwordFile = path.resolve(folder, mqtt.passwordFile);
  for (const key of ['caFile', 'certFile', 'keyFile'] as const) {
    const file = mqtt.tls[key];
    if (file !== undefined) mqtt.tls[key] = path.resolve(folder, file);
  }
  const { governor, metrics } = resolved;
  if (governor.smallModel !== undefined && !isModelName(governor.smallModel))
    governor.smallModel = path.resolve(folder, governor.smallModel);
  if (metrics.tokenFile !== undefined) metrics.tokenFile = path.resolve(folder, metrics.tokenFile);
  for (const key of ['certFile', 'keyFile', 'clientCaFile'] as const) {
    const file = metrics.tls[key];
    if (file !== undefined) metrics.tls[key] = path.resolve(folder, file);
  }
  for (const key of ['certFile', 'keyFile'] as const) {
    const file = resolved.console.tls[key];
    if (file !== undefined) resolved.console.tls[key] = path.resolve(folder, file);
  }
  return resolved;
}
