/**
 * ONNX's protobuf schema (onnx.proto, IR version 13): the one place that knows field numbers. A model that is read and
 * written again keeps every field; parts that nothing here looks into are carried as bytes.
 */
import protobuf from 'protobufjs';

const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });
const one = (type: string, id: number) => ({ type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: one('int64', 1),
        producerName: one('string', 2),
        producerVersion: one('string', 3),
        domain: one('string', 4),
        modelVersion: one('int64', 5),
        docString: one('string', 6),
        graph: one('GraphProto', 7),
        opsetImport: repeated('OperatorSetIdProto', 8),
        metadataProps: repeated('StringStringEntryProto', 14),
        trainingInfo: repeated('bytes', 20),
        functions: repeated('bytes', 25),
        configuration: repeated('bytes', 26),
      },
    },
    OperatorSetIdProto: { fields: { domain: one('string', 1), version: one('int64', 2) } },
    StringStringEntryProto: { fields: { key: one('string', 1), value: one('string', 2) } },
    GraphProto: {
      fields: {
        node: repeated('NodeProto', 1),
        name: one('string', 2),
        initializer: repeated('TensorProto', 5),
        docString: one('string', 10),
        input: repeated('ValueInfoProto', 11),
        output: repeated('ValueInfoProto', 12),
        valueInfo: repeated('ValueInfoProto', 13),
        quantizationAnnotation: repeated('bytes', 14),
        sparseInitializer: repeated('bytes', 15),
        metadataProps: repeated('StringStringEntryProto', 16),
      },
    },
    NodeProto: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: one('string', 3),
        opType: one('string', 4),
        attribute: repeated('AttributeProto', 5),
        docString: one('string', 6),
        domain: one('string', 7),
        overload: one('string', 8),
        metadataProps: repeated('StringStringEntryProto', 9),
        deviceConfigurations: repeated('bytes', 10),
      },
    },
    AttributeProto: {
      fields: {
        name: one('string', 1),
        f: one('float', 2),
        i: one('int64', 3),
        s: one('bytes', 4),
        t: one('TensorProto', 5),
        g: one('GraphProto', 6),
        floats: repeated('float', 7),
        ints: repeated('int64', 8),
        strings: repeated('bytes', 9),
        tensors: repeated('TensorProto', 10),
        graphs: repeated('GraphProto', 11),
        docString: one('string', 13),
        tp: one('bytes', 14),
        typeProtos: repeated('bytes', 15),
        type: one('int32', 20),
        refAttrName: one('string', 21),
        sparseTensor: one('bytes', 22),
        sparseTensors: repeated('bytes', 23),
      },
    },
    TensorProto: {
      fields: {
        dims: repeated('int64', 1),
        dataType: one('int32', 2),
        segment: one('bytes', 3),
        floatData: repeated('float', 4),
        int32Data: repeated('int32', 5),
        stringData: repeated('bytes', 6),
        int64Data: repeated('int64', 7),
        name: one('string', 8),
        rawData: one('bytes', 9),
        doubleData: repeated('double', 10),
        uint64Data: repeated('uint64', 11),
        docString: one('string', 12),
        externalData: repeated('StringStringEntryProto', 13),
        dataLocation: one('int32', 14),
        metadataProps: repeated('StringStringEntryProto', 16),
      },
    },
    ValueInfoProto: {
      fields: {
        name: one('string', 1),
        type: one('TypeProto', 2),
        docString: one('string', 3),
        metadataProps: repeated('StringStringEntryProto', 4),
      },
    },
    TypeProto: {
      fields: {
        tensorType: one('TypeProtoTensor', 1),
        sequenceType: one('bytes', 4),
        mapType: one('bytes', 5),
        denotation: one('string', 6),
        sparseTensorType: one('bytes', 8),
        optionalType: one('bytes', 9),
      },
    },
    TypeProtoTensor: { fields: { elemType: one('int32', 1), shape: one('TensorShapeProto', 2) } },
    TensorShapeProto: { fields: { dim: repeated('Dimension', 1) } },
    Dimension: { fields: { dimValue: one('int64', 1), dimParam: one('string', 2), denotation: one('string', 3) } },
  },
});
const ModelProto = root.lookupType('ModelProto');

