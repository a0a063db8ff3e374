/** From a PyTorch checkpoint of a YOLOv8-seg network (FastSAM-s, FastSAM-x, YOLOv8n…x-seg) to ONNX, without Python. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { openBounded, writeDurably } from '../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
import { Module } from './checkpoint/module.js';
import { PyObject, type PyValue, readPickle } from './checkpoint/pickle.js';
import { ZipArchive } from './checkpoint/zip.js';
import { encodeModel, valueInfo } from './onnx-proto.js';
import { MASK_CHANNELS } from './signature.js';
import { OPSET } from './yolo/graph.js';
import { buildNetwork, type Network } from './yolo/network.js';

const MAX_CHECKPOINT_BYTES = 2 ** 30;
const MAX_SIDE = 4096;

export interface ImportOptions {
  /** Multiples of 32. */
  readonly imageSize: readonly [height: number, width: number];
  /** Store weights as float16: half the file; inputs, outputs and arithmetic stay float32. */
  readonly half?: boolean;
}

export interface Imported {
  readonly path: string;
  readonly names: readonly string[];
  readonly parameters: number;
  /** Billions of floating-point operations of one inference, a multiply-accumulate counted as two. */
  readonly gflops: number;
  readonly sourceSha256: string;
  readonly bytes: number;
}

/**
 * Reads `checkpoint` (a PyTorch zip file) and writes `output`. Nothing is under that name before everything is right:
 * the file is written beside it, synced and renamed.
 * Errors: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSUPPORTED, OUTPUT_UNWRITABLE, USAGE for the image size.
 */
export async function importCheckpoint(checkpoint: string, output: string, options: ImportOptions): Promise<Imported> {
  const [height, width] = options.imageSize;
  for (const side of options.imageSize) {
    if (!Number.isInteger(side) || side < 32 || side > MAX_SIDE || side % 32 !== 0) {
      throw new FastsamError('USAGE', `image size ${height}×${width}: expected multiples of 32 up to ${MAX_SIDE}`);
    }
  }
  const file = await readCheckpoint(checkpoint);
  const sourceSha256 = createHash('sha256').update(file).digest('hex');
  const { network, names } = convert(file, checkpoint, height, width, options.half ?? false);
  const metadata = {
    names: pythonDict(names),
    imgsz: `[${height}, ${width}]`,
    task: 'segment',
    stride: '32',
    source: basename(checkpoint),
    sourceSha256,
    parameters: String(network.graph.parameters),
    gflops: gflopsOf(network).toFixed(2),
  };
  const bytes = encodeNetwork(network, height, width, metadata);
  await writeWhole(output, bytes);
  return { path: output, names, parameters: network.graph.parameters, gflops: gflopsOf(network), sourceSha256, bytes: bytes.length };
}

async function readCheckpoint(path: string): Promise<Buffer> {
  try {
    await using file = await openBounded(path, MAX_CHECKPOINT_BYTES);
    return await file.readFile();
  } catch (cause) {
    if (systemCodeOf(cause) === 'EFBIG')
      throw new FastsamError('MODEL_CORRUPT', `${path}: ${messageOf(cause)}; no checkpoint is that large`, { cause });
    const why =
      { ENOENT: 'no such file', EISDIR: 'is a directory', EACCES: 'permission denied' }[systemCodeOf(cause) ?? ''] ?? messageOf(cause);
    throw new FastsamError('MODEL_NOT_FOUND', `${path}: ${why} (expected a PyTorch checkpoint, .pt)`, { cause });
  }
}

/** Checkpoint bytes → network; pure. `name` is for messages. */
export function convert(file: Buffer, name: string, height: number, width: number, half: boolean): { network: Network; names: string[] } {
  const archive = new ZipArchive(file, name);
  const pickle = archive.names.find((entry) => /^[^/]*\/data\.pkl$/.test(entry) || entry === 'data.pkl');
  if (pickle === undefined) throw new FastsamError('MODEL_CORRUPT', `${name}: a zip file, but no PyTorch checkpoint (it has no data.pkl)`);
  const root = readPickle(archive.read(pickle), name);
  const record = modelOf(root, name);
  try {
    const model = new Module('', record, archive, pickle.slice(0, -'data.pkl'.length));
    const network = buildNetwork(model, height, width, half);
    return { network, names: namesOf(model, network.classes) };
  } catch (error) {
    if (!(error instanceof FastsamError) || error.message.startsWith(name)) throw error;
    throw new FastsamError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}

/** `ema` is what training would publish; `model` is there when it has been stripped. */
function modelOf(root: PyValue, name: string): PyObject {
  const candidates = root instanceof Map ? [root.get('ema'), root.get('model')] : [root];
  const model = candidates.find((value) => value instanceof PyObject && value.state instanceof Map && value.state.has('_modules'));
  if (model instanceof PyObject) return model;
  throw new FastsamError(
    'MODEL_UNSUPPORTED',
    `${name}: holds no model structure (a bare state dict?); expected a checkpoint as Ultralytics saves it`,
  );
}

function namesOf(model: Module, classes: number): string[] {
  const names = model.attribute('names');
  const name = (index: number) => (names instanceof Map ? names.get(index) : Array.isArray(names) ? names[index] : undefined);
  return Array.from({ length: classes }, (_, index) => {
    const text = name(index);
    return typeof text === 'string' ? text.slice(0, 200) : `class ${index}`;
  });
}

function pythonDict(names: readonly string[]): string {
  return `{${names.map((name, index) => `${index}: '${name.replace(/[\\']/g, '\\$&')}'`).join(', ')}}`;
}

function gflopsOf({ graph }: Network): number {
  return (2 * graph.macs) / 1e9;
}

function encodeNetwork(
  { graph, classes, anchors }: Network,
  height: number,
  width: number,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  return encodeModel({
    irVersion: 8,
    producerName: 'fastsamd',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: 'yolov8-seg',
      node: graph.nodes,
      initializer: graph.initializers,
      input: [valueInfo('images', [1, 3, height, width])],
      output: [
        valueInfo('output0', [1, 4 + classes + MASK_CHANNELS, anchors]),
        valueInfo('output1', [1, MASK_CHANNELS, height / 4, width / 4]),
      ],
    },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeDurably(path, bytes);
  } catch (cause) {
    const why =
      { ENOENT: 'no such directory', ENOSPC: 'the disk is full', EACCES: 'permission denied' }[systemCodeOf(cause) ?? ''] ??
      messageOf(cause);
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${why}`, { cause });
  }
}
