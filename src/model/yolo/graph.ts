/** Builds an ONNX graph node by node, with the shape of every value known as it is made. */

import type { Tensor } from '../checkpoint/module.js';
import { toHalf } from '../half.js';
import { attributeOf, bytesOf, DATA_TYPE, floatTensor, type OnnxNode, type OnnxTensor } from '../onnx-proto.js';

/** A value of the graph: [1, channels, height, width]. */
export interface FeatureMap {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface ConvolutionOptions {
  readonly stride: number;
  readonly padding: number;
  readonly groups: number;
}

type Attribute = number | readonly number[] | string;

/** Opset 13: the newest that TensorRT 8.5 takes without a doubt, and enough. */
export const OPSET = 13;

export class Graph {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  /** Weights and biases of convolutions. */
  parameters = 0;
  /** Multiply-accumulates of the convolutions. */
  macs = 0;
  #next = 0;

  /** `half`: convolution weights are stored as float16 and cast when the model is loaded. */
  constructor(private readonly half: boolean) {}

  /** Adds a node with one output per name, or one fresh name, and returns the first. */
  node(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs?: readonly string[],
  ): string {
    const output = outputs ?? [this.fresh(opType)];
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    this.nodes.push({ opType, name: output[0]!, input, output, attribute });
    return output[0]!;
  }

  fresh(stem: string): string {
    this.#next += 1;
    return `${stem}_${this.#next}`;
  }

  floats(data: Float32Array, dims: readonly number[], stem = 'constant'): string {
    const name = this.fresh(stem);
    this.initializers.push(floatTensor(name, dims, data));
    return name;
  }

  integers(values: readonly number[]): string {
    const name = this.fresh('shape');
    const rawData = bytesOf(BigInt64Array.from(values, BigInt));
    this.initializers.push({ name, dims: [values.length], dataType: DATA_TYPE.int64, rawData });
    return name;
  }

  convolution(input: FeatureMap, weight: Tensor, bias: Float32Array, options: ConvolutionOptions): FeatureMap {
    const [channels = 0, perGroup = 0, kernelHeight = 0, kernelWidth = 0] = weight.shape;
    const { stride, padding, groups } = options;
    const height = Math.floor((input.height + 2 * padding - kernelHeight) / stride) + 1;
    const width = Math.floor((input.width + 2 * padding - kernelWidth) / stride) + 1;
    this.#count(weight.data.length, bias.length, channels * perGroup * kernelHeight * kernelWidth * height * width);
    const name = this.node('Conv', [input.name, this.#weights(weight), this.#weights({ shape: [bias.length], data: bias })], {
      kernel_shape: [kernelHeight, kernelWidth],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      group: groups,
    });
    return { name, channels, height, width };
  }

  /** A transposed convolution with kernel = stride: every input cell becomes a square. */
  upsampleBy(input: FeatureMap, weight: Tensor, bias: Float32Array, stride: number): FeatureMap {
    const channels = weight.shape[1]!;
    this.#count(weight.data.length, bias.length, weight.data.length * input.height * input.width);
    const name = this.node('ConvTranspose', [input.name, this.#weights(weight), this.#weights({ shape: [channels], data: bias })], {
      kernel_shape: [stride, stride],
      strides: [stride, stride],
    });
    return { name, channels, height: input.height * stride, width: input.width * stride };
  }

  silu(input: FeatureMap): FeatureMap {
    return { ...input, name: this.node('Mul', [input.name, this.node('Sigmoid', [input.name])]) };
  }

  add(a: FeatureMap, b: FeatureMap): FeatureMap {
    return { ...a, name: this.node('Add', [a.name, b.name]) };
  }

  concat(inputs: readonly FeatureMap[]): FeatureMap {
    const channels = inputs.reduce((sum, input) => sum + input.channels, 0);
    return {
      ...inputs[0]!,
      channels,
      name: this.node(
        'Concat',
        inputs.map(({ name }) => name),
        { axis: 1 },
      ),
    };
  }

  maxPool(input: FeatureMap, kernel: number): FeatureMap {
    const pad = (kernel - 1) / 2;
    return {
      ...input,
      name: this.node('MaxPool', [input.name], { kernel_shape: [kernel, kernel], strides: [1, 1], pads: [pad, pad, pad, pad] }),
    };
  }

  /** Nearest neighbour, by a whole factor. */
  resize(input: FeatureMap, factor: number): FeatureMap {
    const scales = this.floats(Float32Array.of(1, 1, factor, factor), [4], 'scales');
    const name = this.node('Resize', [input.name, '', scales], {
      coordinate_transformation_mode: 'asymmetric',
      mode: 'nearest',
      nearest_mode: 'floor',
    });
    return { name, channels: input.channels, height: input.height * factor, width: input.width * factor };
  }

  #count(weights: number, biases: number, macs: number): void {
    this.parameters += weights + biases;
    this.macs += macs;
  }

  #weights({ shape, data }: Tensor): string {
    if (!this.half) return this.floats(data, shape, 'weight');
    const name = this.fresh('weight');
    this.initializers.push({ name, dims: shape, dataType: DATA_TYPE.float16, rawData: bytesOf(toHalf(data)) });
    return this.node('Cast', [name], { to: DATA_TYPE.float });
  }
}
