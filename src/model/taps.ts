/** Feature maps inside of a YOLOv8-seg network, handed out as outputs. */
import { FastsamError } from '../errors.js';
import { readModel } from './onnx.js';
import { DATA_TYPE, encodeModel } from './onnx-proto.js';

/** Blocks of the backbone at stride 8 and 16. */
const BLOCKS = ['4', '6'] as const;

export interface TappedModel {
  /** An ONNX file of the part of the network that makes these outputs. */
  readonly bytes: Uint8Array;
  /** Names of the outputs, by stride. */
  readonly outputs: readonly string[];
}

/**
 * The beginning of a network, with the outputs of its blocks 4 and 6 as its own. They are told by the names that Ultralytics' exporter
 * gives. What comes after them is left out: onnxruntime would run it all. Errors: those of readModel; MODEL_UNSUPPORTED for a network
 * without such names.
 */
export async function tapBackbone(path: string): Promise<TappedModel> {
  const model = await readModel(path);
  const { graph = {} } = model;
  const { node = [], initializer = [] } = graph;
  const names = node.flatMap(({ output = [] }) => output);
  const outputs = BLOCKS.map((block) => {
    const name = names.findLast((each) => each.startsWith(`/model.${block}/`));
    if (name !== undefined) return name;
    const message = `${path}: no layer /model.${block}/…; expected a YOLOv8-seg model that Ultralytics or "fastsamd model import" exported`;
    throw new FastsamError('MODEL_UNSUPPORTED', message);
  });
  const needed = new Set(outputs);
  // Nodes come in the order in which they are run.
  const kept = node
    .toReversed()
    .filter(({ input = [], output = [] }) => {
      const isNeeded = output.some((name) => needed.has(name));
      if (isNeeded) for (const name of input) needed.add(name);
      return isNeeded;
    })
    .toReversed();
  const output = outputs.map((name) => ({ name, type: { tensorType: { elemType: DATA_TYPE.float } } }));
  const part = { ...graph, node: kept, initializer: initializer.filter(({ name }) => needed.has(name ?? '')), output };
  return { bytes: encodeModel({ ...model, graph: part }), outputs };
}
