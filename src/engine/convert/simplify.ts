/** A model with everything constant worked out: weights are initializers, shapes are numbers. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FastsamError, messageOf } from '../../errors.js';
import { softmaxOverLastAxis } from '../../model/convert/softmax.js';
import { metadataOf } from '../../model/onnx.js';
import { DATA_TYPE, decodeModel, encodeModel, type OnnxModel, valueInfo } from '../../model/onnx-proto.js';
import { ort } from '../onnxruntime/onnxruntime.js';

const DEFAULT_SIZE = [640, 640] as const;

export interface Simplified {
  readonly model: OnnxModel;
  readonly input: string;
  readonly width: number;
  readonly height: number;
}

/**
 * Lets onnxruntime fold constants (casts of weights, reshaped biases, sizes computed from shapes), with an open input size
 * fixed to what the metadata says, else 640×640. Only ONNX's own operators come out: its basic level does no more.
 * Errors: MODEL_UNSUPPORTED for more than one input, MODEL_CORRUPT when onnxruntime cannot load the model.
 */
export async function simplify(path: string, model: OnnxModel): Promise<Simplified> {
  const { inputs, imgsz } = metadataOf(model);
  const [input, ...others] = inputs;
  const [batch = 0, channels = 0, rows = 0, columns = 0] = input?.shape ?? [];
  if (!input || others.length > 0 || input.shape.length !== 4 || channels !== 3 || !(batch === 1 || isOpen(batch))) {
    const found = inputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: expected one input float32 [1, 3, H, W], found ${found || 'none'}`);
  }
  const side = (given: number | string, fallback: number) => (isOpen(given) ? fallback : Number(given));
  const [height, width] = [side(rows, (imgsz ?? DEFAULT_SIZE)[0]), side(columns, (imgsz ?? DEFAULT_SIZE)[1])];
  const fixed = model.graph!.input!.map((each) => (each.name === input.name ? valueInfo(input.name, [1, 3, height, width]) : each));
  const folded = softmaxOverLastAxis(await fold(path, { ...model, graph: { ...model.graph, input: fixed } }));
  const metadataProps = [...(model.metadataProps ?? [])];
  // onnxruntime writes the versions of all operator sets that it knows.
  const used = new Set((folded.graph?.node ?? []).map(({ domain }) => domain ?? ''));
  const opsetImport = (folded.opsetImport ?? []).filter(({ domain }) => used.has(domain ?? ''));
  return { model: { ...folded, opsetImport, metadataProps }, input: input.name, width, height };
}

const isOpen = (size: number | string) => typeof size === 'string' || size < 1;

async function fold(path: string, model: OnnxModel): Promise<OnnxModel> {
  const directory = await mkdtemp(join(tmpdir(), 'fastsamd-convert-'));
  try {
    const [from, to] = [join(directory, 'in.onnx'), join(directory, 'out.onnx')];
    await writeFile(from, encodeModel(model));
    const session = await ort.InferenceSession.create(from, {
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath: to,
      logSeverityLevel: 3,
    });
    await session.release();
    return decodeModel(await readFile(to));
  } catch (cause) {
    throw new FastsamError('MODEL_CORRUPT', `${path}: onnxruntime cannot load it: ${messageOf(cause)}`, { cause });
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The same model with more outputs: tensors of its graph, in float32. */
export function withOutputs(model: OnnxModel, tensors: readonly string[]): OnnxModel {
  const output = tensors.map((name) => ({ name, type: { tensorType: { elemType: DATA_TYPE.float } } }));
  return { ...model, graph: { ...model.graph, output: [...(model.graph?.output ?? []), ...output] } };
}
