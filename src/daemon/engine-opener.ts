/** How the daemon opens an engine: what a build takes, and an engine nobody has verified, is told. */
import type { Logger } from 'pino';
import type { ModelConfig } from '../config/schema.js';
import type { SegmentationEngine } from '../engine/engine.js';
import type { EngineOptions, openEngine } from '../engine/open.js';
import { hasNvidiaGpu } from '../engine/tensorrt/available.js';
import type { StatusBoard } from '../status/board.js';
import { buildReporter } from './engine-news.js';

/** Characters; a message names files, whose paths may be long. */
const MAX_ALERT = 1000;

export interface EngineOpenerDeps {
  readonly model: ModelConfig;
  readonly status: StatusBoard;
  readonly open: typeof openEngine;
  readonly log: Logger;
  readonly hasGpu?: () => boolean;
}

/** The configured model, or the one at `path` in the same way. */
export function engineOptions({ path: configured, backend, onnxruntime, tensorrt }: ModelConfig, path = configured): EngineOptions {
  return { model: path, backend, onnxruntime, tensorrt, demandVerified: !tensorrt.allowUnverified };
}

/** Opens the configured model, or the small one at `small` in the same way; each raises an alert of its own. */
export function engineOpener({
  model,
  status,
  open,
  log,
  hasGpu = hasNvidiaGpu,
}: EngineOpenerDeps): (small?: string) => Promise<SegmentationEngine> {
  return (small) => {
    const alert = small === undefined ? 'engine-unverified' : 'small-engine-unverified';
    return open({
      ...engineOptions(model, small),
      onUnverified: (message) => {
        log.warn({ alert }, message);
        status.setAlert(alert, { severity: 'warning', message: message.slice(0, MAX_ALERT) });
      },
      onWarning: (message) => log.warn(message),
      onFallback: (why) => {
        // Without a GPU the processor is what is expected.
        if (!hasGpu()) return log.info(`backend auto: onnxruntime, because tensorrt cannot be used: ${why}`);
        const message = `the GPU is not used, the model runs on the processor: ${why}`;
        log.warn({ alert: 'gpu-unused' }, message);
        status.setAlert('gpu-unused', { severity: 'warning', message: message.slice(0, MAX_ALERT) });
      },
      onBuild: buildReporter(status, log),
    });
  };
}
