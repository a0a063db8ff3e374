/** What the engine asks of its onnxruntime thread. */
import type { Signature } from '../../model/signature.js';

export interface WorkerSettings {
  readonly path: string;
  readonly providers: readonly string[];
  /** Threads of one inference, 0: one per core that this process may use. */
  readonly threads: number;
  /** Run the network once while loading; a model that leaves the shapes of its outputs open is run in any case. */
  readonly warmUp: boolean;
}

export interface LoadedNetwork {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly signature: Signature;
}

export type NetworkCalls = {
  /** Runs the network on the lent Tensors and answers with the milliseconds of each run. */
  run: { request: { readonly runs: number }; response: readonly number[] };
};
