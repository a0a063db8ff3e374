/** The engine of a command's model; when TensorRT has to build one first, the user sees how far it is. */
import type { SegmentationEngine } from '../engine/engine.js';
import { openEngine } from '../engine/open.js';
import { startBuildProgress } from './progress.js';

export interface ModelArguments {
  readonly model: string;
  readonly backend: 'auto' | 'onnxruntime' | 'tensorrt';
  readonly threads: number;
}

/** Errors: those of openEngine. */
export async function openModel({ model, backend, threads }: ModelArguments): Promise<SegmentationEngine> {
  const progress = startBuildProgress();
  try {
    return await openEngine({ model, backend, onnxruntime: { threads }, onBuild: progress.report });
  } finally {
    progress.stop();
  }
}