/** An int64: a number where it was made here, decimal digits where it was read, so that 2⁶³ − 1 survives. */
export type Int64 = number | string;

export interface OnnxAttribute {
  readonly name: string;
  readonly type: number;
  readonly i?: Int64;
  readonly f?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly Int64[];
  readonly g?: OnnxGraph;
}

export interface OnnxNode {
  readonly name?: string;
  readonly opType: string;
  /** Empty: ONNX's own operators. */
  readonly domain?: string;
  /** An empty name is an input that is left out. */
  readonly input?: readonly string[];
  readonly output: readonly string[];
  readonly attribute?: readonly OnnxAttribute[];
}

export interface OnnxTensor {
  readonly name: string;
  /** Absent: a scalar. */
  readonly dims?: readonly Int64[];
  readonly dataType: number;
  readonly rawData?: Uint8Array;
  readonly floatData?: readonly number[];
  readonly int32Data?: readonly number[];
  /** 1: the numbers are in another file. */
  readonly dataLocation?: number;
}

export interface OnnxValue {
  readonly name: string;
  readonly type?: {
    readonly tensorType?: {
      readonly elemType?: number;
      readonly shape?: { readonly dim?: readonly { readonly dimValue?: Int64; readonly dimParam?: string }[] };
    };
  };
}

export interface OnnxGraph {
  readonly name?: string;
  readonly node?: readonly OnnxNode[];
  readonly initializer?: readonly OnnxTensor[];
  readonly input?: readonly OnnxValue[];
  readonly output?: readonly OnnxValue[];
  readonly valueInfo?: readonly OnnxValue[];
}

/** A model as plain data; an absent field is one that the file does not have. */
export interface OnnxModel {
  readonly irVersion: Int64;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly graph?: OnnxGraph;
  readonly opsetImport?: readonly { readonly domain?: string; readonly version?: Int64 }[];
  readonly metadataProps?: readonly { readonly key: string; readonly value?: string }[];
  readonly functions?: readonly Uint8Array[];
}

/** TensorProto.DataType. */
export const DATA_TYPE = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, double: 11, bfloat16: 16 } as const;
/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = { int: 2, string: 3, graph: 5, ints: 7 } as const;

/** Reads a model; tensors share the memory of `bytes`. Throws what protobufjs throws when they are no ModelProto. */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  const model = ModelProto.toObject(ModelProto.decode(bytes), { longs: String }) as OnnxModel;
  if (!(Number(model.irVersion) >= 1)) throw new Error('no IR version');
  return model;
}

export function encodeModel(model: OnnxModel): Uint8Array {
  return ModelProto.encode(ModelProto.fromObject(model)).finish();
}

export function attributeOf(name: string, value: number | readonly number[] | string): OnnxAttribute {
  if (typeof value === 'number') return { name, i: value, type: ATTRIBUTE_TYPE.int };
  if (typeof value === 'string') return { name, s: Buffer.from(value), type: ATTRIBUTE_TYPE.string };
  return { name, ints: value, type: ATTRIBUTE_TYPE.ints };
}

export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export function floatTensor(name: string, dims: readonly number[], data: Float32Array): OnnxTensor {
  return { name, dims, dataType: DATA_TYPE.float, rawData: bytesOf(data) };
}

/** `dims`: a size, or the name of one that is left open. */
export function valueInfo(name: string, dims: readonly (number | string)[], elemType: number = DATA_TYPE.float): OnnxValue {
  const dim = dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** The numbers of a float32 tensor, copied. Throws for other types and for numbers kept in another file. */
export function floatsOf(tensor: OnnxTensor): Float32Array {
  if (tensor.dataType !== DATA_TYPE.float || tensor.dataLocation === 1) throw new Error(`${tensor.name} holds no float32 numbers`);
  if (tensor.floatData?.length) return Float32Array.from(tensor.floatData);
  // Buffer.slice would share the memory, which need not be aligned.
  return new Float32Array(Uint8Array.from(tensor.rawData ?? []).buffer);
}
