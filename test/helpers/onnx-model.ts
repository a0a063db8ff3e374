/** Small ONNX models for tests: networks that find the same rectangles in every picture. */
import { writeFile } from 'node:fs/promises';
import protobuf from 'protobufjs';

const onnx = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        opsetImport: { rule: 'repeated', type: 'OperatorSet', id: 8 },
        graph: { type: 'Graph', id: 7 },
        metadataProps: { rule: 'repeated', type: 'Entry', id: 14 },
      },
    },
    OperatorSet: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    Entry: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    Graph: {
      fields: {
        node: { rule: 'repeated', type: 'Node', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'Tensor', id: 5 },
        input: { rule: 'repeated', type: 'Value', id: 11 },
        output: { rule: 'repeated', type: 'Value', id: 12 },
      },
    },
    Node: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'Attribute', id: 5 },
      },
    },
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        i: { type: 'int64', id: 3 },
        g: { type: 'Graph', id: 6 },
        ints: { rule: 'repeated', type: 'int64', id: 8 },
        type: { type: 'int32', id: 20 },
      },
    },
    Tensor: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1 },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
      },
    },
    Value: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    TensorType: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } } },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dim', id: 1 } } },
    Dim: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
});
const ModelProto = onnx.lookupType('ModelProto');

/** The bytes of an ONNX file, opset 13, from plain objects in the shape of the schema above. */
export function encodeModel(graph: Record<string, unknown>): Uint8Array {
  return ModelProto.encode(ModelProto.fromObject({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph })).finish();
}

const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;
const INTEGER_ATTRIBUTE = 2;
const GRAPH_ATTRIBUTE = 5;

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
}

/** Three rectangles that do not overlap, of falling score, in a 320 × 320 input. */
export const THREE_OBJECTS = [
  { cxcywh: [80, 80, 80, 80], score: 0.9 },
  { cxcywh: [220, 100, 100, 60], score: 0.8 },
  { cxcywh: [160, 250, 200, 40], score: 0.7 },
] as const;

export function value(name: string, dims: readonly (number | string)[], elemType = FLOAT) {
  const dim = dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

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
  const tensor = (name: string, dims: readonly number[], dataType: number, data: ArrayBufferView) => ({
    name,
    dims,
    dataType,
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
  const graph = {
    name: 'test',
    // The constants plus nothing of the mean of the picture: the input is used, and does not matter.
    node: [
      { opType: 'ReduceMean', input: ['images'], output: ['mean'], attribute: [{ name: 'keepdims', i: 0, type: INTEGER_ATTRIBUTE }] },
      ...(hangs ? endlessLoop(hangs) : [{ opType: 'Identity', input: ['mean'], output: ['looped'] }]),
      { opType: 'Mul', input: ['looped', 'zero'], output: ['nothing'] },
      { opType: 'Add', input: ['detections', 'nothing'], output: ['output0'] },
      { opType: 'Add', input: ['proto', 'nothing'], output: ['output1'] },
    ],
    initializer: [
      tensor('zero', [], FLOAT, new Float32Array(1)),
      ...(hangs ? [tensor('rounds', [], INT64, new BigInt64Array([2n ** 62n]))] : []),
      tensor('detections', [1, channels, anchors], FLOAT, detections),
      tensor('proto', [1, 32, height / 4, width / 4], FLOAT, proto),
    ],
    input: [value('images', dynamic ? [1, 3, 'height', 'width'] : [1, 3, height, width])],
    output: [value('output0', [1, channels, anchors]), value('output1', [1, 32, height / 4, width / 4])],
  };
  const model = {
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }],
    graph,
    metadataProps: Object.entries(metadata).map(([key, text]) => ({ key, value: text })),
  };
  return ModelProto.encode(ModelProto.fromObject(model)).finish();
}

/** Nodes that hand `mean` on as `looped`, after 2⁶² rounds where they hang. */
function endlessLoop(hangs: NonNullable<TestModel['hangs']>) {
  const keepdims = { name: 'keepdims', i: 0, type: INTEGER_ATTRIBUTE };
  const body = {
    name: 'round',
    node: [
      { opType: 'Identity', input: ['going'], output: ['goes_on'] },
      { opType: 'Identity', input: ['before'], output: ['after'] },
    ],
    input: [value('round', [], INT64), value('going', [], BOOL), value('before', [])],
    output: [value('goes_on', [], BOOL), value('after', [])],
  };
  return [
    { opType: 'ReduceMax', input: ['images'], output: ['brightest'], attribute: [keepdims] },
    { opType: 'ReduceMin', input: ['images'], output: ['darkest'], attribute: [keepdims] },
    { opType: hangs === 'always' ? 'GreaterOrEqual' : 'Greater', input: ['brightest', 'darkest'], output: ['hangs'] },
    {
      opType: 'Loop',
      input: ['rounds', 'hangs', 'mean'],
      output: ['looped'],
      attribute: [{ name: 'body', g: body, type: GRAPH_ATTRIBUTE }],
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
        attribute: [
          { name: 'axes', ints: [2, 3], type: 7 },
          { name: 'keepdims', i: 0, type: 2 },
        ],
      },
    ],
    input: [value('images', [1, 3, 224, 224])],
    output: [value('scores', [1, 3])],
  };
  return ModelProto.encode(ModelProto.fromObject({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph })).finish();
}

export async function writeTestModel(path: string, options?: TestModel): Promise<string> {
  await writeFile(path, testModel(options));
  return path;
}
