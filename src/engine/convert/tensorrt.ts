/** The model that TensorRT is given: every tensor has the type that it is computed in, so that one way serves 8.5 to 11. */

import type { Precision } from '../../domain/precision.js';
import { FastsamError } from '../../errors.js';
import { anatomyOf, demandConvertible, demandFloatConvolutions, isHalf, isQuantised } from '../../model/convert/anatomy.js';
import { toFloat16 } from '../../model/convert/float16.js';
import {
  hasUnsignedPairs,
  placeForTensorRt,
  toTensorRtInt8,
  withHalfEnds,
  withoutPairs,
  withProtoInBody,
} from '../../model/convert/int8-tensorrt.js';
import { metadataOf, readModel } from '../../model/onnx.js';
import type { OnnxModel } from '../../model/onnx-proto.js';
import { measureRanges } from './calibrate.js';
import { demandPerAxisOpset, proveRuns, signed } from './convert.js';
import { simplify } from './simplify.js';

/** From here on TensorRT computes in the types of the model; before, it is told which precisions it may use. */
const STRONGLY_TYPED = 10;

export interface TypedModelOptions {
  readonly precision: Precision;
  /** Of the library that will read it: `10.3.0`. */
  readonly tensorrt: string;
  /** Pictures to measure the network's values on; needed for int8 of a float model. */
  readonly pictures: readonly string[];
  /** Told of every picture that is done. */
  readonly onPicture?: (done: number) => void;
}

/**
 * What a model will be computed in: its own types where they are fewer bits than what is asked for. A model with Q/DQ pairs is
 * int8 whatever it is called. Errors: those of readModel.
 */
export async function precisionOf(path: string, asked: Precision): Promise<Precision> {
  const model = await readModel(path);
  if (isQuantised(model)) return 'int8';
  return isHalf(model) && asked === 'fp32' ? 'fp16' : asked;
}

/** Whether int8 of this model needs pictures: its ranges are not known yet. Errors: those of readModel. */
export async function needsCalibration(path: string): Promise<boolean> {
  return !isQuantised(await readModel(path));
}

/**
 * The model to build from; undefined: the file as it is. Blocks this thread while the network runs. Errors: as convertModel.
 */
export async function typedModel(path: string, options: TypedModelOptions): Promise<OnnxModel | undefined> {
  const original = await readModel(path);
  if (isQuantised(original)) return hasUnsignedPairs(original) ? fromPairs(path, original, options) : undefined;
  if (options.precision === 'fp32' || (options.precision === 'fp16' && isHalf(original))) return undefined;
  demandConvertible(path, original);
  const simplified = await simplify(path, original);
  const anatomy = withProtoInBody(simplified.model, anatomyOf(simplified.model));
  demandFloatConvolutions(path, anatomy);
  if (options.precision === 'fp16') {
    const model = signed(toFloat16(path, simplified.model, anatomy), original);
    await proveRuns(path, { ...simplified, model });
    return withHalfEnds(model);
  }
  if (options.pictures.length === 0) throw new FastsamError('USAGE', `${path}: int8 needs a folder of pictures to calibrate with`);
  demandPerAxisOpset(path, simplified.model);
  const placement = placeForTensorRt(anatomy, simplified.input);
  const ranges = await measureRanges(simplified, placement.measured, options.pictures, options.onPicture ?? (() => {}));
  const model = signed(toTensorRtInt8(path, simplified.model, placement, ranges, hasStrongTypes(options)), original);
  await proveRuns(path, { ...simplified, model });
  return withHalfEnds(model);
}

/** From the form of onnxruntime, which "model convert --int8" writes, to that of TensorRT: the same weights and ranges. */
async function fromPairs(path: string, original: OnnxModel, options: TypedModelOptions): Promise<OnnxModel> {
  const { model: plain, ranges } = withoutPairs(path, original);
  const [input] = metadataOf(plain).inputs;
  const [, , height, width] = input?.shape ?? [];
  if (!input || typeof height !== 'number' || typeof width !== 'number')
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: expected one input float32 [1, 3, H, W] of a fixed size`);
  const placement = placeForTensorRt(withProtoInBody(plain, anatomyOf(plain)), input.name);
  const model = signed(toTensorRtInt8(path, plain, placement, ranges, hasStrongTypes(options)), original);
  await proveRuns(path, { model, input: input.name, width, height });
  return withHalfEnds(model);
}

function hasStrongTypes({ tensorrt }: TypedModelOptions): boolean {
  return Number.parseInt(tensorrt, 10) >= STRONGLY_TYPED;
}
