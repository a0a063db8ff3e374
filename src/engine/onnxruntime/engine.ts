import { basename, extname } from 'node:path';
import { native } from '../../addon/addon.js';
import { compiledModule } from '../../compiled.js';
import type { ModelMetadata } from '../../model/onnx.js';
import { WorkerClient } from '../../worker/client.js';
import type { SegmentationEngine } from '../engine.js';
import { FRAMES_IN_FLIGHT, HostEngine, type TensorNetwork } from '../host.js';
import type { LoadedNetwork, NetworkCalls, WorkerSettings } from './protocol.js';

export interface OnnxEngineOptions {
  readonly providers?: readonly string[];
  readonly threads?: number;
  /** Run the network once while loading, so that the first frame takes no longer than the others; default true. */
  readonly warmUp?: boolean;
  /** Why the backend `auto` came here; part of the model's identity. */
  readonly fallback?: string | undefined;
}

/**
 * Loads any YOLOv8-seg ONNX file on onnxruntime, in a worker thread. Errors: MODEL_NOT_FOUND,
 * MODEL_CORRUPT, MODEL_UNSUPPORTED, ENGINE_UNAVAILABLE (no such execution provider), NATIVE_UNAVAILABLE.
 */
export async function loadOnnxEngine(path: string, options: OnnxEngineOptions = {}): Promise<SegmentationEngine> {
  // Without the addon there is no letterbox: better told now than at the first frame.
  native();
  const settings: WorkerSettings = {
    path,
    providers: options.providers ?? ['cpu'],
    threads: options.threads ?? 0,
    warmUp: options.warmUp ?? true,
    places: FRAMES_IN_FLIGHT,
  };
  const script = compiledModule('./segment-worker.js', import.meta.url);
  // The thread loads the network while this one reads what the file says about itself, which is the better of two errors.
  const [started, metadata] = await Promise.allSettled([
    WorkerClient.start<NetworkCalls, LoadedNetwork>({ script, name: 'onnxruntime', settings }),
    readMetadata(path),
  ]);
  if (metadata.status === 'rejected') {
    if (started.status === 'fulfilled') await started.value.client.stop();
    throw metadata.reason;
  }
  if (started.status === 'rejected') throw started.reason;
  const { names } = metadata.value;
  const { client, loaded } = started.value;
  const { inputWidth, inputHeight, signature, tensors } = loaded;
  const network: TensorNetwork = {
    signature,
    tensors,
    run: (place, runs) => client.call('run', { place, runs }),
    stop: () => client.stop(),
  };
  const name = basename(path, extname(path));
  const labels = signature.classes > 1 ? Array.from({ length: signature.classes }, (_, k) => names[k] ?? `class ${k}`) : [];
  const fallback = options.fallback === undefined ? {} : { fallback: options.fallback };
  return new HostEngine({ model: { name, backend: 'onnxruntime', inputWidth, inputHeight, labels, ...fallback }, network });
}

/** Errors: as readModelMetadata. */
async function readMetadata(path: string): Promise<ModelMetadata> {
  const { readModelMetadata } = await import('../../model/onnx.js');
  return readModelMetadata(path);
}
