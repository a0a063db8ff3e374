/**
 * An INT8 model in the form that TensorRT reads: signed, symmetric activations (zero point 0), and pairs only in front of
 * convolutions, so that convolution, bias, SiLU and the next quantisation become one kernel. The first convolution, which reads
 * the picture, and the last ones stay in floating point. Source: NVIDIA, "Working with Quantized Types", Q/DQ placement. Pure.
 */
import { FastsamError } from '../../errors.js';
import { halfNotBelow } from '../half.js';
import { DATA_TYPE, floatsOf, floatTensor, type OnnxGraph, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx-proto.js';
import { type Anatomy, GraphIndex } from './anatomy.js';
import { toFloat16 } from './float16.js';
import { isNearest, type Levels, MOVES, type Placement, placePairs, type Range, writePairs } from './int8.js';

/** Halves as scales of a pair came with this operator set, and TensorRT 10 reads it. */
const HALF_PAIRS_OPSET = 19;
const HALF_PAIRS_IR = 9;
/** Operators whose meaning does not change from operator set 13 to 19. */
const SAME_TO_OPSET_19 = new Set(
  'Add BatchNormalization Cast Clip Concat Constant Conv ConvTranspose DequantizeLinear Div Exp Expand Flatten Gather HardSigmoid HardSwish Identity LeakyRelu MatMul MaxPool Mul PRelu Pow QuantizeLinear Relu Reshape Resize Shape Sigmoid Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh Tile Transpose Unsqueeze'.split(
    ' ',
  ),
);

/** Tensors whose values come together in a concatenation share one scale: TensorRT then joins them without computing. */
export interface TensorRtPlacement extends Placement {
  /** Of every tensor with a pair, the measured tensors that its scale has to cover. */
  readonly covers: ReadonlyMap<string, ReadonlySet<string>>;
}

/** `input`: name of the network's picture. */
export function placeForTensorRt(anatomy: Anatomy, input: string): TensorRtPlacement {
  const { graph, body } = anatomy;
  /** The tensors whose values a tensor is put together from. */
  const sources = (tensor: string): string[] => {
    const producer = graph.producer(tensor);
    if (!producer || producer.domain || !body.has(producer)) return [tensor];
    if (producer.opType === 'Concat') return (producer.input ?? []).flatMap(sources);
    const moves = MOVES.has(producer.opType) && (producer.opType !== 'Resize' || isNearest(producer));
    return moves ? sources(producer.input![0]!) : [tensor];
  };
  const convolutions = new Set([...placePairs(anatomy, input).convolutions].filter((node) => !sources(node.input![0]!).includes(input)));
  const tensors = [...new Set([...convolutions].map((node) => node.input![0]!))];
  // Groups of sources that any concatenation brings together.
  const groups = new Map<string, Set<string>>();
  for (const tensor of tensors) {
    const joined = new Set(sources(tensor).flatMap((source) => [source, ...(groups.get(source) ?? [])]));
    for (const source of joined) groups.set(source, joined);
  }
  const covers = new Map(tensors.map((tensor) => [tensor, groups.get(sources(tensor)[0]!)!]));
  return { anatomy, convolutions, tensors, measured: [...groups.keys()], covers };
}

/**
 * Writes the pairs. With `half` everything around them is float16 (from TensorRT 10 on, which computes in the types of the
 * model), where the model's operators allow that; else float32, and TensorRT 8 chooses. Errors: MODEL_UNSUPPORTED.
 */
export function toTensorRtInt8(
  path: string,
  model: OnnxModel,
  { anatomy, convolutions, tensors, covers }: TensorRtPlacement,
  ranges: ReadonlyMap<string, Range>,
  half: boolean,
): OnnxModel {
  const raised = half ? raisedTo19(model) : undefined;
  const scale = raised ? halfNotBelow : Math.fround;
  const levels = new Map<string, Levels>();
  for (const tensor of tensors) {
    let most = 0;
    for (const source of covers.get(tensor)!) {
      const range = ranges.get(source);
      if (!range) throw new FastsamError('MODEL_UNSUPPORTED', `${path}: nothing tells the range of ${source}; convert the float32 model`);
      most = Math.max(most, -range.low, range.high);
    }
    levels.set(tensor, { scale: scale((most || 1) / 127), zero: 0 });
  }
  const written = writePairs(raised ?? model, anatomy.graph, convolutions, levels, { type: 'int8', scale, quantisedBias: false });
  if (!raised) return written;
  const names = new Set([...anatomy.body].map((node) => node.output[0]!));
  const graph = new GraphIndex(written.graph!);
  const body = new Set(graph.nodes.filter(({ opType, output }) => names.has(output[0]!) || /^(?:Q|Deq)uantizeLinear$/i.test(opType)));
  return toFloat16(path, written, { graph, body, last: anatomy.last });
}

/** The same model in operator set 19 or later; undefined where an operator means something else there. */
function raisedTo19(model: OnnxModel): OnnxModel | undefined {
  const opset = model.opsetImport?.find(({ domain }) => !domain);
  if (Number(opset?.version ?? 0) >= HALF_PAIRS_OPSET) return model;
  const same = ({ domain, opType, input = [] }: OnnxNode) =>
    !domain && SAME_TO_OPSET_19.has(opType) && (opType !== 'Split' || Boolean(input[1]));
  if (!(model.graph?.node ?? []).every(same)) return undefined;
  const others = (model.opsetImport ?? []).filter(({ domain }) => domain);
  return {
    ...model,
    irVersion: Math.max(Number(model.irVersion ?? 0), HALF_PAIRS_IR),
    opsetImport: [...others, { domain: '', version: HALF_PAIRS_OPSET }],
  };
}

/** Whether a quantised model is in the form of onnxruntime, which TensorRT refuses: unsigned activations. */
export function hasUnsignedPairs({ graph }: OnnxModel): boolean {
  const constants = new Map((graph?.initializer ?? []).map((tensor) => [tensor.name, tensor]));
  return (graph?.node ?? []).some(
    ({ opType, input = [] }) =>
      opType === 'QuantizeLinear' && (constants.get(input[2] ?? '')?.dataType ?? DATA_TYPE.uint8) === DATA_TYPE.uint8,
  );
}

/**
 * The float32 network inside a model with Q/DQ pairs, and the ranges that its pairs cover. Weights are what their 8 bit mean.
 * Errors: MODEL_UNSUPPORTED for pairs with scales that are computed, or values in 8 bit that no pair surrounds.
 */
export function withoutPairs(path: string, model: OnnxModel): { readonly model: OnnxModel; readonly ranges: Map<string, Range> } {
  const graph = new GraphIndex(model.graph ?? {});
  const refuse = (node: OnnxNode) =>
    new FastsamError(
      'MODEL_UNSUPPORTED',
      `${path}: ${node.opType} ${node.name ?? ''} is no part of a plain Q/DQ pair; convert the float32 model`,
    );
  const constant = (name: string | undefined) => graph.constants.get(name ?? '');
  const ranges = new Map<string, Range>();
  const constants: OnnxTensor[] = [];
  const same = new Map<string, string>();
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes) {
    const [x = '', scales, zeros] = (node.input ?? []).map((name) => same.get(name) ?? name);
    if (node.opType === 'QuantizeLinear') {
      const [scale, zero] = [constant(scales), constant(zeros)];
      if (!scale || floatsOf(scale).length !== 1) throw refuse(node);
      const offset = zero ? integersOf(zero)[0]! : 0;
      const signed = zero?.dataType === DATA_TYPE.int8;
      const step = floatsOf(scale)[0]!;
      ranges.set(x, { low: ((signed ? -127 : 0) - offset) * step, high: ((signed ? 127 : 255) - offset) * step });
      same.set(node.output[0]!, x);
    } else if (node.opType === 'DequantizeLinear') {
      const values = constant(x);
      if (!values) {
        if (graph.producer(node.input![0]!)?.opType !== 'QuantizeLinear') throw refuse(node);
        same.set(node.output[0]!, x);
        continue;
      }
      const scale = constant(scales);
      if (!scale) throw refuse(node);
      const floats = dequantised(node, values, floatsOf(scale), constant(zeros));
      constants.push(floats);
      same.set(node.output[0]!, floats.name);
    } else {
      nodes.push({ ...node, input: (node.input ?? []).map((name) => same.get(name) ?? name) });
    }
  }
  const read = new Set(nodes.flatMap(({ input = [] }) => input));
  const kept = [...graph.constants.values(), ...constants].filter(({ name }) => read.has(name) || graph.outputs.has(name));
  const plain: OnnxGraph = { ...model.graph, node: nodes, initializer: kept, valueInfo: [] };
  return { model: { ...model, graph: plain }, ranges };
}

