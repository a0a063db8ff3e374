/** Which parts of a YOLOv8-seg network may compute in fewer bits, told from its graph alone. Pure. */
import { FastsamError } from '../../errors.js';
import { DATA_TYPE, type OnnxGraph, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx-proto.js';

/** Nodes and constants of a graph by the names that connect them. */
export class GraphIndex {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  readonly outputs: ReadonlySet<string>;
  readonly #producers: ReadonlyMap<string, OnnxNode>;
  readonly #consumers = new Map<string, OnnxNode[]>();

  constructor({ node = [], initializer = [], output = [] }: OnnxGraph) {
    this.nodes = node;
    this.constants = new Map(initializer.map((tensor) => [tensor.name, tensor]));
    this.outputs = new Set(output.map(({ name }) => name));
    this.#producers = new Map(node.flatMap((each) => each.output.map((name) => [name, each] as const)));
    for (const each of node) {
      for (const name of new Set(each.input ?? [])) {
        const consumers = this.#consumers.get(name);
        if (consumers) consumers.push(each);
        else this.#consumers.set(name, [each]);
      }
    }
  }

  producer(tensor: string): OnnxNode | undefined {
    return this.#producers.get(tensor);
  }

  consumers(tensor: string): readonly OnnxNode[] {
    return this.#consumers.get(tensor) ?? [];
  }

  /** Nodes that read what `node` computes. */
  after(node: OnnxNode): OnnxNode[] {
    return node.output.flatMap((name) => this.consumers(name));
  }
}

/** The float weights of a convolution over feature maps; undefined for other nodes and for those of the box decoding. */
export function convolutionWeights(graph: GraphIndex, node: OnnxNode): OnnxTensor | undefined {
  if (node.domain || (node.opType !== 'Conv' && node.opType !== 'ConvTranspose')) return undefined;
  const weights = graph.constants.get(node.input?.[1] ?? '');
  if (!weights || (weights.dims ?? []).length !== 4 || expectsBins(graph, node.input?.[0] ?? '')) return undefined;
  return weights;
}

/** Whether a value is the softmax over the bins of a box side, maybe in another shape: distribution focal loss. */
function expectsBins(graph: GraphIndex, tensor: string): boolean {
  const producer = graph.producer(tensor);
  if (!producer) return false;
  if (producer.opType === 'Softmax') return true;
  return ['Reshape', 'Transpose'].includes(producer.opType) && expectsBins(graph, producer.input?.[0] ?? '');
}

export interface Anatomy {
  readonly graph: GraphIndex;
  /** Convolutions over feature maps and everything that leads to one; the rest is the decoding of boxes and scores. */
  readonly body: ReadonlySet<OnnxNode>;
  /** Convolutions that no other follows: they write boxes, scores, mask coefficients and proto masks. */
  readonly last: ReadonlySet<OnnxNode>;
}

export function anatomyOf(model: OnnxModel): Anatomy {
  const graph = new GraphIndex(model.graph ?? {});
  const convolutions = new Set(graph.nodes.filter((node) => convolutionWeights(graph, node)));
  const leads = new Set<OnnxNode>();
  // Nodes are sorted: what reads a value comes after what writes it.
  for (const node of [...graph.nodes].reverse()) {
    if (graph.after(node).some((next) => convolutions.has(next) || leads.has(next))) leads.add(node);
  }
  return {
    graph,
    body: new Set(graph.nodes.filter((node) => convolutions.has(node) || leads.has(node))),
    last: new Set([...convolutions].filter((node) => !leads.has(node))),
  };
}

const QUANTISED = /^(QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear|QLinear\w+|QAttention|QGemm|ConvInteger|MatMulInteger\w*)$/;
const CONTROL_FLOW = new Set(['If', 'Loop', 'Scan']);

/** Whether a model computes in 8 bit: told by its operators. */
export function isQuantised(model: OnnxModel): boolean {
  return (model.graph?.node ?? []).some(({ opType }) => QUANTISED.test(opType));
}

/** Whether a model's convolutions compute in float16. */
export function isHalf(model: OnnxModel): boolean {
  const graph = new GraphIndex(model.graph ?? {});
  return graph.nodes.some((node) => convolutionWeights(graph, node)?.dataType === DATA_TYPE.float16);
}

/** Refuses what cannot be converted, and says what to convert instead. Errors: MODEL_UNSUPPORTED. */
export function demandConvertible(path: string, model: OnnxModel): void {
  const refuse = (why: string) => new FastsamError('MODEL_UNSUPPORTED', `${path}: ${why}`);
  const nodes = model.graph?.node ?? [];
  const suppression = nodes.find(({ opType }) => /NonMaxSuppression|NMS/i.test(opType));
  if (suppression)
    throw refuse(`has non-maximum suppression built in (${suppression.opType}); fastsamd does that itself: export it without (nms=False)`);
  if (isQuantised(model)) throw refuse('is quantised already; convert the float32 model it was made from');
  if (isHalf(model)) throw refuse('computes in float16 already; convert the float32 model it was made from');
  const control = nodes.find(({ opType }) => CONTROL_FLOW.has(opType));
  if (control) throw refuse(`has control flow (${control.opType}), which model convert does not look into`);
  if ((model.functions ?? []).length > 0)
    throw refuse('defines local functions, which model convert does not read; export it without them');
}

/** As demandConvertible, of the simplified graph. Errors: MODEL_UNSUPPORTED. */
export function demandFloatConvolutions(path: string, { graph, body }: Anatomy): void {
  const weights = [...body].flatMap((node) => convolutionWeights(graph, node) ?? []);
  const other = weights.find(({ dataType }) => dataType !== DATA_TYPE.float);
  if (weights.length === 0) throw new FastsamError('MODEL_UNSUPPORTED', `${path}: has no convolutions with constant weights`);
  if (other) throw new FastsamError('MODEL_UNSUPPORTED', `${path}: its weights ${other.name} are not float32; convert a float32 model`);
}
