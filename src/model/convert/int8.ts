/**
 * An INT8 model with explicit QuantizeLinear/DequantizeLinear pairs from a float32 one, for onnxruntime: the placement is the
 * one that it fuses into integer kernels from the picture to the last convolutions; see docs/models.md for why. The form for
 * TensorRT is in int8-tensorrt.ts. Pure.
 */
import { attributeOf, bytesOf, DATA_TYPE, floatsOf, floatTensor, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx-proto.js';
import { type Anatomy, convolutionWeights, type GraphIndex } from './anatomy.js';

/** The values that 8 bits have to cover. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Operators that only move values: what they write has the scale of what they read. */
export const MOVES: ReadonlySet<string> = new Set([
  'MaxPool',
  'Resize',
  'Split',
  'Slice',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
]);

/** Where the pairs go, and which ranges have to be measured for them. */
export interface Placement {
  readonly anatomy: Anatomy;
  /** Convolutions with 8 bit weights. */
  readonly convolutions: ReadonlySet<OnnxNode>;
  /** Tensors that get a pair, in the order in which they are computed. */
  readonly tensors: readonly string[];
  /** Those of them whose range does not follow from others. */
  readonly measured: readonly string[];
}

/** `input`: name of the network's picture. */
export function placePairs(anatomy: Anatomy, input: string): Placement {
  const { graph, body, last } = anatomy;
  const convolutions = new Set(
    [...body].filter((node) => node.opType === 'Conv' && !last.has(node) && convolutionWeights(graph, node) !== undefined),
  );
  const reads = (node: OnnxNode) => (node.input ?? []).filter((name) => name !== '' && !graph.constants.has(name));
  const quantised = new Set(
    [...body].filter((node) => {
      if (node.domain || node.output.some((name) => graph.outputs.has(name))) return false;
      if (convolutions.has(node)) return true;
      // ONNX's Resize interpolates unless it is told not to.
      if (MOVES.has(node.opType)) return node.opType !== 'Resize' || isNearest(node);
      if (node.opType === 'Add' || node.opType === 'Mul') return reads(node).length === 2;
      return ['Sigmoid', 'Concat', 'Relu'].includes(node.opType);
    }),
  );
  // onnxruntime fuses Conv + Relu when only the result of both is quantised.
  const absorbed = (tensor: string) => {
    const producer = graph.producer(tensor);
    const consumers = graph.consumers(tensor);
    return producer !== undefined && convolutions.has(producer) && consumers.length === 1 && consumers[0]!.opType === 'Relu';
  };
  const tensors = new Set<string>();
  for (const node of graph.nodes) {
    if (!quantised.has(node)) continue;
    for (const name of [...reads(node), ...node.output]) if (!absorbed(name)) tensors.add(name);
  }
  const derived = (tensor: string) => {
    const type = graph.producer(tensor)?.opType ?? '';
    return tensor === input || ['Sigmoid', 'Concat'].includes(type) || (MOVES.has(type) && quantised.has(graph.producer(tensor)!));
  };
  return { anatomy, convolutions, tensors: [...tensors], measured: [...tensors].filter((name) => !derived(name)) };
}

export function isNearest({ attribute = [] }: OnnxNode): boolean {
  const mode = attribute.find(({ name }) => name === 'mode')?.s;
  return mode === undefined || Buffer.from(mode).toString() === 'nearest';
}

/** How the values of a tensor become 8 bit: value = (level − zero) × scale. */
export interface Levels {
  readonly scale: number;
  readonly zero: number;
}

/** What the two forms of INT8 differ in, once it is known which tensors get a pair. */
export interface Int8Form {
  /** Of activations. */
  readonly type: 'uint8' | 'int8';
  /** The scale to use in place of one that is at least so large. */
  readonly scale: (value: number) => number;
  /** Biases as 32 bit numbers in the scale of the products; else they stay float32. */
  readonly quantisedBias: boolean;
}

const FOR_ONNXRUNTIME: Int8Form = { type: 'uint8', scale: Math.fround, quantisedBias: true };

/**
 * Writes the pairs and the 8 bit weights. `ranges` has every tensor of `placement.measured`. Activations: unsigned, one scale and
 * zero point per tensor; weights: signed, symmetric, one scale per output channel; biases: 32 bit in the scale of the products.
 */
export function toInt8(model: OnnxModel, placement: Placement, ranges: ReadonlyMap<string, Range>): OnnxModel {
  const { anatomy, convolutions, tensors } = placement;
  return writePairs(model, anatomy.graph, convolutions, levelsOf(anatomy.graph, tensors, ranges), FOR_ONNXRUNTIME);
}

/** A pair at every tensor of `levels`, read by all that read the tensor, and 8 bit weights for `convolutions`. */
export function writePairs(
  model: OnnxModel,
  graph: GraphIndex,
  convolutions: ReadonlySet<OnnxNode>,
  levels: ReadonlyMap<string, Levels>,
  form: Int8Form,
): OnnxModel {
  const constants: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  const dequantised = new Map<string, string>();
  const pair = (tensor: string) => {
    const { scale, zero } = levels.get(tensor)!;
    constants.push(scalar(`${tensor}_scale`, scale), {
      name: `${tensor}_zero`,
      dims: [],
      dataType: DATA_TYPE[form.type],
      rawData: Uint8Array.of(zero),
    });
    const parameters = [`${tensor}_scale`, `${tensor}_zero`];
    const [q, dq] = [`${tensor}_q`, `${tensor}_dq`];
    nodes.push({ opType: 'QuantizeLinear', name: q, input: [tensor, ...parameters], output: [q] });
    nodes.push({ opType: 'DequantizeLinear', name: dq, input: [q, ...parameters], output: [dq] });
    dequantised.set(tensor, dq);
  };
  for (const { name } of model.graph?.input ?? []) if (levels.has(name)) pair(name);
  for (const node of graph.nodes) {
    const input = (node.input ?? []).map((name) => dequantised.get(name) ?? name);
    if (convolutions.has(node)) input.splice(1, input.length, ...quantisedWeights(graph, node, { levels, form, constants, nodes }));
    nodes.push({ ...node, input });
    for (const name of node.output) if (levels.has(name)) pair(name);
  }
  const read = new Set(nodes.flatMap(({ input = [] }) => input));
  const kept = [...graph.constants.values()].filter(({ name }) => read.has(name) || graph.outputs.has(name));
  return { ...model, graph: { ...model.graph, node: nodes, initializer: [...kept, ...constants], valueInfo: [] } };
}

function levelsOf(graph: GraphIndex, tensors: readonly string[], ranges: ReadonlyMap<string, Range>): Map<string, Levels> {
  const wanted = new Set(tensors);
  const covered = new Map<string, Range>();
  const rangeOf = (tensor: string): Range => {
    const known = covered.get(tensor) ?? ranges.get(tensor);
    if (known) return known;
    const producer = graph.producer(tensor);
    // The picture: 8 bit levels over 255, so nothing is lost.
    if (!producer) return { low: 0, high: 1 };
    if (producer.opType === 'Sigmoid') return { low: 0, high: 255 / 256 };
    const sources = (producer.opType === 'Concat' ? producer.input! : producer.input!.slice(0, 1)).map(rangeOf);
    return { low: Math.min(...sources.map(({ low }) => low)), high: Math.max(...sources.map(({ high }) => high)) };
  };
  const levels = new Map<string, Levels>();
  for (const tensor of tensors) {
    const range = rangeOf(tensor);
    covered.set(tensor, range);
    if (!wanted.has(tensor)) continue;
    const { low, high } = { low: Math.min(range.low, 0), high: Math.max(range.high, 0) };
    // A tensor that was 0 in every picture still needs a scale.
    const scale = Math.fround((high - low) / 255) || Math.fround(1 / 255);
    levels.set(tensor, { scale, zero: Math.round(-low / scale) });
  }
  return levels;
}

/** Adds the weights and the bias of a convolution; returns the names of what it reads in their place. */
function quantisedWeights(
  graph: GraphIndex,
  node: OnnxNode,
  {
    levels,
    form,
    constants,
    nodes,
  }: {
    readonly levels: ReadonlyMap<string, Levels>;
    readonly form: Int8Form;
    readonly constants: OnnxTensor[];
    readonly nodes: OnnxNode[];
  },
): string[] {
  const weights = convolutionWeights(graph, node)!;
  const dims = weights.dims!.map(Number);
  const channels = dims[0]!;
  const data = floatsOf(weights);
  const size = data.length / channels;
  const scales = new Float32Array(channels);
  const bytes = new Int8Array(data.length);
  for (let channel = 0; channel < channels; channel += 1) {
    const row = data.subarray(channel * size, (channel + 1) * size);
    const most = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const scale = form.scale(most / 127) || 1;
    scales[channel] = scale;
    for (let k = 0; k < size; k += 1) bytes[channel * size + k] = Math.max(-127, Math.min(Math.round(row[k]! / scale), 127));
  }
  const stem = node.output[0]!;
  const dequantise = (what: string, tensor: OnnxTensor, scale: Float32Array, zero: OnnxTensor) => {
    constants.push(tensor, floatTensor(`${stem}_${what}_scale`, [channels], scale), zero);
    const name = `${stem}_${what}_dq`;
    const input = [tensor.name, `${stem}_${what}_scale`, zero.name];
    nodes.push({ opType: 'DequantizeLinear', name, input, output: [name], attribute: [attributeOf('axis', 0)] });
    return name;
  };
  const zeros = (what: string, dataType: number, width: number): OnnxTensor => ({
    name: `${stem}_${what}_zero`,
    dims: [channels],
    dataType,
    rawData: new Uint8Array(channels * width),
  });
  const names = [
    dequantise('w', { name: `${stem}_w`, dims, dataType: DATA_TYPE.int8, rawData: bytesOf(bytes) }, scales, zeros('w', DATA_TYPE.int8, 1)),
  ];
  const bias = graph.constants.get(node.input?.[2] ?? '');
  if (!bias || !form.quantisedBias) return [...names, ...(node.input ?? []).slice(2)];
  const inputScale = levels.get(node.input![0]!)!.scale;
  const biasScales = scales.map((scale) => Math.fround(scale * inputScale));
  const values = Int32Array.from(floatsOf(bias), (value, channel) => {
    const count = Math.round(value / biasScales[channel]!);
    return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, count));
  });
  names.push(
    dequantise(
      'b',
      { name: `${stem}_b`, dims: [channels], dataType: DATA_TYPE.int32, rawData: bytesOf(values) },
      biasScales,
      zeros('b', DATA_TYPE.int32, 4),
    ),
  );
  return names;
}

function scalar(name: string, value: number): OnnxTensor {
  return floatTensor(name, [], Float32Array.of(value));
}
