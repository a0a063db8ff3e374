/** What can be said about a model file without running it. */
import { stat } from 'node:fs/promises';
import { sha256OfFile } from './checksum.js';
import { entryWithHash, readManifest } from './manifest.js';
import { readModelMetadata } from './onnx.js';

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
  readonly metadata: Readonly<Record<string, string>>;
}

/** Errors: MODEL_NOT_FOUND, MODEL_CORRUPT. */
export async function inspectModel(path: string): Promise<ModelFacts> {
  const sha256 = await sha256OfFile(path);
  const { size: bytes } = await stat(path);
  const manifest = await readManifest();
  const known = (hash: string) => entryWithHash(manifest, hash)?.name ?? null;
  if (/\.pt$/i.test(path))
    return { path, kind: 'checkpoint', bytes, sha256, knownAs: known(sha256), names: [], imageSize: null, metadata: {} };
  const { names, imgsz, entries } = await readModelMetadata(path);
  const knownAs = known(entries.get('sourceSha256') ?? '');
  return { path, kind: 'onnx', bytes, sha256, knownAs, names, imageSize: imgsz ?? null, metadata: Object.fromEntries(entries) };
}
