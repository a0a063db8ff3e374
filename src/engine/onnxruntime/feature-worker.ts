/** The thread that runs a network for the sake of its feature maps. */

import { workerData } from 'node:worker_threads';
import { usableCores } from '../../cores.js';
import { FastsamError, messageOf } from '../../errors.js';
import { serve } from '../../worker/server.js';
import { sharedFloats } from '../shared-floats.js';
import type { FeatureCalls, FeatureLoaded, FeatureSettings } from './feature-protocol.js';
import { ort } from './onnxruntime.js';
import { tensorOn } from './tensor.js';

void serve<FeatureCalls, FeatureLoaded>(async () => {
  const { path, bytes, outputs, threads, dynamicSize } = workerData as FeatureSettings;
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: threads || usableCores(),
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  }).catch((cause: unknown) => {
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: its feature maps cannot be read: ${messageOf(cause)}`);
  });
  const [input] = session.inputMetadata;
  const shape = input?.isTensor ? input.shape : [];
  const [inputHeight, inputWidth] = [shape[2], shape[3]].map((side, k) => (typeof side === 'number' ? side : dynamicSize[k]!)) as [
    number,
    number,
  ];
  const memory = sharedFloats(3 * inputHeight * inputWidth);
  const feeds = { [session.inputNames[0]!]: tensorOn(memory, [1, 3, inputHeight, inputWidth]) };
  return {
    loaded: { inputWidth, inputHeight, input: memory },
    handlers: {
      async run(_request, { transfer }) {
        const found = await session.run(feeds, [...outputs]).catch((cause: unknown) => {
          throw new FastsamError('ENGINE_FAILED', `the network failed: ${messageOf(cause)}`);
        });
        return outputs.map((name) => {
          const { dims, data } = found[name]!;
          const values = Float32Array.from(data as Float32Array);
          transfer.push(values.buffer);
          return { channels: dims[1]!, height: dims[2]!, width: dims[3]!, values };
        });
      },
    },
    close: () => session.release(),
  };
});