function dequantised(
  { output, attribute = [] }: OnnxNode,
  values: OnnxTensor,
  scales: Float32Array,
  zeros: OnnxTensor | undefined,
): OnnxTensor {
  const dims = (values.dims ?? []).map(Number);
  const given = attribute.find(({ name }) => name === 'axis');
  // ONNX's default is 1, and protobuf leaves out a 0.
  const axis = given ? Number(given.i ?? 0) : 1;
  const inner = dims.slice((axis < 0 ? axis + dims.length : axis) + 1).reduce((product, side) => product * side, 1);
  const offsets = zeros ? integersOf(zeros) : [0];
  const at = (list: ArrayLike<number>, k: number) => list[list.length === 1 ? 0 : Math.floor(k / inner) % list.length]!;
  const floats = Float32Array.from(integersOf(values), (value, k) => (value - at(offsets, k)) * at(scales, k));
  // Another name than that of the dequantisation, which may be written again.
  return floatTensor(`${output[0]!}_float`, dims, floats);
}

function integersOf({ dataType, rawData, int32Data }: OnnxTensor): ArrayLike<number> {
  if (!rawData?.length) return (int32Data ?? []).map(Number);
  const bytes = Uint8Array.from(rawData);
  if (dataType === DATA_TYPE.int32) return new Int32Array(bytes.buffer);
  return dataType === DATA_TYPE.int8 ? new Int8Array(bytes.buffer) : bytes;
}

