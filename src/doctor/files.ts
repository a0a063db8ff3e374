/** Checks of the files that a configuration names: models, secrets, certificates. Nothing is run. */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { KeyPath } from '../config/json-schema.js';
import type { Problem } from '../config/problems.js';
import type { Config } from '../config/schema.js';
import { readSecret } from '../config/secrets.js';
import { withIds } from '../domain/prompt.js';
import { openBounded } from '../durable.js';
import { isEngineFile } from '../engine/tensorrt/engine-file.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
import { resolveModel } from '../model/installed.js';
import { readModelMetadata } from '../model/onnx.js';
import { classesOf } from '../model/signature.js';
import { findTextModel } from '../model/text-model.js';
import { assertLabels } from '../prompt/label-check.js';

/** What keeps the daemon from using a file, one problem per key; empty when all of them can be read by this user. */
export async function checkFiles(config: Config): Promise<Problem[]> {
  const problems: Problem[] = [];
  const attempt = async (path: KeyPath, check: () => Promise<unknown>) => {
    try {
      await check();
    } catch (error) {
      // A secret's message begins with its key, as the problem does.
      problems.push({ path, message: messageOf(error).replace(/^(password|token)File: /, '') });
    }
  };
  const { model, governor, text, mqtt, metrics, cameras } = config;
  await attempt(['model', 'path'], () => checkModelFile(model.path));
  // The labels of a model that cannot be read are not known.
  if (problems.length === 0) {
    const labels = await labelsOf(model.path);
    for (const [index, { prompts }] of cameras.entries()) {
      if (labels) await attempt(['cameras', index, 'prompts'], async () => assertLabels(withIds(prompts), labels));
    }
  }
  const { smallModel } = governor;
  if (governor.enabled && smallModel !== undefined) await attempt(['governor', 'smallModel'], () => checkModelFile(smallModel));
  const textModel = text.model;
  if (textModel !== undefined) await attempt(['text', 'model'], () => findTextModel(textModel));
  for (const [index, { passwordFile }] of cameras.entries()) {
    await attempt(['cameras', index, 'passwordFile'], () => readSecret({ file: passwordFile }, 'password'));
  }
  if (mqtt.broker === 'external' || mqtt.username !== undefined)
    await attempt(['mqtt', 'passwordFile'], () => readSecret({ file: mqtt.passwordFile }, 'password'));
  if (metrics.enabled) await attempt(['metrics', 'tokenFile'], () => readSecret({ file: metrics.tokenFile }, 'token'));
  const certificates: readonly [KeyPath, string | undefined][] = [
    ...(['caFile', 'certFile', 'keyFile'] as const).map((key) => [['mqtt', 'tls', key], mqtt.tls[key]] as const),
    ...(metrics.enabled ? (['certFile', 'keyFile', 'clientCaFile'] as const) : []).map(
      (key) => [['metrics', 'tls', key], metrics.tls[key]] as const,
    ),
  ].map(([path, file]) => [[...path], file]);
  for (const [path, file] of certificates) {
    if (file !== undefined) await attempt(path, () => readCertificate(file));
  }
  return problems;
}

/** Errors: CONFIG_INVALID. */
async function readCertificate(file: string): Promise<void> {
  try {
    await readFile(file);
  } catch (cause) {
    const reason = systemCodeOf(cause) === 'ENOENT' ? 'no such file' : messageOf(cause);
    throw new FastsamError('CONFIG_INVALID', `${file}: ${reason}; expected a PEM file`, { cause });
  }
}

/** Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED. */
async function checkModelFile(model: string): Promise<void> {
  const path = await resolveModel(model);
  if (isEngineFile(path)) {
    // Whether it can be opened; reading it takes TensorRT.
    await using _engine = await openBounded(path, Number.POSITIVE_INFINITY);
  } else await readModelMetadata(path);
}

/** The model's name and labels; undefined where only running it would tell. Errors: as checkModelFile. */
async function labelsOf(model: string): Promise<{ name: string; labels: readonly string[] } | undefined> {
  const path = await resolveModel(model);
  if (isEngineFile(path)) return undefined;
  const { names, outputs } = await readModelMetadata(path);
  const classes = classesOf(outputs);
  if (classes === undefined) return undefined;
  const labels = classes > 1 ? Array.from({ length: classes }, (_, index) => names[index] ?? `class ${index}`) : [];
  return { name: basename(path, extname(path)), labels };
}
