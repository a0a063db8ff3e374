/** The engine of a command's model; when TensorRT has to build one first, the user sees how far it is. */
import type { BackendChoice } from '../domain/backend.js';
import type { SegmentationEngine } from '../engine/engine.js';
import { openEngine } from '../engine/open.js';
import { BUNDLED_MODEL, defaultModel } from '../model/installed.js';
import { demandRange } from './model-options.js';
import { startBuildProgress } from './progress.js';
import { tell } from './terminal.js';

const INSTALL_HINT = ', a small one for demonstrations ("fastsamd model pull fastsam-s" installs FastSAM-s)';

export interface ModelArguments {
  readonly model?: string | undefined;
  readonly backend: BackendChoice;
  readonly threads: number;
  /** Default true; without it the first of few pictures comes sooner. See openEngine. */
  readonly warmUp?: boolean;
}

/** Path or name of the command's model: that of defaultModel without one. */
export async function modelOf({ model }: Pick<ModelArguments, 'model'>): Promise<string> {
  return model ?? (await defaultModel());
}

/** Without a model that of defaultModel, which is named on standard error. Errors: USAGE, and those of openEngine. */
export async function openModel({ model, backend, threads, warmUp = true }: ModelArguments): Promise<SegmentationEngine> {
  demandRange('--threads', threads, 0, 1024, true);
  const path = await modelOf({ model });
  if (model === undefined) tell(`fastsamd: no --model: using ${path}${path === BUNDLED_MODEL ? INSTALL_HINT : ''}`);
  const progress = startBuildProgress();
  try {
    return await openEngine({ model: path, backend, onnxruntime: { threads, warmUp }, onBuild: progress.report });
  } finally {
    progress.stop();
  }
}
