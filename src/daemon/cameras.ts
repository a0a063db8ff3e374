/** The cameras at work: added, changed and removed while the others run. */
import { isDeepStrictEqual } from 'node:util';
import type { CameraConfig } from '../config/schema.js';
import type { TracksData } from '../contract/messages.js';
import type { CameraService } from '../control/services.js';
import type { FollowedPrompt } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';
import { type ResultSink, Sinks } from '../pipeline/sinks.js';
import { within } from '../time/within.js';
import { type CameraTask, trackingOff } from './camera-task.js';

/** How long a removed or changed camera may take to let go of its last frame, milliseconds. */
const STOP_MS = 2000;

/** Where the tasks of cameras come from. */
export interface TaskFactory {
  /** Builds the task of a camera; it does nothing before `run`. */
  create(config: CameraConfig, sinks: ResultSink): CameraTask;
  /** A camera that is no longer configured has stopped. */
  forget(id: string): void;
}

interface Running {
  readonly config: CameraConfig;
  readonly task: CameraTask;
  readonly ended: Promise<void>;
}

export class Cameras implements CameraService {
  /** Undefined until the cameras may begin. */
  #factory: TaskFactory | undefined;
  /** By camera; they stay while it restarts. */
  readonly #sinks = new Map<string, Sinks>();
  #running = new Map<string, Running>();
  #stopping = false;
  #fail: (error: unknown) => void = () => undefined;
  /** Rejects with the first failure that concerns all cameras; those of one camera stay with that camera. */
  readonly lost = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });

  constructor() {
    // `finished` of the daemon reports the failure; without a caller there, the rejection must not end the process.
    this.lost.catch(() => undefined);
  }

  /** The engine is loaded: from here on `apply` starts cameras. */
  open(factory: TaskFactory): void {
    this.#factory = factory;
  }

  get areOpen(): boolean {
    return this.#factory !== undefined;
  }

  /** In the order of the configuration. */
  get tasks(): readonly CameraTask[] {
    return [...this.#running.values()].map(({ task }) => task);
  }

  /** Errors: REQUEST_INVALID with the ids there are. */
  get(id: string): CameraTask {
    const running = this.#running.get(id);
    if (running) return running.task;
    const known = [...this.#running.keys()].join(', ');
    throw new FastsamError('REQUEST_INVALID', `no camera "${id}"; expected one of ${known || '(none yet: the node is starting)'}`);
  }

  /**
   * The objects that new prompts of a camera follow, as far as they are known at once. `tracking`: whether its configuration says
   * so. Errors: TRACKING_OFF, PROMPT_INVALID for an object of a frame that the camera has not shown.
   */
  bind(id: string, tracking: boolean, prompts: readonly FollowedPrompt[]): ReturnType<CameraTask['bind']> {
    if (!tracking) throw trackingOff(id);
    const running = this.#running.get(id);
    if (running) return running.task.bind(prompts);
    const early = prompts.find((prompt) => prompt.type === 'track' || ('at' in prompt && prompt.at !== undefined));
    if (early) throw new FastsamError('PROMPT_INVALID', `prompt "${early.id}": camera "${id}" has shown no frame yet`);
    return [];
  }

  /**
   * Makes these the cameras: stops those that are gone, restarts those with another source, and starts new ones. Cameras whose
   * configuration differs in prompts, publish, console, lines and zones alone run on, for these are read with every frame.
   * To be called once the cameras are open. Never rejects.
   */
  async apply(configs: readonly CameraConfig[]): Promise<void> {
    const factory = this.#factory;
    if (this.#stopping || !factory) return;
    const wanted = new Map(configs.map((config) => [config.id, config]));
    const isKept = ({ config }: Running) => {
      const next = wanted.get(config.id);
      return next !== undefined && isDeepStrictEqual(fixed(config), fixed(next));
    };
    const ending = [...this.#running.values()].filter((running) => !isKept(running));
    // A device can be opened again once it is closed.
    await Promise.all(ending.map((running) => this.#end(running)));
    for (const { config } of ending) {
      if (wanted.has(config.id)) continue;
      this.#closeSinks(config.id);
      factory.forget(config.id);
    }
    if (this.#stopping) return;
    this.#running = new Map(configs.map((config) => [config.id, this.#running.get(config.id) ?? this.#start(config, factory)]));
  }

  /** Takes no more frames. Settles when those in flight are delivered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled([...this.#running.values()].flatMap(({ task, ended }) => [task.stop(), ended]));
    for (const id of this.#sinks.keys()) this.#closeSinks(id);
  }

  /** Hands the results of a camera to `sink`, from the next one on. Returns how to end that. Errors: REQUEST_INVALID. */
  addSink(id: string, sink: ResultSink): () => Promise<void> {
    this.get(id);
    return this.#sinksOf(id).add(sink);
  }

  /** As CameraTask; undefined for a camera that is gone. */
  missed(id: string): number | undefined {
    return this.#running.get(id)?.task.missed;
  }

  async snapshot(id: string): ReturnType<CameraService['snapshot']> {
    return this.get(id).snapshot();
  }

  async pause(id: string): Promise<void> {
    return this.get(id).pause();
  }

  async resume(id: string): Promise<void> {
    return this.get(id).resume();
  }

  async restart(id: string): Promise<void> {
    return this.get(id).restart();
  }

  tracks(id: string | undefined): TracksData {
    if (id === undefined) return this.tasks.filter(({ isTracking }) => isTracking).map((task) => task.tracks());
    const task = this.get(id);
    if (!task.isTracking) throw trackingOff(id);
    return [task.tracks()];
  }

  #sinksOf(id: string): Sinks {
    let sinks = this.#sinks.get(id);
    if (!sinks) {
      sinks = new Sinks();
      this.#sinks.set(id, sinks);
    }
    return sinks;
  }

  #closeSinks(id: string): void {
    const sinks = this.#sinks.get(id);
    this.#sinks.delete(id);
    // The error of a sink that closes has no other reader, and must not keep the camera.
    sinks?.close().catch(() => undefined);
  }

  #start(config: CameraConfig, factory: TaskFactory): Running {
    const task = factory.create(config, this.#sinksOf(config.id));
    const ended = task.run();
    ended.catch((error: unknown) => this.#fail(error));
    return { config, task, ended };
  }

  async #end({ config: { id }, task, ended }: Running): Promise<void> {
    await within(STOP_MS, Promise.allSettled([task.stop(), ended]));
    this.#running.delete(id);
  }
}

/** Without what a running camera reads with every frame. */
function fixed({
  prompts: _prompts,
  publish: _publish,
  console: _console,
  lines: _lines,
  zones: _zones,
  scale: _scale,
  plane: _plane,
  ...rest
}: CameraConfig): object {
  return rest;
}
