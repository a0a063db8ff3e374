/**
 * What a model file says about itself. onnxruntime-node does not expose an ONNX file's metadata, so it is read from
 * the protobuf: only the fields named here are decoded, nodes and weights are skipped over.
 */
import { open } from 'node:fs/promises';
import protobuf from 'protobufjs';
import { FastsamError, systemCodeOf } from '../errors.js';

// Field numbers of onnx.proto (ONNX 1.0 and later); of a tensor only its type and shape, so that weights are skipped.
const schema = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        graph: { type: 'GraphProto', id: 7 },
        metadataProps: { rule: 'repeated', type: 'StringStringEntryProto', id: 14 },
      },
    },
    StringStringEntryProto: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    GraphProto: {
      fields: {
        initializer: { rule: 'repeated', type: 'TensorProto', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfoProto', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfoProto', id: 12 },
      },
    },
    TensorProto: {
      fields: { dims: { rule: 'repeated', type: 'int64', id: 1 }, dataType: { type: 'int32', id: 2 }, name: { type: 'string', id: 8 } },
    },
    ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
    TypeProto: { fields: { tensorType: { type: 'TensorTypeProto', id: 1 } } },
    TensorTypeProto: { fields: { shape: { type: 'TensorShapeProto', id: 2 } } },
    TensorShapeProto: { fields: { dim: { rule: 'repeated', type: 'DimensionProto', id: 1 } } },
    DimensionProto: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
});
const ModelProto = schema.lookupType('ModelProto');

/** TensorProto.DataType of weights: float, float16, double, bfloat16. */
const WEIGHT_TYPES = new Set([1, 10, 11, 16]);

/** The decoded message as plain JSON: int64 as numbers, nothing absent. */
interface ModelJson {
  readonly irVersion: number;
  readonly graph: {
    readonly initializer: readonly { readonly name: string; readonly dims: readonly number[]; readonly dataType: number }[];
    readonly input: readonly ValueJson[];
    readonly output: readonly ValueJson[];
  } | null;
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
}
interface ValueJson {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly shape: { readonly dim: readonly { readonly dimValue: number; readonly dimParam: string }[] } | null;
    } | null;
  } | null;
}

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
  const bytes = await readModelFile(path);
  let model: ModelJson;
  try {
    model = ModelProto.toObject(ModelProto.decode(bytes), { longs: Number, defaults: true }) as ModelJson;
    if (model.irVersion < 1) throw new Error('no IR version');
  } catch (cause) {
    throw new FastsamError('MODEL_CORRUPT', `${path}: not an ONNX model, or cut short (expected a protobuf ModelProto)`, { cause });
  }
  const entries = new Map(model.metadataProps.map(({ key, value }) => [key, value]));
  const imgsz = parseImageSize(entries.get('imgsz'));
  const weights = (model.graph?.initializer ?? []).filter(({ dataType }) => WEIGHT_TYPES.has(dataType));
  const constants = new Set(weights.map(({ name }) => name));
  return {
    names: parseNames(entries.get('names')),
    entries,
    ...(imgsz ? { imgsz } : {}),
    // Old exporters list the weights among the inputs.
    inputs: (model.graph?.input ?? []).filter(({ name }) => !constants.has(name)).map(describe),
    outputs: (model.graph?.output ?? []).map(describe),
    parameters: weights.reduce((sum, { dims }) => sum + dims.reduce((product, side) => product * side, 1), 0),
  };
}

function describe({ name, type }: ValueJson): TensorDescription {
  const dims = type?.tensorType?.shape?.dim ?? [];
  return { name, shape: dims.map(({ dimValue, dimParam }) => dimParam || dimValue) };
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
