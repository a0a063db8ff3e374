/**
 * The thread that owns the onnxruntime session: onnxruntime-node runs inference on the calling thread, and the JS thread
 * of the daemon must not wait for the network.
 */
import { workerData } from 'node:worker_threads';
import type * as OnnxRuntime from 'onnxruntime-node';
import { MAX_MODEL_INPUT_PIXELS } from '../../domain/limits.js';
import { FastsamError, messageOf } from '../../errors.js';
import { MASK_CHANNELS, recognise, type TensorShape } from '../../model/signature.js';
import { serve } from '../../worker/server.js';
import { sharedTensors } from '../tensors.js';
import { ort } from './onnxruntime.js';
import type { LoadedNetwork, NetworkCalls, WorkerSettings } from './protocol.js';
import { createSession } from './session.js';
import { tensorOn } from './tensor.js';

const WARM_UP_LEVEL = 114 / 255;
/** [height, width] for a model that leaves its input size open and does not say what it was exported for. */
const DEFAULT_SIZE = [640, 640] as const;

interface Network extends LoadedNetwork {
  readonly session: OnnxRuntime.InferenceSession;
  /** What the session reads and writes, by place: the tensors. */
  readonly feeds: readonly OnnxRuntime.InferenceSession.FeedsType[];
  readonly fetches: readonly OnnxRuntime.InferenceSession.FetchesType[];
}

async function load(settings: WorkerSettings): Promise<Network> {
  const session = await createSession(settings);
  const { name, inputWidth, inputHeight } = await inputOf(session, settings);
  const outputs =
    (settings.warmUp ? undefined : declaredOutputs(session)) ?? (await runOnce(settings, session, name, [inputHeight, inputWidth]));
  const signature = recognise(settings.path, inputWidth, inputHeight, outputs);
  const tensors = Array.from({ length: settings.places }, () => sharedTensors(inputWidth, inputHeight, signature));
  const rows = 4 + signature.classes + MASK_CHANNELS;
  return {
    ...{ session, inputWidth, inputHeight, signature, tensors },
    feeds: tensors.map(({ input }) => ({ [name]: tensorOn(input, [1, 3, inputHeight, inputWidth]) })),
    fetches: tensors.map(({ detections, proto }) => ({
      [signature.detections]: tensorOn(detections, [1, rows, signature.anchors]),
      [signature.proto]: tensorOn(proto, [1, MASK_CHANNELS, inputHeight / 4, inputWidth / 4]),
    })),
  };
}

/** The shapes of all float32 outputs as the model declares them; undefined when one is left open. */
function declaredOutputs({ outputMetadata }: OnnxRuntime.InferenceSession): TensorShape[] | undefined {
  const shapes: TensorShape[] = [];
  for (const output of outputMetadata) {
    if (!output.isTensor || output.type !== 'float32') continue;
    const dims = output.shape.filter((size): size is number => typeof size === 'number' && size > 0);
    if (dims.length < output.shape.length) return undefined;
    shapes.push({ name: output.name, dims });
  }
  return shapes;
}

/** One inference of a grey picture: allocates the arena, and shows the shapes of all float32 outputs. Errors: MODEL_UNSUPPORTED. */
async function runOnce(
  settings: WorkerSettings,
  session: OnnxRuntime.InferenceSession,
  name: string,
  [inputHeight, inputWidth]: readonly [number, number],
): Promise<TensorShape[]> {
  const dims = [1, 3, inputHeight, inputWidth];
  const grey = new Float32Array(3 * inputHeight * inputWidth).fill(WARM_UP_LEVEL);
  let outputs: OnnxRuntime.InferenceSession.ReturnType;
  try {
    outputs = await session.run({ [name]: new ort.Tensor('float32', grey, dims) });
  } catch (cause) {
    throw new FastsamError('MODEL_UNSUPPORTED', `${settings.path}: the first inference failed: ${messageOf(cause)}`);
  }
  const floats = Object.entries(outputs).filter(([, tensor]) => tensor.type === 'float32');
  return floats.map(([output, tensor]) => ({ name: output, dims: tensor.dims }));
}

async function inputOf(
  session: OnnxRuntime.InferenceSession,
  settings: WorkerSettings,
): Promise<{ name: string; inputWidth: number; inputHeight: number }> {
  const [input, ...others] = session.inputMetadata;
  const shape = input?.isTensor ? input.shape : [];
  const [batch, channels, height, width] = shape;
  const fits =
    input?.isTensor &&
    input.type === 'float32' &&
    others.length === 0 &&
    shape.length === 4 &&
    channels === 3 &&
    (batch === 1 || typeof batch === 'string');
  if (!fits) {
    const found = session.inputMetadata
      .map((each) => (each.isTensor ? `${each.name} ${each.type} [${each.shape.join(', ')}]` : each.name))
      .join(', ');
    if (input?.isTensor && input.type === 'float16') {
      throw new FastsamError(
        'MODEL_UNSUPPORTED',
        `${settings.path}: its input is float16; expected float32: export it with half=False (TensorRT uses float16 by itself)`,
      );
    }
    throw new FastsamError('MODEL_UNSUPPORTED', `${settings.path}: expected one input float32 [1, 3, H, W], found ${found || 'none'}`);
  }
  const open = typeof height !== 'number' || typeof width !== 'number';
  const exportedFor = (open && (await exportedSize(settings.path))) || DEFAULT_SIZE;
  const inputHeight = typeof height === 'number' ? height : exportedFor[0];
  const inputWidth = typeof width === 'number' ? width : exportedFor[1];
  if (inputHeight % 32 !== 0 || inputWidth % 32 !== 0) {
    throw new FastsamError(
      'MODEL_UNSUPPORTED',
      `${settings.path}: the input is ${inputHeight}×${inputWidth}; both must be multiples of 32`,
    );
  }
  if (inputHeight * inputWidth > MAX_MODEL_INPUT_PIXELS) {
    throw new FastsamError(
      'MODEL_UNSUPPORTED',
      `${settings.path}: the input is ${inputHeight}×${inputWidth}; at most ${MAX_MODEL_INPUT_PIXELS} pixels are supported (2048×2048)`,
    );
  }
  return { name: input.name, inputWidth, inputHeight };
}

/** [height, width] that the file says it was exported for. */
async function exportedSize(path: string): Promise<readonly [number, number] | undefined> {
  const { readModelMetadata } = await import('../../model/onnx.js');
  return (await readModelMetadata(path)).imgsz;
}

async function run({ session, feeds, fetches }: Network, place: number, runs: number): Promise<number[]> {
  const inferMs: number[] = [];
  for (let k = 0; k < runs; k += 1) {
    const begin = performance.now();
    await session.run(feeds[place]!, fetches[place]!);
    inferMs.push(performance.now() - begin);
  }
  return inferMs;
}

void serve<NetworkCalls, LoadedNetwork>(async () => {
  const network = await load(workerData as WorkerSettings);
  const { session, inputWidth, inputHeight, signature, tensors } = network;
  return {
    loaded: { inputWidth, inputHeight, signature, tensors },
    handlers: {
      run: ({ place, runs }) =>
        run(network, place, runs).catch((cause: unknown) => {
          throw new FastsamError('ENGINE_FAILED', `inference failed: ${messageOf(cause)}`);
        }),
    },
    close: () => session.release(),
  };
});
