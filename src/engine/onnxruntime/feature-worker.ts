/** The thread that runs a network for the sake of its feature maps. */

import { workerData } from 'node:worker_threads';
import { usableCores } from '../../cores.js';
import { FastsamError, messageOf } from '../../errors.js';
import { serve } from '../../worker/server.js';
import type { FeatureCalls, FeatureLoaded, FeatureSettings } from './feature-protocol.js';
import { ort } from './onnxruntime.js';

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
  return {
    loaded: { inputWidth, inputHeight },
    handlers: {
      async run(_request, { lent, transfer }) {
        const tensor = new ort.Tensor('float32', lent.input as Float32Array, [1, 3, inputHeight, inputWidth]);
        const found = await session.run({ [session.inputNames[0]!]: tensor }, [...outputs]).catch((cause: unknown) => {
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
