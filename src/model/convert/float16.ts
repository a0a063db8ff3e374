/** A strongly typed float16 model from a float32 one: every tensor has the type it is computed in. Pure. */
import { FastsamError } from '../../errors.js';
import { toHalf } from '../half.js';
import { attributeOf, bytesOf, DATA_TYPE, floatsOf, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx-proto.js';
import type { Anatomy } from './anatomy.js';

/** Operators that TensorRT and onnxruntime compute in float16. Others stay in float32, between two casts. */
const HALF = new Set(
  'Conv ConvTranspose Sigmoid Relu LeakyRelu PRelu HardSigmoid HardSwish Tanh Softplus Clip Add Sub Mul Div Concat Split Slice Pad MaxPool AveragePool GlobalAveragePool Resize Reshape Transpose Squeeze Unsqueeze Flatten Identity MatMul Softmax QuantizeLinear DequantizeLinear'.split(
    ' ',
  ),
);
/** Inputs that ONNX wants in float32 whatever the type of the picture is: regions and scales. */
const STAYS_FLOAT: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2] };

/**
 * Rewrites the body of the network, weights included, to float16. Inputs, outputs and the decoding of boxes and scores stay
 * float32: a half has steps of 0.5 px above 512. `model` is simplified: every weight is an initializer.
 * Errors: MODEL_UNSUPPORTED for weights beyond ±65504.
 */
export function toFloat16(path: string, model: OnnxModel, { graph, body }: Anatomy): OnnxModel {
  const isHalf = (node: OnnxNode | undefined) => node !== undefined && body.has(node) && !node.domain && HALF.has(node.opType);
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, OnnxTensor>();
  const cast = new Set<string>();
  const castTo = (from: string, to: string, type: number) => {
    if (cast.has(to)) return to;
    cast.add(to);
    nodes.push({ opType: 'Cast', name: to, input: [from], output: [to], attribute: [attributeOf('to', type)] });
    return to;
  };
  // A half value that something reads as float32 keeps its name for the cast: names of outputs do not change.
  const halfName = (tensor: string) => {
    const float = graph.outputs.has(tensor) || graph.consumers(tensor).some((node) => !isHalf(node));
    return float ? `${tensor}_half` : tensor;
  };
  const asHalf = (tensor: string): string => {
    const constant = graph.constants.get(tensor);
    if (constant) {
      if (constant.dataType !== DATA_TYPE.float) return tensor;
      const name = `${tensor}_half`;
      if (!constants.has(name)) constants.set(name, halfTensor(path, constant, name));
      return name;
    }
    return isHalf(graph.producer(tensor)) ? halfName(tensor) : castTo(tensor, `${tensor}_as_half`, DATA_TYPE.float16);
  };
  for (const node of graph.nodes) {
    if (!isHalf(node)) {
      for (const name of node.input ?? []) if (isHalf(graph.producer(name))) castTo(halfName(name), name, DATA_TYPE.float);
      nodes.push(node);
      continue;
    }
    const stays = STAYS_FLOAT[node.opType] ?? [];
    const input = (node.input ?? []).map((name, k) => (name === '' || stays.includes(k) ? name : asHalf(name)));
    nodes.push({ ...node, input, output: node.output.map(halfName) });
  }
  for (const name of graph.outputs) if (isHalf(graph.producer(name))) castTo(halfName(name), name, DATA_TYPE.float);
  const read = new Set(nodes.flatMap(({ input = [] }) => input));
  const kept = [...graph.constants.values(), ...constants.values()].filter(({ name }) => read.has(name) || graph.outputs.has(name));
  return { ...model, graph: { ...model.graph, node: nodes, initializer: kept, valueInfo: [] } };
}

function halfTensor(path: string, tensor: OnnxTensor, name: string): OnnxTensor {
  const halves = toHalf(floatsOf(tensor));
  if (halves.some((bits) => (bits & 0x7c00) === 0x7c00))
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: its weights ${tensor.name} do not fit into float16 (beyond ±65504)`);
  return { name, dims: tensor.dims ?? [], dataType: DATA_TYPE.float16, rawData: bytesOf(halves) };
}
