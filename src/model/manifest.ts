/** models/manifest.json: the published weights that can be pulled by name, and how to know them again. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { nearest } from '../config/nearest.js';
import { FastsamError, messageOf } from '../errors.js';
import { sha256OfFile } from './checksum.js';

const MANIFEST = fileURLToPath(new URL('../../models/manifest.json', import.meta.url));

const side = z.number().int().min(32).max(4096).multipleOf(32);

/** A published file: size and hash decide what it is, the address is only where to look for it. */
const remoteFileSchema = z.strictObject({
  /** Its name on disk. */
  file: z.string().regex(/^[A-Za-z0-9][\w.-]{0,127}$/, 'expected a file name without folders'),
  url: z.url({ protocol: /^https?$/ }),
  bytes: z
    .number()
    .int()
    .min(1)
    .max(2 ** 31),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits'),
});

const common = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected a-z, 0-9 and "-"'),
  title: z.string().min(1).max(200),
  /** SPDX identifier of the weights' licence. */
  licence: z.string().min(1).max(100),
};

const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    /** A PyTorch checkpoint of a YOLOv8-seg network, imported to ONNX on this machine. */
    kind: z.literal('yolov8-seg'),
    ...common,
    /** What the network is imported for unless told otherwise. */
    inputSize: z.tuple([side, side]).readonly(),
    checkpoint: remoteFileSchema,
  }),
  z.strictObject({
    /** Text and image encoders for text prompts, as they are: a directory of these files. */
    kind: z.literal('text-model'),
    ...common,
    files: z.array(remoteFileSchema).min(3).max(8),
  }),
]);

const manifestSchema = z
  .strictObject({ models: z.array(entrySchema).max(100) })
  .refine(({ models }) => new Set(models.map(({ name }) => name)).size === models.length, 'expected every name once');

export type RemoteFile = z.output<typeof remoteFileSchema>;
export type ManifestEntry = z.output<typeof entrySchema>;
export type CheckpointEntry = Extract<ManifestEntry, { kind: 'yolov8-seg' }>;
export type TextModelEntry = Extract<ManifestEntry, { kind: 'text-model' }>;

/**
 * Reads the manifest of this package, or the one that `FASTSAMD_MANIFEST` names.
 * Errors: CONFIG_INVALID, naming the file and the first place that is wrong.
 */
export async function readManifest(path = process.env.FASTSAMD_MANIFEST || MANIFEST): Promise<readonly ManifestEntry[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new FastsamError('CONFIG_INVALID', `${path}: no readable manifest of models: ${messageOf(cause)}`, { cause });
  }
  const parsed = manifestSchema.safeParse(content);
  if (parsed.success) return parsed.data.models;
  const [issue] = parsed.error.issues;
  throw new FastsamError('CONFIG_INVALID', `${path}: ${issue?.path.join('.') || 'manifest of models'}: ${issue?.message}`);
}

/** The entry called `name`. Errors: USAGE, with the name that was probably meant. */
export function entryNamed(entries: readonly ManifestEntry[], name: string): ManifestEntry {
  const entry = entries.find((each) => each.name === name);
  if (entry) return entry;
  const names = entries.map((each) => each.name);
  const meant = nearest(name, names);
  throw new FastsamError(
    'USAGE',
    `no model is called "${name}"; ${meant === undefined ? `expected one of ${names.join(', ')}` : `did you mean "${meant}"?`}`,
  );
}

/** The entry whose checkpoint has this hash: what a file is, whatever its name. */
export function entryWithHash(entries: readonly ManifestEntry[], sha256: string): CheckpointEntry | undefined {
  const checkpoints = entries.filter((entry) => entry.kind === 'yolov8-seg');
  return checkpoints.find(({ checkpoint }) => checkpoint.sha256 === sha256);
}

/** Checks a file that was brought here by other means. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT when it is not the published one. */
export async function demandPublished(path: string, name: string, remote: RemoteFile): Promise<void> {
  const sha256 = await sha256OfFile(path);
  if (sha256 === remote.sha256) return;
  throw new FastsamError(
    'MODEL_CORRUPT',
    `${path}: not the published ${remote.file}: sha256 is ${sha256}, ${name} has ${remote.sha256} ("fastsamd model import" takes any checkpoint)`,
  );
}
