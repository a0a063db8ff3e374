/** What the engine asks of its onnxruntime thread. */
import type { Signature } from '../../model/signature.js';
import type { Tensors } from '../tensors.js';

export interface WorkerSettings {
  readonly path: string;
  readonly providers: readonly string[];
  /** Threads of one inference, 0: one per core that this process may use. */
  readonly threads: number;
  /** Run the network once while loading; a model that leaves the shapes of its outputs open is run in any case. */
  readonly warmUp: boolean;
  /** How many sets of tensors there are to be. */
  readonly places: number;
}

export interface LoadedNetwork {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly signature: Signature;
  /** By place. */
  readonly tensors: readonly Tensors[];
}

export type NetworkCalls = {
  /** Runs the network on the tensors of the place and answers with the milliseconds of each run. */
  run: { request: { readonly place: number; readonly runs: number }; response: readonly number[] };
};
