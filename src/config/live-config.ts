/** The configuration in force. A reload replaces it; parts that derive something from it subscribe. */
import type { Config } from './schema.js';

export class LiveConfig {
  readonly #listeners = new Set<(config: Config) => void>();
  #current: Config;

  constructor(config: Config) {
    this.#current = config;
  }

  get current(): Config {
    return this.#current;
  }

  /** Called with every later configuration. Returns how to end that. */
  subscribe(listener: (config: Config) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  replace(config: Config): void {
    this.#current = config;
    for (const listener of this.#listeners) listener(config);
  }
}
