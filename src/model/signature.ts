/**
 * The YOLOv8-seg contract, recognised by rank and shape (never by index or name): detections [1, 4 + nc + 32, A] and
 * proto masks [1, 32, H/4, W/4], where A = HW/64 + HW/256 + HW/1024.
 */
import { FastsamError } from '../errors.js';

export const MASK_CHANNELS = 32;

export interface TensorShape {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface Signature {
  readonly detections: string;
  readonly proto: string;
  readonly classes: number;
  readonly anchors: number;
}

/** Number of candidate boxes for an input of this size: one per cell of the strides 8, 16 and 32. */
export function anchorCount(inputWidth: number, inputHeight: number): number {
  const area = inputWidth * inputHeight;
  return area / 64 + area / 256 + area / 1024;
}

/** Number of classes by the declared shapes of a network's outputs; undefined where these are left open or fit no YOLOv8-seg model. */
export function classesOf(outputs: readonly { readonly shape: readonly (number | string)[] }[]): number | undefined {
  for (const { shape } of outputs) {
    const [, rows] = shape;
    if (shape.length === 3 && typeof rows === 'number' && rows > 4 + MASK_CHANNELS) return rows - 4 - MASK_CHANNELS;
  }
  return undefined;
}

/** Finds the two tensors among a network's outputs. Errors: MODEL_UNSUPPORTED, naming what there is. */
export function recognise(model: string, inputWidth: number, inputHeight: number, outputs: readonly TensorShape[]): Signature {
  const anchors = anchorCount(inputWidth, inputHeight);
  const detections = outputs.find(({ dims }) => dims.length === 3 && dims[0] === 1 && dims[1]! > 4 + MASK_CHANNELS && dims[2] === anchors);
  const proto = outputs.find(
    ({ dims }) =>
      dims.length === 4 && dims[0] === 1 && dims[1] === MASK_CHANNELS && dims[2] === inputHeight / 4 && dims[3] === inputWidth / 4,
  );
  if (!detections || !proto) {
    const found = outputs.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join(', ');
    // One row of box, score, class and coefficients for each object that NMS has left.
    if (proto && outputs.some(({ dims }) => dims.length === 3 && dims[2] === 6 + MASK_CHANNELS)) {
      throw new FastsamError(
        'MODEL_UNSUPPORTED',
        `${model}: exported with non-maximum suppression inside, found ${found}; export it without: yolo export model=… format=onnx nms=False`,
      );
    }
    throw new FastsamError(
      'MODEL_UNSUPPORTED',
      `${model}: not a YOLOv8-seg model: expected outputs [1, 4+classes+${MASK_CHANNELS}, ${anchors}] and [1, ${MASK_CHANNELS}, ${inputHeight / 4}, ${inputWidth / 4}] for an input of ${inputHeight}×${inputWidth}, found ${found || 'none'}`,
    );
  }
  return { detections: detections.name, proto: proto.name, classes: detections.dims[1]! - 4 - MASK_CHANNELS, anchors };
}
