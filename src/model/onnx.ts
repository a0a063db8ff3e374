/**
 * What a model file says about itself. onnxruntime-node does not expose an ONNX file's metadata, so it is read from
 * the protobuf: only the fields named here are decoded, the graph with its weights is skipped over.
 */
import { open } from 'node:fs/promises';
import protobuf from 'protobufjs';
import { FastsamError, systemCodeOf } from '../errors.js';

// Field numbers of ModelProto and StringStringEntryProto, onnx.proto (ONNX 1.0 and later).
const schema = protobuf.Root.fromJSON({
  nested: {
    StringStringEntryProto: {
      fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } },
    },
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        metadataProps: { rule: 'repeated', type: 'StringStringEntryProto', id: 14 },
      },
    },
  },
});
const ModelProto = schema.lookupType('ModelProto');

/** Protobuf cannot describe more than 2 GiB. */
const MAX_MODEL_BYTES = 2 ** 31;

export interface ModelMetadata {
  /** Class names by index; empty when the file has none. */
  readonly names: readonly string[];
  /** [height, width] the model was exported for, when the file says so. */
  readonly imgsz?: readonly [number, number];
  /** All entries as they are in the file. */
  readonly entries: ReadonlyMap<string, string>;
}

/** Reads the metadata of an ONNX file. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT. */
export async function readModelMetadata(path: string): Promise<ModelMetadata> {
  const bytes = await readModelFile(path);
  let entries: Map<string, string>;
  try {
    const message = ModelProto.decode(bytes) as unknown as { irVersion: unknown; metadataProps: { key: string; value: string }[] };
    entries = new Map(message.metadataProps.map(({ key, value }) => [key, value]));
    if (Number(message.irVersion) < 1) throw new Error('no IR version');
  } catch (cause) {
    throw new FastsamError('MODEL_CORRUPT', `${path}: not an ONNX model, or cut short (expected a protobuf ModelProto)`, { cause });
  }
  const imgsz = parseImageSize(entries.get('imgsz'));
  return { names: parseNames(entries.get('names')), entries, ...(imgsz ? { imgsz } : {}) };
}

async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > MAX_MODEL_BYTES) throw new FastsamError('MODEL_CORRUPT', `${path}: ${size} bytes; an ONNX file is at most 2 GiB`);
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof FastsamError) throw cause;
    const why =
      { ENOENT: 'no such file', EISDIR: 'is a directory', EACCES: 'permission denied' }[systemCodeOf(cause) ?? ''] ?? 'cannot be read';
    throw new FastsamError('MODEL_NOT_FOUND', `${path}: ${why} (expected a YOLOv8-seg or FastSAM model in ONNX format)`, { cause });
  }
}

/** `{0: 'person', 1: "cat's eye"}`, the Python dict literal that Ultralytics writes. Anything else gives no names. */
export function parseNames(literal: string | undefined): string[] {
  const names: string[] = [];
  if (!literal) return names;
  const entry = /(\d{1,5})\s*:\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/gy;
  const body = literal.trim().replace(/^\{|\}$/g, '');
  let at = 0;
  while (at < body.length) {
    entry.lastIndex = at;
    const match = entry.exec(body);
    if (!match) return [];
    names[Number(match[1])] = (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1');
    at = entry.lastIndex + (/^[\s,]*/.exec(body.slice(entry.lastIndex))?.[0].length ?? 0);
  }
  return Array.from(names, (name, index) => name ?? `class ${index}`);
}

function parseImageSize(literal: string | undefined): [number, number] | undefined {
  const match = /^\s*[[(]?\s*(\d{2,5})\s*(?:,\s*(\d{2,5})\s*)?[\])]?\s*$/.exec(literal ?? '');
  if (!match) return undefined;
  const height = Number(match[1]);
  return [height, match[2] === undefined ? height : Number(match[2])];
}
