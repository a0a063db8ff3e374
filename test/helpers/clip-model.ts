/**
 * A CLIP of a few words, made on the spot: an image is the mean of its normalised red, green and blue, a text the sum of
 * the directions of its colour words. It knows red from blue, whatever the size of the crop.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { valueInfo } from '../../src/model/onnx-proto.js';
import { modelOf } from './onnx-model.js';

const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;

/** Word → direction in red, green, blue. The end mark is 1, the filling 0. */
const WORDS: Readonly<Record<string, readonly [number, number, number]>> = {
  '[PAD]': [0, 0, 0],
  '[END]': [0, 0, 0],
  '[UNK]': [0, 0, 0],
  a: [0, 0, 0],
  part: [0, 0, 0],
  red: [1, -1, -1],
  green: [-1, 1, -1],
  blue: [-1, -1, 1],
};

export interface ClipVariant {
  readonly ids?: 'int64' | 'int32';
  /** The text encoder wants an attention_mask; padding would otherwise count. */
  readonly mask?: boolean;
  /** Names of the outputs as in SigLIP exports. */
  readonly siglip?: boolean;
  /** Pictures one at a time, texts one at a time. */
  readonly single?: boolean;
  readonly preprocessor?: Record<string, unknown>;
  /** The ONNX files in a folder of their own, as on the hub. */
  readonly folder?: boolean;
}

const SIZE = 32;
export const CONTEXT = 12;

function tensor(name: string, dims: readonly number[], data: Float32Array | BigInt64Array) {
  return { name, dims, dataType: data instanceof Float32Array ? FLOAT : INT64, rawData: new Uint8Array(data.buffer) };
}

/** Writes the model's directory and returns it. */
export async function writeClipModel(directory: string, variant: ClipVariant = {}): Promise<string> {
  const { ids = 'int64', mask = false, siglip = false, single = false, preprocessor, folder = false } = variant;
  const batch = single ? 1 : 'batch';
  const onnx = folder ? join(directory, 'onnx') : directory;
  await mkdir(onnx, { recursive: true });
  const table = Float32Array.from(Object.values(WORDS).flat());
  const integer = ids === 'int32' ? INT32 : INT64;
  const textOutput = siglip ? 'pooler_output' : 'text_embeds';
  const imageOutput = siglip ? 'pooler_output' : 'image_embeds';
  const masked = [
    { opType: 'Cast', input: ['attention_mask'], output: ['weight'], attribute: [{ name: 'to', i: FLOAT, type: 2 }] },
    { opType: 'Unsqueeze', input: ['weight', 'last'], output: ['weights'] },
    { opType: 'Mul', input: ['each', 'weights'], output: ['counted'] },
  ];
  const text = {
    name: 'text',
    node: [
      { opType: 'Gather', input: ['table', 'input_ids'], output: ['each'] },
      ...(mask ? masked : []),
      {
        opType: 'ReduceSum',
        input: [mask ? 'counted' : 'each', 'tokens'],
        output: [textOutput],
        attribute: [{ name: 'keepdims', i: 0, type: 2 }],
      },
    ],
    initializer: [
      tensor('table', [table.length / 3, 3], table),
      tensor('tokens', [1], BigInt64Array.of(1n)),
      ...(mask ? [tensor('last', [1], BigInt64Array.of(2n))] : []),
    ],
    input: [
      valueInfo('input_ids', [batch, single ? CONTEXT : 'length'], integer),
      ...(mask ? [valueInfo('attention_mask', [batch, single ? CONTEXT : 'length'], integer)] : []),
    ],
    output: [valueInfo(textOutput, [batch, 3])],
  };
  const vision = {
    name: 'vision',
    node: [
      {
        opType: 'ReduceMean',
        input: ['pixel_values'],
        output: [imageOutput],
        attribute: [
          { name: 'axes', ints: [2, 3], type: 7 },
          { name: 'keepdims', i: 0, type: 2 },
        ],
      },
    ],
    input: [valueInfo('pixel_values', [batch, 3, SIZE, SIZE])],
    output: [valueInfo(imageOutput, [batch, 3])],
  };
  const vocab = Object.fromEntries(Object.keys(WORDS).map((word, id) => [word, id]));
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '[END]', type_id: 0 } }],
      pair: [],
      special_tokens: { '[END]': { id: '[END]', ids: [1], tokens: ['[END]'] } },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab, unk_token: '[UNK]' },
  };
  await writeFile(join(onnx, 'text_model.onnx'), modelOf(text));
  await writeFile(join(onnx, 'vision_model.onnx'), modelOf(vision));
  await writeFile(join(directory, 'tokenizer.json'), JSON.stringify(tokenizer));
  if (preprocessor) await writeFile(join(directory, 'preprocessor_config.json'), JSON.stringify(preprocessor));
  return directory;
}
