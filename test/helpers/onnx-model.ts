/** Small ONNX models for tests: networks that find the same rectangles in every picture. */
import { writeFile } from 'node:fs/promises';
import {
  ATTRIBUTE_TYPE,
  attributeOf,
  bytesOf,
  DATA_TYPE,
  decodeModel,
  encodeModel,
  floatTensor,
  type OnnxGraph,
  valueInfo,
} from '../../src/model/onnx-proto.js';

/** The bytes of an ONNX file, opset 13. */
export function modelOf(graph: OnnxGraph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }],
    graph,
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
}

export interface TestModel {
  readonly width?: number;
  readonly height?: number;
  readonly classes?: number;
  /** Centre and size in input pixels. */
  readonly objects?: readonly {
    readonly cxcywh: readonly [number, number, number, number];
    readonly score: number;
    readonly cls?: number;
  }[];
  readonly metadata?: Readonly<Record<string, string>>;
  /** Rows of the detections in place of 4 + classes + 32. */
  readonly rows?: number;
  /** Height and width of the input are left open. */
  readonly dynamic?: boolean;
  /** The inference never ends: of a picture that is not all of one colour (which the first inference after loading is of), or of any. */
  readonly hangs?: 'on pictures' | 'always';
  /** The picture goes through a convolution first, so that there is something to convert. */
  readonly convolution?: boolean;
}

/** Three rectangles that do not overlap, of falling score, in a 320 × 320 input. */
export const THREE_OBJECTS = [
  { cxcywh: [80, 80, 80, 80], score: 0.9 },
  { cxcywh: [220, 100, 100, 60], score: 0.8 },
  { cxcywh: [160, 250, 200, 40], score: 0.7 },
] as const;

/** The bytes of a model with the YOLOv8-seg contract whose masks fill their boxes. */
export function testModel({
  width = 320,
  height = 320,
  classes = 1,
  objects = THREE_OBJECTS,
  metadata = {},
  rows,
  dynamic,
  hangs,
  convolution = false,
}: TestModel = {}): Uint8Array {
  const anchors = (width * height * (1 / 64 + 1 / 256 + 1 / 1024)) | 0;
  const channels = rows ?? 4 + classes + 32;
  const detections = new Float32Array(channels * anchors);
  for (const [k, { cxcywh, score, cls = 0 }] of (objects as NonNullable<TestModel['objects']>).entries()) {
    for (const [row, number] of cxcywh.entries()) detections[row * anchors + k] = number;
    detections[(4 + cls) * anchors + k] = score;
    // The first proto channel is +1 everywhere, so the mask is the whole box.
    if (rows === undefined) detections[(4 + classes) * anchors + k] = 1;
  }
  const proto = new Float32Array(32 * (height / 4) * (width / 4));
  proto.fill(1, 0, (height / 4) * (width / 4));
  const graph = {
    name: 'test',
    // The constants plus nothing of the mean of the picture: the input is used, and does not matter.
    node: [
      ...(convolution ? [{ opType: 'Conv', input: ['images', 'kernel'], output: ['seen'] }] : []),
      { opType: 'ReduceMean', input: [convolution ? 'seen' : 'images'], output: ['mean'], attribute: [attributeOf('keepdims', 0)] },
      ...(hangs ? endlessLoop(hangs) : [{ opType: 'Identity', input: ['mean'], output: ['looped'] }]),
      { opType: 'Mul', input: ['looped', 'zero'], output: ['nothing'] },
      { opType: 'Add', input: ['detections', 'nothing'], output: ['output0'] },
      { opType: 'Add', input: ['proto', 'nothing'], output: ['output1'] },
    ],
    initializer: [
      floatTensor('zero', [], new Float32Array(1)),
      ...(convolution ? [floatTensor('kernel', [1, 3, 1, 1], Float32Array.of(1, 1, 1))] : []),
      ...(hangs ? [{ name: 'rounds', dims: [], dataType: DATA_TYPE.int64, rawData: bytesOf(BigInt64Array.of(2n ** 62n)) }] : []),
      floatTensor('detections', [1, channels, anchors], detections),
      floatTensor('proto', [1, 32, height / 4, width / 4], proto),
    ],
    input: [valueInfo('images', dynamic ? [1, 3, 'height', 'width'] : [1, 3, height, width])],
    output: [valueInfo('output0', [1, channels, anchors]), valueInfo('output1', [1, 32, height / 4, width / 4])],
  };
  return modelOf(graph, metadata);
}

/** Nodes that hand `mean` on as `looped`, after 2⁶² rounds where they hang. */
function endlessLoop(hangs: NonNullable<TestModel['hangs']>) {
  const keepdims = attributeOf('keepdims', 0);
  const body = {
    name: 'round',
    node: [
      { opType: 'Identity', input: ['going'], output: ['goes_on'] },
      { opType: 'Identity', input: ['before'], output: ['after'] },
    ],
    input: [valueInfo('round', [], DATA_TYPE.int64), valueInfo('going', [], DATA_TYPE.bool), valueInfo('before', [])],
    output: [valueInfo('goes_on', [], DATA_TYPE.bool), valueInfo('after', [])],
  };
  return [
    { opType: 'ReduceMax', input: ['images'], output: ['brightest'], attribute: [keepdims] },
    { opType: 'ReduceMin', input: ['images'], output: ['darkest'], attribute: [keepdims] },
    { opType: hangs === 'always' ? 'GreaterOrEqual' : 'Greater', input: ['brightest', 'darkest'], output: ['hangs'] },
    {
      opType: 'Loop',
      input: ['rounds', 'hangs', 'mean'],
      output: ['looped'],
      attribute: [{ name: 'body', g: body, type: ATTRIBUTE_TYPE.graph }],
    },
  ];
}

/** A classifier: right input, other outputs. */
export function classifierModel(): Uint8Array {
  const graph = {
    name: 'test',
    node: [
      {
        opType: 'ReduceMean',
        input: ['images'],
        output: ['scores'],
        attribute: [attributeOf('axes', [2, 3]), attributeOf('keepdims', 0)],
      },
    ],
    input: [valueInfo('images', [1, 3, 224, 224])],
    output: [valueInfo('scores', [1, 3])],
  };
  return modelOf(graph);
}

export async function writeTestModel(path: string, options?: TestModel): Promise<string> {
  await writeFile(path, testModel(options));
  return path;
}

/** The same network with blocks 4 and 6 that have the mean colours of 8 × 8 and 16 × 16 input pixels. */
export function withPooledTaps(bytes: Uint8Array): Uint8Array {
  const model = decodeModel(bytes);
  const { graph = {} } = model;
  const pool = (input: string, output: string, side: number) => ({
    opType: 'AveragePool',
    input: [input],
    output: [output],
    attribute: [attributeOf('kernel_shape', [side, side]), attributeOf('strides', [side, side])],
  });
  const [fine, coarse] = ['/model.4/cv2/act/Mul_output_0', '/model.6/cv2/act/Mul_output_0'];
  const taps = [pool(graph.input![0]!.name, fine, 8), pool(fine, coarse, 2)];
  return encodeModel({ ...model, graph: { ...graph, node: [...taps, ...(graph.node ?? [])] } });
}
