/** The thread of an image encoder on onnxruntime. */
import { workerData } from 'node:worker_threads';
import type * as OnnxRuntime from 'onnxruntime-node';
import { FastsamError, messageOf } from '../../errors.js';
import { type Service, serve } from '../../worker/server.js';
import { ort } from '../onnxruntime/onnxruntime.js';
import { createSession } from '../onnxruntime/session.js';
import { embeddingsOutput, normalise, type VisionCalls, type VisionLoaded, type VisionSettings } from './encoder-protocol.js';

async function load(settings: VisionSettings): Promise<Service<VisionCalls, VisionLoaded>> {
  const session = await createSession(settings);
  const { name, size, step } = inputOf(session, settings);
  const output = embeddingsOutput(settings.path, session, ['image_embeds', 'pooler_output']);
  const stride = 3 * size * size;

  const encode = async (pixels: Float32Array, count: number): Promise<Float32Array<ArrayBuffer>> => {
    let embeddings = new Float32Array(0);
    for (let first = 0; first < count; first += step) {
      const n = Math.min(step, count - first);
      const tensor = new ort.Tensor('float32', pixels.subarray(first * stride, (first + n) * stride), [n, 3, size, size]);
      const { [output]: result } = await session.run({ [name]: tensor }, [output]);
      const part = result!.data as Float32Array;
      const dimension = part.length / n;
      if (first === 0) embeddings = new Float32Array(count * dimension);
      embeddings.set(part, first * dimension);
    }
    normalise(embeddings, count);
    return embeddings;
  };
  // One run before the first crop: allocates the arena, and shows the real length of an embedding.
  const first = await encode(new Float32Array(stride), 1).catch((cause: unknown) => {
    throw new FastsamError('MODEL_UNSUPPORTED', `${settings.path}: the first inference failed: ${messageOf(cause)}`);
  });

  return {
    loaded: { size, dimension: first.length },
    handlers: {
      async encode({ count }, { lent, transfer }) {
        const embeddings = await encode(lent.pixels!, count).catch((cause: unknown) => {
          throw new FastsamError('ENGINE_FAILED', `the image encoder failed: ${messageOf(cause)}`);
        });
        transfer.push(embeddings.buffer);
        return embeddings;
      },
    },
    close: () => session.release(),
  };
}

/** The pictures' input, its side, and how many pictures it takes at once. */
function inputOf(session: OnnxRuntime.InferenceSession, settings: VisionSettings): { name: string; size: number; step: number } {
  const [input, ...others] = session.inputMetadata;
  const shape = input?.isTensor ? input.shape : [];
  const [batch, channels, height, width] = shape;
  const size = typeof height === 'number' ? height : settings.size;
  const fits =
    input?.isTensor &&
    input.type === 'float32' &&
    others.length === 0 &&
    shape.length === 4 &&
    (channels === 3 || typeof channels === 'string') &&
    (batch === 1 || typeof batch === 'string') &&
    (typeof width === 'string' || width === size);
  if (!fits || size === undefined) {
    const found = session.inputMetadata
      .map((each) => (each.isTensor ? `${each.name} ${each.type} [${each.shape.join(', ')}]` : each.name))
      .join(', ');
    throw new FastsamError('MODEL_UNSUPPORTED', `${settings.path}: expected one input pixel_values float32 [n, 3, S, S], found ${found}`);
  }
  return { name: input.name, size, step: batch === 1 ? 1 : Number.POSITIVE_INFINITY };
}

void serve(() => load(workerData as VisionSettings));
