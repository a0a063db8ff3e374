/** The thread of an image encoder on onnxruntime. */
import { workerData } from 'node:worker_threads';
import type * as OnnxRuntime from 'onnxruntime-node';
import { native } from '../../addon/addon.js';
import { FastsamError, messageOf } from '../../errors.js';
import { type Service, serve } from '../../worker/server.js';
import { ort } from '../onnxruntime/onnxruntime.js';
import { createSession } from '../onnxruntime/session.js';
import { sharedFloats } from '../shared-floats.js';
import { embeddingsOutput, normalise, type VisionCalls, type VisionLoaded, type VisionSettings } from './encoder-protocol.js';

async function load(settings: VisionSettings): Promise<Service<VisionCalls, VisionLoaded>> {
  const session = await createSession(settings);
  const { name, size, step } = inputOf(session, settings);
  const output = embeddingsOutput(settings.path, session, ['image_embeds', 'pooler_output']);
  const stride = 3 * size * size;

  const encode = async (crops: Float32Array, count: number): Promise<Float32Array<ArrayBuffer>> => {
    let embeddings = new Float32Array(0);
    for (let first = 0; first < count; first += step) {
      const n = Math.min(step, count - first);
      const tensor = new ort.Tensor('float32', crops.subarray(first * stride, (first + n) * stride), [n, 3, size, size]);
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
  const memories = Array.from({ length: settings.places }, () => sharedFloats(settings.batch * stride));
  const views = memories.map((memory) => native().ordinaryView(memory));

  return {
    loaded: { size, dimension: first.length, crops: memories },
    handlers: {
      async encode({ place, count }, { transfer }) {
        const embeddings = await encode(views[place]!, count).catch((cause: unknown) => {
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
