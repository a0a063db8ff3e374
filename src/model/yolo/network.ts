/** A whole YOLOv8-seg network from its module tree: the layers in order, then the Segment head with its decoding baked in. */
import { FastsamError } from '../../errors.js';
import type { Module } from '../checkpoint/module.js';
import { MASK_CHANNELS } from '../signature.js';
import { type FeatureMap, Graph } from './graph.js';
import { layer } from './layers.js';

const MAX_LAYERS = 200;
const MAX_CLASSES = 10_000;

export interface Network {
  readonly graph: Graph;
  readonly classes: number;
  readonly anchors: number;
}

/**
 * Builds `images` [1, 3, H, W] → `output0` [1, 4+nc+32, A], `output1` [1, 32, H/4, W/4] from `model`, a DetectionModel record whose
 * layers carry `f` (where their input comes from). Errors: MODEL_UNSUPPORTED, MODEL_CORRUPT.
 */
export function buildNetwork(model: Module, height: number, width: number, half: boolean): Network {
  const graph = new Graph(half);
  const input: FeatureMap = { name: 'images', channels: 3, height, width };
  const layers = model.child('model').children;
  if (layers.length === 0 || layers.length > MAX_LAYERS) throw model.unsupported(`has ${layers.length} layers`);
  const head = layers.at(-1)!;
  if (head.type !== 'Segment') {
    throw new FastsamError(
      'MODEL_UNSUPPORTED',
      `the last layer is ${head.type}, not Segment: a model without masks; fastsamd needs a -seg model or FastSAM`,
    );
  }
  const outputs: FeatureMap[] = [];
  for (const [index, module] of layers.slice(0, -1).entries()) {
    const from = sources(module, index).map((source) => (source < 0 ? input : outputs[source]!));
    outputs.push(module.type === 'Concat' ? concat(graph, module, from) : layer(graph, module, single(module, from)));
  }
  const levels = sources(head, layers.length - 1).map((source) => outputs[source] ?? input);
  return { graph, ...segmentHead(graph, head, levels, input) };
}

/** Indices of the layers whose outputs `module` reads; −1 for the network's input. */
function sources(module: Module, index: number): number[] {
  const from = module.attribute('f');
  const list = Array.isArray(from) ? from : [from];
  if (list.length === 0 || list.length > 16) throw module.unsupported('has no inputs');
  return list.map((value) => {
    const source = typeof value === 'number' && value < 0 ? index + value : value;
    if (typeof source !== 'number' || !Number.isInteger(source) || source < -1 || source >= index)
      throw module.unsupported('reads a layer that is not before it');
    return source;
  });
}

function single(module: Module, from: readonly FeatureMap[]): FeatureMap {
  if (from.length !== 1) throw module.unsupported(`has ${from.length} inputs; expected 1`);
  return from[0]!;
}

function concat(graph: Graph, module: Module, from: readonly FeatureMap[]): FeatureMap {
  const [first] = from;
  if (from.some(({ height, width }) => height !== first!.height || width !== first!.width)) {
    throw module.unsupported(`joins values of different sizes; the input size must be a multiple of 32`);
  }
  return graph.concat(from);
}

function segmentHead(graph: Graph, head: Module, levels: readonly FeatureMap[], input: FeatureMap): { classes: number; anchors: number } {
  const classes = head.integer('nc', 1, MAX_CLASSES);
  const bins = head.integer('reg_max', 1, 64);
  if (head.integer('nm', 1, 1024) !== MASK_CHANNELS) throw head.unsupported(`has other than ${MASK_CHANNELS} mask channels`);
  const branch = (name: string, channels: number) => {
    const parts = head.child(name).children;
    if (parts.length !== levels.length) throw head.unsupported(`has ${parts.length} branches ${name} for ${levels.length} levels`);
    const flat = parts.map((part, k) => {
      const output = layer(graph, part, levels[k]!);
      if (output.channels !== channels) throw part.unsupported(`gives ${output.channels} channels; expected ${channels}`);
      return graph.node('Reshape', [output.name, graph.integers([1, channels, -1])]);
    });
    return graph.node('Concat', flat, { axis: 2 });
  };
  const boxes = branch('cv2', 4 * bins);
  const scores = branch('cv3', classes);
  const coefficients = branch('cv4', MASK_CHANNELS);
  const { centres, strides, count } = anchorGrid(head, levels, input);
  const decoded = decodeBoxes(graph, boxes, bins, count, centres, strides);
  graph.node('Concat', [decoded, graph.node('Sigmoid', [scores]), coefficients], { axis: 1 }, ['output0']);

  const proto = layer(graph, head.child('proto'), levels[0]!);
  if (proto.channels !== MASK_CHANNELS || proto.height * 4 !== input.height || proto.width * 4 !== input.width) {
    throw head.unsupported(`gives proto masks [${proto.channels}, ${proto.height}, ${proto.width}]`);
  }
  graph.node('Identity', [proto.name], {}, ['output1']);
  return { classes, anchors: count };
}

/** Distribution focal loss (Li et al., 2020): four sides as expectations over bins, from anchor to centre and size in pixels. */
function decodeBoxes(graph: Graph, boxes: string, bins: number, count: number, centres: Float32Array, strides: Float32Array): string {
  const split = graph.node('Reshape', [boxes, graph.integers([1, 4, bins, count])]);
  const byBin = graph.node('Transpose', [split], { perm: [0, 2, 1, 3] });
  const weights = graph.floats(
    Float32Array.from({ length: bins }, (_, bin) => bin),
    [1, bins, 1, 1],
    'bins',
  );
  const expected = graph.node('Conv', [graph.node('Softmax', [byBin], { axis: 1 }), weights], { kernel_shape: [1, 1] });
  const sides = graph.node('Reshape', [expected, graph.integers([1, 4, count])]);
  const corner = [graph.fresh('lefttop'), graph.fresh('rightbottom')] as const;
  graph.node('Split', [sides, graph.integers([2, 2])], { axis: 1 }, corner);
  const anchors = graph.floats(centres, [1, 2, count], 'anchors');
  const low = graph.node('Sub', [anchors, corner[0]]);
  const high = graph.node('Add', [anchors, corner[1]]);
  const centre = graph.node('Div', [graph.node('Add', [low, high]), graph.floats(Float32Array.of(2), [1], 'two')]);
  const box = graph.node('Concat', [centre, graph.node('Sub', [high, low])], { axis: 1 });
  return graph.node('Mul', [box, graph.floats(strides, [1, 1, count], 'strides')]);
}

/** Cell centres in cells, all x then all y, and the stride of each cell in pixels. */
function anchorGrid(
  head: Module,
  levels: readonly FeatureMap[],
  input: FeatureMap,
): { centres: Float32Array; strides: Float32Array; count: number } {
  const count = levels.reduce((sum, { height, width }) => sum + height * width, 0);
  const centres = new Float32Array(2 * count);
  const strides = new Float32Array(count);
  let at = 0;
  for (const { height, width } of levels) {
    const stride = input.height / height;
    if (stride !== input.width / width || !Number.isInteger(stride))
      throw head.unsupported('has levels that do not divide the input evenly');
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        centres[at] = x + 0.5;
        centres[count + at] = y + 0.5;
        strides[at] = stride;
        at += 1;
      }
    }
  }
  return { centres, strides, count };
}
