/** From a float32 ONNX model to float16 or INT8: any file with the YOLOv8-seg contract. */
import { stat } from 'node:fs/promises';
import type * as OnnxRuntime from 'onnxruntime-node';
import { writeDurably } from '../../durable.js';
import { FastsamError, messageOf } from '../../errors.js';
import { anatomyOf, demandConvertible, demandFloatConvolutions } from '../../model/convert/anatomy.js';
import { toFloat16 } from '../../model/convert/float16.js';
import { placePairs, toInt8 } from '../../model/convert/int8.js';
import { readModel } from '../../model/onnx.js';
import { encodeModel, type OnnxModel } from '../../model/onnx-proto.js';
import { recognise } from '../../model/signature.js';
import { ort } from '../onnxruntime/onnxruntime.js';
import { measureRanges } from './calibrate.js';
import { calibrationPictures } from './pictures.js';
import { type Simplified, simplify } from './simplify.js';

/** Per-axis quantisation needs this operator set. */
const LEAST_OPSET = 13;

export interface ConvertOptions {
  readonly precision: 'fp16' | 'int8';
  /** Folder of pictures to measure the network's values on; needed for int8. */
  readonly calibration?: string | undefined;
  /** Told of every picture that is done. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Converted {
  readonly model: OnnxModel;
  readonly width: number;
  readonly height: number;
  /** Convolutions in few bits, of all. */
  readonly convolutions: readonly [reduced: number, all: number];
  /** Pictures that were calibrated with. */
  readonly pictures: number;
}

/**
 * Converts a float32 model. Blocks this thread while the network runs. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT,
 * MODEL_UNSUPPORTED, SOURCE_NOT_FOUND and SOURCE_CORRUPT for the pictures, USAGE for int8 without them.
 */
export async function convertModel(path: string, options: ConvertOptions): Promise<Converted> {
  const { precision, calibration } = options;
  if (precision === 'int8' && calibration === undefined)
    throw new FastsamError('USAGE', 'int8 needs a folder of pictures to calibrate with (--calib DIR)');
  const pictures = calibration === undefined ? [] : await calibrationPictures(calibration);
  const original = await readModel(path);
  demandConvertible(path, original);
  const simplified = await simplify(path, original);
  const anatomy = anatomyOf(simplified.model);
  demandFloatConvolutions(path, anatomy);
  const { width, height } = simplified;
  if (precision === 'fp16') {
    const model = signed(toFloat16(path, simplified.model, anatomy), original);
    await proveRuns(path, { ...simplified, model });
    const all = [...anatomy.body].filter(({ opType }) => opType.startsWith('Conv')).length;
    return { model, width, height, convolutions: [all, all], pictures: 0 };
  }
  demandPerAxisOpset(path, simplified.model);
  await proveRuns(path, simplified);
  const placement = placePairs(anatomy, simplified.input);
  const ranges = await measureRanges(simplified, placement.measured, pictures, (done) => options.onProgress?.(done, pictures.length));
  const model = signed(toInt8(simplified.model, placement, ranges), original);
  await proveRuns(path, { ...simplified, model });
  const all = placement.convolutions.size + anatomy.last.size;
  return { model, width, height, convolutions: [placement.convolutions.size, all], pictures: pictures.length };
}

/** Errors: MODEL_UNSUPPORTED. */
export function demandPerAxisOpset(path: string, { opsetImport = [] }: OnnxModel): void {
  const opset = Number(opsetImport.find(({ domain }) => !domain)?.version ?? 0);
  if (opset < LEAST_OPSET)
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: opset ${opset}; int8 needs ${LEAST_OPSET} or later (export it with opset=17)`);
}

export function signed(model: OnnxModel, { producerName = '' }: OnnxModel): OnnxModel {
  return { ...model, producerName: 'fastsamd', producerVersion: producerName };
}

/** One inference: outputs of the contract, finite. Errors: MODEL_UNSUPPORTED. */
export async function proveRuns(path: string, { model, input, width, height }: Simplified): Promise<void> {
  const grey = new Float32Array(3 * width * height).fill(114 / 255);
  let outputs: OnnxRuntime.InferenceSession.ReturnType;
  try {
    const session = await ort.InferenceSession.create(encodeModel(model), { logSeverityLevel: 3 });
    outputs = await session.run({ [input]: new ort.Tensor('float32', grey, [1, 3, height, width]) });
    await session.release();
  } catch (cause) {
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: converted, it does not run: ${messageOf(cause)}`, { cause });
  }
  const floats = Object.entries(outputs).filter(([, { type }]) => type === 'float32');
  recognise(
    path,
    width,
    height,
    floats.map(([name, { dims }]) => ({ name, dims })),
  );
  for (const [name, { data }] of floats) {
    if ((data as Float32Array).every(Number.isFinite)) continue;
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: converted, its output ${name} has values that are not finite`);
  }
}

/** Writes a converted model whole or not at all; returns its size. Errors: OUTPUT_UNWRITABLE. */
export async function writeModel(path: string, model: OnnxModel): Promise<number> {
  try {
    await writeDurably(path, encodeModel(model));
    return (await stat(path)).size;
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}
