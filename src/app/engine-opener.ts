/** How the daemon opens an engine: what a build takes, and an engine nobody has verified, is told. */
import type { Logger } from 'pino';
import type { ModelConfig } from '../config/schema.js';
import type { SegmentationEngine } from '../engine/engine.js';
import type { openEngine } from '../engine/open.js';
import type { Publisher } from '../publish/publisher.js';
import { buildReporter } from './engine-news.js';

export interface EngineOpenerDeps {
  readonly model: ModelConfig;
  readonly publisher: Publisher;
  readonly open: typeof openEngine;
  readonly log: Logger;
}

/** Opens the configured model, or another one in the same way. */
export function engineOpener({ model, publisher, open, log }: EngineOpenerDeps): (path?: string) => Promise<SegmentationEngine> {
  return (path = model.path) =>
    open({
      model: path,
      backend: model.backend,
      onnxruntime: model.onnxruntime,
      tensorrt: model.tensorrt,
      demandVerified: !model.tensorrt.allowUnverified,
      onUnverified: (message) => publisher.setAlert('engine-unverified', { severity: 'warning', message }),
      onBuild: buildReporter(publisher, log),
    });
}
