/** What can be said about a model file without running it. */
import { stat } from 'node:fs/promises';
import { sha256OfFile } from './checksum.js';
import { entryWithHash, readManifest } from './manifest.js';
import { readModelMetadata, type TensorDescription } from './onnx.js';

export interface ModelFacts {
  readonly path: string;
  readonly kind: 'onnx' | 'checkpoint';
  readonly bytes: number;
  readonly sha256: string;
  /** The manifest's name for the checkpoint, or for the one this was imported from. */
  readonly knownAs: string | null;
  readonly names: readonly string[];
  /** [height, width]. */
  readonly imageSize: readonly [number, number] | null;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** Numbers in the weights of an ONNX file. */
  readonly parameters: number | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Errors: MODEL_NOT_FOUND, MODEL_CORRUPT. */
export async function inspectModel(path: string): Promise<ModelFacts> {
  const sha256 = await sha256OfFile(path);
  const { size: bytes } = await stat(path);
  const manifest = await readManifest();
  const known = (hash: string) => entryWithHash(manifest, hash)?.name ?? null;
  const file = { path, bytes, sha256 };
  if (/\.pt$/i.test(path)) {
    return {
      ...file,
      kind: 'checkpoint',
      knownAs: known(sha256),
      names: [],
      imageSize: null,
      inputs: [],
      outputs: [],
      parameters: null,
      metadata: {},
    };
  }
  const { names, imgsz, entries, inputs, outputs, parameters } = await readModelMetadata(path);
  const knownAs = known(entries.get('sourceSha256') ?? '');
  return {
    ...file,
    kind: 'onnx',
    knownAs,
    names,
    imageSize: imgsz ?? null,
    inputs,
    outputs,
    parameters,
    metadata: Object.fromEntries(entries),
  };
}
