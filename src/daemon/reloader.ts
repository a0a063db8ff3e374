/** Applies a changed configuration to the running parts of the daemon: all of it or, where a part refuses, none of it. */
import type { Logger } from 'pino';
import { diffConfig } from '../config/diff.js';
import type { LiveConfig } from '../config/live-config.js';
import type { Config } from '../config/schema.js';
import type { PromptRegister } from '../prompt/register.js';
import { configuredZones, type ZoneRegister } from '../zone/register.js';
import type { Cameras } from './cameras.js';
import type { NodeInfo } from './info.js';
import type { Inspections } from './inspection/inspections.js';
import type { ServiceManager } from './service.js';

/** Changed keys of a configuration that was read again. */
export interface Reloaded {
  readonly applied: readonly string[];
  readonly restart: readonly string[];
}

export interface ReloaderDeps {
  readonly live: LiveConfig;
  /** The configuration as its file now is; without it there is nothing to reload. */
  readonly readConfig?: (() => Promise<Config>) | undefined;
  readonly register: PromptRegister;
  readonly zones: ZoneRegister;
  readonly cameras: Cameras;
  readonly inspections: Inspections;
  readonly info: NodeInfo;
  readonly service: Pick<ServiceManager, 'reloading'>;
  readonly log: Logger;
}

export class Reloader {
  readonly #deps: ReloaderDeps;
  /** One reload at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: ReloaderDeps) {
    this.#deps = deps;
  }

  /** Reads the configuration file again and applies it. Errors: CONFIG_INVALID; as `reload`. */
  async reloadFile(): Promise<Reloaded> {
    const { live, readConfig } = this.#deps;
    return this.reload((await readConfig?.()) ?? live.current);
  }

  /**
   * Applies what can change while running, and returns what needs a restart. On an error nothing has changed. Errors:
   * CONFIG_INVALID of a recipe, PROMPT_INVALID and those of loading a text model for prompts that cannot be answered.
   */
  reload(config: Config): Promise<Reloaded> {
    const reloaded = this.#last.then(() => this.#deps.service.reloading(() => this.#reload(config)));
    this.#last = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(config: Config): Promise<Reloaded> {
    const { live, register, zones, cameras, inspections, info, log } = this.#deps;
    const changes = diffConfig(live.current, config);
    // Before the engine is loaded there are no cameras; they start with the configuration of that moment.
    const inspect = cameras.areOpen ? await inspections.prepare(config.cameras) : undefined;
    await register.reconfigure(new Map(config.cameras.map(({ id, prompts }) => [id, prompts])), () => {
      // From here on nothing can be refused, and no frame sees the new prompts with the old options.
      const { segmentation, telemetry } = config;
      live.replace({ ...live.current, cameras: config.cameras, segmentation, log: config.log, telemetry });
      zones.reconfigure(configuredZones(config.cameras));
      log.level = config.log.level;
    });
    if (cameras.areOpen) await cameras.apply(config.cameras);
    await inspect?.();
    info.publish();
    return { applied: changes.live, restart: changes.restart };
  }
}
