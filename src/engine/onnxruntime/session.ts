import type * as OnnxRuntime from 'onnxruntime-node';
import { usableCores } from '../../cores.js';
import { FastsamError, messageOf } from '../../errors.js';
import { ort } from './onnxruntime.js';

export interface SessionSettings {
  readonly path: string;
  readonly providers: readonly string[];
  /** Threads of one inference, 0: one per core that this process may use. */
  readonly threads: number;
}

/**
 * Loads an ONNX file in this thread. onnxruntime-node runs inference on the calling thread: only threads that may wait
 * call this. Errors: MODEL_CORRUPT, ENGINE_UNAVAILABLE (no such execution provider).
 */
export async function createSession(settings: SessionSettings): Promise<OnnxRuntime.InferenceSession> {
  try {
    return await ort.InferenceSession.create(settings.path, {
      executionProviders: [...settings.providers],
      intraOpNumThreads: settings.threads || usableCores(),
      interOpNumThreads: 1,
      executionMode: 'sequential',
      extra: {
        session: {
          // Smaller blocks, handed out as threads become free: a core that decodes video for a while does not hold up
          // the other.
          dynamic_block_base: '4',
          // Threads that wait for work by turning round take cores from decoding and power from the battery: a live camera
          // that leaves the network pauses costs 0.7 cores instead of 1.3, and an inference takes 0 to 6 % longer.
          intra_op: { allow_spinning: '0' },
        },
      },
    });
  } catch (cause) {
    const message = messageOf(cause);
    if (/execution provider|backend not found|not supported.*provider/i.test(message)) {
      const asked = settings.providers.join(', ');
      throw new FastsamError('ENGINE_UNAVAILABLE', `onnxruntime has none of the execution providers ${asked} here (${message}); use "cpu"`);
    }
    throw new FastsamError('MODEL_CORRUPT', `${settings.path}: onnxruntime cannot load it: ${message}`);
  }
}
