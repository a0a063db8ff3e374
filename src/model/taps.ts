/** Feature maps inside of a YOLOv8-seg network, handed out as further outputs. */
import { readFile } from 'node:fs/promises';
import { FastsamError } from '../errors.js';
import { readModel } from './onnx.js';

/** Blocks of the backbone at stride 8 and 16. */
const BLOCKS = ['4', '6'] as const;

export interface TappedModel {
  /** The ONNX file with the outputs added. */
  readonly bytes: Uint8Array;
  /** Names of the added outputs, by stride. */
  readonly outputs: readonly string[];
}

/**
 * The model with the outputs of its blocks 4 and 6 added. They are told by the names that Ultralytics' exporter gives. Protobuf messages
 * that follow each other are one: the outputs are appended, nothing is decoded and written again. Errors: those of readModel;
 * MODEL_UNSUPPORTED for a network without such names.
 */
export async function tapBackbone(path: string): Promise<TappedModel> {
  const { graph } = await readModel(path);
  const names = (graph?.node ?? []).flatMap(({ output = [] }) => output);
  const outputs = BLOCKS.map((block) => {
    const name = names.findLast((each) => each.startsWith(`/model.${block}/`));
    if (name !== undefined) return name;
    const message = `${path}: no layer /model.${block}/…; expected a YOLOv8-seg model that Ultralytics or "fastsamd model import" exported`;
    throw new FastsamError('MODEL_UNSUPPORTED', message);
  });
  // ModelProto.graph (7) { output (12) { name (1) } }
  const added = Buffer.concat(outputs.map((name) => field(12, field(1, Buffer.from(name)))));
  return { bytes: Buffer.concat([await readFile(path), field(7, added)]), outputs };
}

/** A length-delimited field. */
function field(number: number, content: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    length.push((rest % 128) | (rest >= 128 ? 128 : 0));
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), content]);
}
