/** What a model file says about itself. onnxruntime-node does not expose an ONNX file's metadata: it is read from the protobuf. */
import { openBounded } from '../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
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

/** Reads the metadata of an ONNX file. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED. */
export async function readModelMetadata(path: string): Promise<ModelMetadata> {
  return metadataOf(await readModel(path));
}

/** Reads a whole ONNX file. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED for a PyTorch file. */
export async function readModel(path: string): Promise<OnnxModel> {
  const bytes = await readModelFile(path);
  // PyTorch's files are ZIP archives; those from before 2020 are pickles.
  if ((bytes[0] === 0x50 && bytes[1] === 0x4b) || /\.pth?$/i.test(path)) {
    throw new FastsamError(
      'MODEL_UNSUPPORTED',
      `${path}: a PyTorch file, not an ONNX model; import it first: fastsamd model import ${path}`,
    );
  }
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
    await using file = await openBounded(path, MAX_MODEL_BYTES);
    return await file.readFile();
  } catch (cause) {
    if (systemCodeOf(cause) === 'EFBIG')
      throw new FastsamError('MODEL_CORRUPT', `${path}: ${messageOf(cause)}, as of any ONNX file`, { cause });
    const why =
      { ENOENT: 'no such file', EISDIR: 'is a directory', EINVAL: 'no regular file', EACCES: 'permission denied' }[
        systemCodeOf(cause) ?? ''
      ] ?? 'cannot be read';
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
    names[Number(match[1])] = unescaped(match[2] ?? match[3] ?? '');
    at = entry.lastIndex + (/^[\s,]*/.exec(body.slice(entry.lastIndex))?.[0].length ?? 0);
  }
  return Array.from(names, (name, index) => name ?? `class ${index}`);
}

/** Python's escapes in a string literal (Python reference, "Escape sequences"); an unknown one stays as it is, as in Python. */
const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;
const SINGLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  // The line goes on.
  '\n': '',
};

function unescaped(literal: string): string {
  return literal.replace(ESCAPE, (whole, octal?: string, x?: string, u?: string, U?: string, single = '') => {
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    const hex = x ?? u ?? U;
    if (hex === undefined) return SINGLE_ESCAPES[single] ?? whole;
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function parseImageSize(literal: string | undefined): [number, number] | undefined {
  const match = /^\s*[[(]?\s*(\d{2,5})\s*(?:,\s*(\d{2,5})\s*)?[\])]?\s*$/.exec(literal ?? '');
  if (!match) return undefined;
  const height = Number(match[1]);
  return [height, match[2] === undefined ? height : Number(match[2])];
}
