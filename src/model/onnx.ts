/** What a model file says about itself. onnxruntime-node does not expose an ONNX file's metadata: it is read from the protobuf. */
import { open } from 'node:fs/promises';
import { FastsamError, systemCodeOf } from '../errors.js';
import { DATA_TYPE, decodeModel, type OnnxModel, type OnnxValue } from './onnx-proto.js';

/** Types of weights. */
const WEIGHT_TYPES: ReadonlySet<number> = new Set([DATA_TYPE.float, DATA_TYPE.float16, DATA_TYPE.double, DATA_TYPE.bfloat16]);

/** Protobuf cannot describe more than 2 GiB. */
const MAX_MODEL_BYTES = 2 ** 31;

export interface ModelMetadata {
  /** Class names by index; empty when the file has none. */
  readonly names: readonly string[];
  /** [height, width] the model was exported for, when the file says so. */
  readonly imgsz?: readonly [number, number];
  /** All entries as they are in the file. */
  readonly entries: ReadonlyMap<string, string>;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** Numbers in the network's weights, constants included. */
  readonly parameters: number;
}

export interface TensorDescription {
  readonly name: string;
  /** A name where the size is left open. */
  readonly shape: readonly (number | string)[];
}

/** Reads the metadata of an ONNX file. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT. */
export async function readModelMetadata(path: string): Promise<ModelMetadata> {
  return metadataOf(await readModel(path));
}

/** Reads a whole ONNX file. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT. */
export async function readModel(path: string): Promise<OnnxModel> {
  const bytes = await readModelFile(path);
  try {
    return decodeModel(bytes);
  } catch (cause) {
    throw new FastsamError('MODEL_CORRUPT', `${path}: not an ONNX model, or cut short (expected a protobuf ModelProto)`, { cause });
  }
}

export function metadataOf({ graph = {}, metadataProps = [] }: OnnxModel): ModelMetadata {
  const entries = new Map(metadataProps.map(({ key, value = '' }) => [key, value]));
  const imgsz = parseImageSize(entries.get('imgsz'));
  const weights = (graph.initializer ?? []).filter(({ dataType }) => WEIGHT_TYPES.has(dataType));
  const constants = new Set(weights.map(({ name }) => name));
  return {
    names: parseNames(entries.get('names')),
    entries,
    ...(imgsz ? { imgsz } : {}),
    // Old exporters list the weights among the inputs.
    inputs: (graph.input ?? []).filter(({ name }) => !constants.has(name)).map(describe),
    outputs: (graph.output ?? []).map(describe),
    parameters: weights.reduce((sum, { dims = [] }) => sum + dims.reduce<number>((product, side) => product * Number(side), 1), 0),
  };
}

function describe({ name, type }: OnnxValue): TensorDescription {
  const dims = type?.tensorType?.shape?.dim ?? [];
  return { name, shape: dims.map(({ dimValue = 0, dimParam }) => dimParam || Number(dimValue)) };
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
