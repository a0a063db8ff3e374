/** The layers of YOLOv8-seg networks (ultralytics/nn/modules), from module records to graph nodes. */
import type { Module, Tensor } from '../checkpoint/module.js';
import type { ConvolutionOptions, FeatureMap, Graph } from './graph.js';

const MAX_KERNEL = 15;

/** Any layer with one input. Errors: MODEL_UNSUPPORTED naming the layer and its type. */
export function layer(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  switch (module.type) {
    case 'Conv':
    case 'DWConv':
      return convUnit(graph, module, input);
    case 'Conv2d':
      return plainConvolution(graph, module, input);
    case 'Sequential':
      return module.children.reduce((value, child) => layer(graph, child, value), input);
    case 'Bottleneck':
      return bottleneck(graph, module, input);
    case 'C2f':
      return c2f(graph, module, input);
    case 'SPPF':
      return sppf(graph, module, input);
    case 'Upsample':
      return upsample(graph, module, input);
    case 'Proto':
      return proto(graph, module, input);
    default:
      throw module.unsupported(
        'is a layer that YOLOv8-seg networks do not have; import knows Conv, C2f, SPPF, Upsample, Concat and Segment',
      );
  }
}

/** Convolution, batch normalisation (folded into it) and SiLU. */
function convUnit(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  const output = convolution(graph, module.child('conv'), input, module.has('bn') ? module.child('bn') : undefined);
  const activation = module.has('act') ? module.child('act').type : 'SiLU';
  if (activation === 'Identity') return output;
  if (activation !== 'SiLU') throw module.unsupported(`has the activation ${activation}; expected SiLU`);
  return graph.silu(output);
}

function plainConvolution(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  return convolution(graph, module, input, undefined);
}

function convolution(graph: Graph, module: Module, input: FeatureMap, norm: Module | undefined): FeatureMap {
  const weight = required(module, 'weight', 4);
  const groups = module.integer('groups', 1, 65536);
  if (module.integer('dilation', 1, 64) !== 1) throw module.unsupported('is dilated');
  const [channels = 0, perGroup = 0, kernel = 0, other = 0] = weight.shape;
  if (kernel !== other || kernel < 1 || kernel > MAX_KERNEL) throw module.unsupported(`has a kernel of ${kernel}×${other}`);
  if (perGroup * groups !== input.channels || channels % groups !== 0) {
    throw module.unsupported(`takes ${perGroup * groups} channels, its input has ${input.channels}`);
  }
  const options: ConvolutionOptions = { stride: module.integer('stride', 1, 8), padding: module.integer('padding', 0, MAX_KERNEL), groups };
  const bias = module.tensor('bias')?.data ?? new Float32Array(channels);
  if (bias.length !== channels) throw module.unsupported('has a bias of another size');
  if (!norm) return graph.convolution(input, weight, bias, options);
  const folded = fold(weight, bias, norm);
  return graph.convolution(input, folded.weight, folded.bias, options);
}

/** y = (conv(x) + b − mean) · gamma / √(var + eps) + beta as one convolution, in double precision. */
function fold(weight: Tensor, bias: Float32Array, norm: Module): { weight: Tensor; bias: Float32Array } {
  const channels = weight.shape[0]!;
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => {
    const tensor = required(norm, name, 1);
    if (tensor.data.length !== channels) throw norm.unsupported(`has ${tensor.data.length} channels, its convolution ${channels}`);
    return tensor.data;
  }) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const eps = norm.attribute('eps');
  if (typeof eps !== 'number' || !(eps > 0) || variance.some((value) => value < 0)) throw norm.unsupported('has no positive variance');
  const data = new Float32Array(weight.data.length);
  const shift = new Float32Array(channels);
  const size = weight.data.length / channels;
  for (let channel = 0; channel < channels; channel += 1) {
    const scale = gamma[channel]! / Math.sqrt(variance[channel]! + eps);
    shift[channel] = (bias[channel]! - mean[channel]!) * scale + beta[channel]!;
    for (let k = channel * size; k < (channel + 1) * size; k += 1) data[k] = weight.data[k]! * scale;
  }
  return { weight: { shape: weight.shape, data }, bias: shift };
}

function required(module: Module, name: string, rank: number): Tensor {
  const tensor = module.tensor(name);
  if (!tensor || tensor.shape.length !== rank || tensor.data.length === 0) throw module.unsupported(`has no ${name} of rank ${rank}`);
  return tensor;
}

function bottleneck(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  const output = layer(graph, module.child('cv2'), layer(graph, module.child('cv1'), input));
  if (module.attribute('add') !== true) return output;
  if (output.channels !== input.channels) throw module.unsupported('adds values of different sizes');
  return graph.add(input, output);
}

/** Half of the channels pass by, half go through the bottlenecks, and everything on the way is joined. */
function c2f(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  const both = layer(graph, module.child('cv1'), input);
  const half = both.channels / 2;
  if (!Number.isInteger(half)) throw module.unsupported('splits an odd number of channels');
  const names = [graph.fresh('half'), graph.fresh('half')];
  graph.node('Split', [both.name, graph.integers([half, half])], { axis: 1 }, names);
  const parts: FeatureMap[] = names.map((name) => ({ ...both, name, channels: half }));
  for (const block of module.child('m').children) parts.push(layer(graph, block, parts.at(-1)!));
  return layer(graph, module.child('cv2'), graph.concat(parts));
}

function sppf(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  const pool = module.child('m');
  const kernel = pool.integer('kernel_size', 1, MAX_KERNEL);
  if (kernel % 2 === 0 || pool.integer('stride', 1, 8) !== 1) throw pool.unsupported('changes the size of its input');
  const parts = [layer(graph, module.child('cv1'), input)];
  for (let k = 0; k < 3; k += 1) parts.push(graph.maxPool(parts.at(-1)!, kernel));
  return layer(graph, module.child('cv2'), graph.concat(parts));
}

function upsample(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  if (module.attribute('mode') !== 'nearest') throw module.unsupported('is not nearest-neighbour');
  return graph.resize(input, module.integer('scale_factor', 2, 4));
}

function proto(graph: Graph, module: Module, input: FeatureMap): FeatureMap {
  const first = layer(graph, module.child('cv1'), input);
  const up = module.child('upsample');
  const weight = required(up, 'weight', 4);
  const stride = up.integer('stride', 2, 2);
  const [from, to, kernel, other] = weight.shape;
  if (
    from !== first.channels ||
    kernel !== stride ||
    other !== stride ||
    up.integer('padding', 0, 0) !== 0 ||
    up.integer('groups', 1, 1) !== 1
  ) {
    throw up.unsupported(`has weights [${weight.shape.join(', ')}]; expected [${first.channels}, n, 2, 2]`);
  }
  const raised = graph.upsampleBy(first, weight, up.tensor('bias')?.data ?? new Float32Array(to!), stride);
  return layer(graph, module.child('cv3'), layer(graph, module.child('cv2'), raised));
}
