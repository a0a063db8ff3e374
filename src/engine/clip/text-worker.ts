/** The thread of a text encoder on onnxruntime, with its tokenizer: reading the vocabulary alone takes a second. */
import { workerData } from 'node:worker_threads';
import type * as OnnxRuntime from 'onnxruntime-node';
import { FastsamError, messageOf } from '../../errors.js';
import { type Service, serve } from '../../worker/server.js';
import { ort } from '../onnxruntime/onnxruntime.js';
import { createSession } from '../onnxruntime/session.js';
import { embeddingsOutput, normalise, type TextCalls, type TextLoaded, type TextSettings } from './encoder-protocol.js';
import { Tokenizer, type Tokens } from './tokenizer.js';

/** Texts per inference: bounds its memory. */
const BATCH = 16;

type Input = Extract<OnnxRuntime.InferenceSession.ValueMetadata, { isTensor: true }>;

async function load(settings: TextSettings): Promise<Service<TextCalls, TextLoaded>> {
  const tokenizer = await Tokenizer.load(settings.tokenizer);
  const session = await createSession(settings);
  const { ids, mask, contextLength, step } = inputsOf(session, settings);
  const output = embeddingsOutput(settings.path, session, ['text_embeds', 'pooler_output']);

  const run = async (batch: readonly Tokens[]): Promise<Float32Array> => {
    const dims = [batch.length, contextLength];
    const feeds: Record<string, OnnxRuntime.Tensor> = {
      [ids.name]: integers(
        ids,
        batch.flatMap((tokens) => tokens.ids),
        dims,
      ),
    };
    if (mask) {
      const attended = batch.flatMap(({ count }) => Array.from({ length: contextLength }, (_, k) => (k < count ? 1 : 0)));
      feeds[mask.name] = integers(mask, attended, dims);
    }
    const { [output]: result } = await session.run(feeds, [output]);
    return result!.data as Float32Array;
  };
  const encode = async (texts: readonly string[]): Promise<{ embeddings: Float32Array<ArrayBuffer>; tokens: number[] }> => {
    const tokens = texts.map((text) => tokenizer.encode(text, contextLength, settings.padId));
    const parts: number[] = [];
    for (let first = 0; first < tokens.length; first += step) parts.push(...(await run(tokens.slice(first, first + step))));
    const embeddings = Float32Array.from(parts);
    normalise(embeddings, texts.length);
    return { embeddings, tokens: tokens.map(({ count }) => count) };
  };
  const first = await encode(['a']).catch((cause: unknown) => {
    throw new FastsamError('MODEL_UNSUPPORTED', `${settings.path}: the first inference failed: ${messageOf(cause)}`);
  });

  return {
    loaded: { dimension: first.embeddings.length, contextLength },
    handlers: {
      async encode({ texts }, { transfer }) {
        const encoded = await encode(texts).catch((cause: unknown) => {
          throw new FastsamError('ENGINE_FAILED', `the text encoder failed: ${messageOf(cause)}`);
        });
        transfer.push(encoded.embeddings.buffer);
        return encoded;
      },
    },
    close: () => session.release(),
  };
}

function integers({ type }: Input, values: readonly number[], dims: readonly number[]): OnnxRuntime.Tensor {
  if (type === 'int32') return new ort.Tensor('int32', Int32Array.from(values), dims);
  return new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

function inputsOf(session: OnnxRuntime.InferenceSession, settings: TextSettings) {
  const inputs = session.inputMetadata.flatMap((input) => (input.isTensor ? [input] : []));
  const ids = inputs.find(({ name }) => name === 'input_ids');
  const mask = inputs.find(({ name }) => name === 'attention_mask');
  const usable = inputs.every((input) => (input === ids || input === mask) && (input.type === 'int64' || input.type === 'int32'));
  const [batch, length] = ids?.shape ?? [];
  if (!ids || !usable || ids.shape.length !== 2 || (typeof batch === 'number' && batch !== 1)) {
    const found = inputs.map(({ name, type, shape }) => `${name} ${type} [${shape.join(', ')}]`).join(', ');
    throw new FastsamError(
      'MODEL_UNSUPPORTED',
      `${settings.path}: expected an input input_ids int64 or int32 [n, tokens] and at most an attention_mask, found ${found || 'none'}`,
    );
  }
  const contextLength = typeof length === 'number' ? length : settings.contextLength;
  return { ids, mask, contextLength, step: batch === 1 ? 1 : BATCH };
}

void serve(() => load(workerData as TextSettings));