/**
 * The anatomy with everything that leads to the proto masks in the body, their activation too: a GPU keeps them to itself, and
 * they may be float16.
 */
export function withProtoInBody(model: OnnxModel, anatomy: Anatomy): Anatomy {
  const body = new Set(anatomy.body);
  const add = (tensor: string): void => {
    const producer = anatomy.graph.producer(tensor);
    if (!producer || body.has(producer)) return;
    body.add(producer);
    for (const name of producer.input ?? []) add(name);
  };
  for (const { name, type } of model.graph?.output ?? []) if (type?.tensorType?.shape?.dim?.length === 4) add(name);
  return { ...anatomy, body };
}

/**
 * The same network with a picture and proto masks in float16 where it computes in it: less to move, and no kernels for casts.
 * Detections stay float32.
 */
export function withHalfEnds(model: OnnxModel): OnnxModel {
  const graph = new GraphIndex(model.graph ?? {});
  const casts =
    (type: number) =>
    ({ opType, attribute = [] }: OnnxNode) =>
      opType === 'Cast' && Number(attribute.find(({ name }) => name === 'to')?.i) === type;
  const dropped = new Set<OnnxNode>();
  const renamed = new Map<string, string>();
  const half = (values: OnnxGraph['input'] = [], names: ReadonlySet<string>) =>
    values.map((value) => (names.has(value.name) ? { ...value, type: withElement(value.type, DATA_TYPE.float16) } : value));
  const inputs = new Set<string>();
  for (const { name } of model.graph?.input ?? []) {
    const readers = graph.consumers(name);
    if (graph.constants.has(name) || readers.length !== 1 || !casts(DATA_TYPE.float16)(readers[0]!)) continue;
    inputs.add(name);
    dropped.add(readers[0]!);
    renamed.set(readers[0]!.output[0]!, name);
  }
  const outputs = new Set<string>();
  for (const { name, type } of model.graph?.output ?? []) {
    const producer = graph.producer(name);
    if (type?.tensorType?.shape?.dim?.length !== 4 || !producer || !casts(DATA_TYPE.float)(producer)) continue;
    outputs.add(name);
    dropped.add(producer);
    renamed.set(producer.input![0]!, name);
  }
  const rename = (names: readonly string[] = []) => names.map((name) => renamed.get(name) ?? name);
  const node = graph.nodes
    .filter((each) => !dropped.has(each))
    .map((each) => ({ ...each, input: rename(each.input), output: rename(each.output) }));
  return { ...model, graph: { ...model.graph, node, input: half(model.graph?.input, inputs), output: half(model.graph?.output, outputs) } };
}

function withElement(type: NonNullable<OnnxGraph['input']>[number]['type'], elemType: number) {
  return { ...type, tensorType: { ...type?.tensorType, elemType } };
}
