/**
 * The engine of a node: the configured model and, where the governor may use one, the small model beside it. Says on the status
 * board how a build goes and what is wrong with an engine; counts inferences, so that health sees one that hangs.
 */
import type { Logger } from 'pino';
import type { Config, ModelConfig } from '../config/schema.js';
import type { Prompt } from '../domain/prompt.js';
import type { SegmentationEngine } from '../engine/engine.js';
import type { EngineOptions, openEngine } from '../engine/open.js';
import { EngineScheduler } from '../engine/scheduler.js';
import { hasNvidiaGpu } from '../engine/tensorrt/available.js';
import type { BuildProgress } from '../engine/tensorrt/build.js';
import { isFastsamError } from '../errors.js';
import { assertLabels } from '../prompt/label-check.js';
import type { StatusBoard } from '../status/board.js';
import { Progress } from './health/progress.js';
import type { ServiceManager } from './service.js';

/** Characters; a message names files, whose paths may be long. */
const MAX_ALERT = 1000;
/** A builder may report many times a second; a state is for people. */
const BUILD_REPORT_MS = 1000;

export interface NodeEngineDeps {
  readonly config: Pick<Config, 'model' | 'governor'>;
  readonly open: typeof openEngine;
  /** Whether the governor wants the small model at present. */
  readonly useSmall: () => boolean;
  readonly service: Pick<ServiceManager, 'patience'>;
  readonly status: Pick<StatusBoard, 'setAlert' | 'setState'>;
  readonly hasGpu?: () => boolean;
  readonly log: Logger;
}

interface Opened {
  readonly engine: SegmentationEngine;
  /** Gives the cameras and jobs their turns. */
  readonly scheduler: EngineScheduler;
}

export class NodeEngine {
  /** Inferences. */
  readonly inference = new Progress();
  readonly #deps: NodeEngineDeps;
  #opened: Opened | undefined;

  constructor(deps: NodeEngineDeps) {
    this.#deps = deps;
  }

  /** Undefined until `open` has resolved. */
  get opened(): Opened | undefined {
    return this.#opened;
  }

  /** Loads the models. Errors: those of openEngine; nothing stays open then. */
  async open(): Promise<Opened> {
    const main = await this.#deps.service.patience(() => 'loading the model', this.#load('engine-unverified'));
    const engine = watchedEngine(await this.#beside(main), this.inference);
    this.#opened = { engine, scheduler: new EngineScheduler(engine) };
    return this.#opened;
  }

  /** Errors: PROMPT_INVALID for labels that the model does not have. Before the model is loaded, any label may be meant. */
  assertLabels(prompts: readonly Prompt[]): void {
    if (this.#opened) assertLabels(prompts, this.#opened.engine.model);
  }

  async stop(): Promise<void> {
    await this.#opened?.engine.stop();
  }

  /** `main`, or both models behind one engine. */
  async #beside(main: SegmentationEngine): Promise<SegmentationEngine> {
    const { config, service, useSmall } = this.#deps;
    const { enabled, smallModel } = config.governor;
    if (!enabled || smallModel === undefined) return main;
    try {
      const small = await service.patience(() => 'loading the small model', this.#load('small-engine-unverified', smallModel));
      return governedEngine(main, small, useSmall);
    } catch (error) {
      await main.stop();
      throw error;
    }
  }

  /** `unverified`: the alert to raise for an engine that has not been compared with its model. */
  #load(unverified: string, path?: string): Promise<SegmentationEngine> {
    const { config, open, status, hasGpu = hasNvidiaGpu, log } = this.#deps;
    const warn = (alert: string, message: string) => {
      log.warn({ alert }, message);
      status.setAlert(alert, { severity: 'warning', message: message.slice(0, MAX_ALERT) });
    };
    return open({
      ...engineOptions(config.model, path),
      onUnverified: (message) => warn(unverified, message),
      onWarning: (message) => log.warn(message),
      onFallback: (why) => {
        // Without a GPU the processor is what is expected.
        if (hasGpu()) warn('gpu-unused', `the GPU is not used, the model runs on the processor: ${why}`);
        else log.info(`backend auto: onnxruntime, because tensorrt cannot be used: ${why}`);
      },
      onBuild: buildReporter(status, log),
    });
  }
}

/** The configured model, or the one at `path` in the same way. */
export function engineOptions({ path: configured, backend, onnxruntime, tensorrt }: ModelConfig, path = configured): EngineOptions {
  return { model: path, backend, onnxruntime, tensorrt, demandVerified: !tensorrt.allowUnverified };
}

/** Publishes the state `building-engine` with how far the build is, and logs each new phase. */
export function buildReporter(status: Pick<StatusBoard, 'setState'>, log: Logger): (progress: BuildProgress) => void {
  let lastText = '';
  let lastAt = Number.NEGATIVE_INFINITY;
  return ({ text, fraction }) => {
    const now = performance.now();
    const fresh = text !== lastText;
    if (!fresh && now - lastAt < BUILD_REPORT_MS && fraction !== 1) return;
    if (fresh) log.info(text);
    lastText = text;
    lastAt = now;
    const percent = fraction === null ? '' : `: ${Math.floor(fraction * 100)} %`;
    status.setState('building-engine', `${text}${percent}`);
  };
}

/** A lost GPU stays lost in this process: the node is degraded until the service manager has started another. */
export function lastStateAfter(error: unknown): 'stopping' | 'degraded' {
  return isFastsamError(error, 'ENGINE_LOST') ? 'degraded' : 'stopping';
}

/** An engine whose inferences are counted. */
function watchedEngine(engine: SegmentationEngine, inference: Progress): SegmentationEngine {
  return {
    model: engine.model,
    depth: engine.depth,
    segment: (frame, options, tracking) => inference.watch(() => engine.segment(frame, options, tracking)),
    msUntilFree: () => engine.msUntilFree(),
    measureNetwork: (runs) => inference.watch(() => engine.measureNetwork(runs)),
    stop: () => engine.stop(),
  };
}

/** Two loaded engines. Results say which model they come from: frames in flight at a change still belong to the other one. */
export function governedEngine(main: SegmentationEngine, small: SegmentationEngine, useSmall: () => boolean): SegmentationEngine {
  const current = () => (useSmall() ? small : main);
  return {
    get model() {
      return current().model;
    },
    depth: main.depth,
    async segment(frame, options, tracking) {
      const engine = current();
      return { ...(await engine.segment(frame, options, tracking)), model: engine.model };
    },
    msUntilFree: () => Math.max(main.msUntilFree(), small.msUntilFree()),
    measureNetwork: async (runs) => {
      // Both are warm before the first frame.
      await small.measureNetwork(1);
      return main.measureNetwork(runs);
    },
    stop: async () => {
      await Promise.all([main.stop(), small.stop()]);
    },
  };
}
