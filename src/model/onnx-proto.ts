/** The part of ONNX's protobuf schema (onnx.proto, IR version 8) that is read and written here. */
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
        graph: one('GraphProto', 7),
        opsetImport: repeated('OperatorSetIdProto', 8),
        metadataProps: repeated('StringStringEntryProto', 14),
      },
    },
    OperatorSetIdProto: { fields: { domain: one('string', 1), version: one('int64', 2) } },
    StringStringEntryProto: { fields: { key: one('string', 1), value: one('string', 2) } },
    GraphProto: {
      fields: {
        node: repeated('NodeProto', 1),
        name: one('string', 2),
        initializer: repeated('TensorProto', 5),
        input: repeated('ValueInfoProto', 11),
        output: repeated('ValueInfoProto', 12),
      },
    },
    NodeProto: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: one('string', 3),
        opType: one('string', 4),
        attribute: repeated('AttributeProto', 5),
      },
    },
    AttributeProto: {
      fields: { name: one('string', 1), i: one('int64', 3), s: one('bytes', 4), ints: repeated('int64', 8), type: one('int32', 20) },
    },
    TensorProto: {
      fields: { dims: repeated('int64', 1), dataType: one('int32', 2), name: one('string', 8), rawData: one('bytes', 9) },
    },
    ValueInfoProto: { fields: { name: one('string', 1), type: one('TypeProto', 2) } },
    TypeProto: { fields: { tensorType: one('TypeProtoTensor', 1) } },
    TypeProtoTensor: { fields: { elemType: one('int32', 1), shape: one('TensorShapeProto', 2) } },
    TensorShapeProto: { fields: { dim: repeated('Dimension', 1) } },
    Dimension: { fields: { dimValue: one('int64', 1) } },
  },
});

export const ModelProto = root.lookupType('ModelProto');

/** TensorProto.DataType. */
export const DATA_TYPE = { float: 1, int64: 7, float16: 10 } as const;
/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = { int: 2, string: 3, ints: 7 } as const;
