/** State over a restart: one small JSON file, replaced as a whole or not at all. */
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { makeDirectory, readBounded, writeDurably } from './durable.js';
import { messageOf, systemCodeOf } from './errors.js';

export interface SavedStateDeps {
  readonly file: string;
  /** Names it in the log: "prompts". */
  readonly what: string;
  /** What the file must hold. */
  readonly schema: z.ZodType;
  readonly maxBytes: number;
  readonly log: Logger;
}

export class SavedState<T> {
  readonly #deps: SavedStateDeps;
  #writing: Promise<void> = Promise.resolve();
  #next: T | undefined;

  constructor(deps: SavedStateDeps) {
    this.#deps = deps;
  }

  get file(): string {
    return this.#deps.file;
  }

  /** Undefined when there is nothing, or nothing usable: that is put aside, and the configuration holds. Never rejects. */
  async load(): Promise<T | undefined> {
    const { file, what, schema, maxBytes, log } = this.#deps;
    try {
      return schema.parse(JSON.parse(await readBounded(file, maxBytes))) as T;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      log.error({ file, reason: messageOf(error).slice(0, 300) }, `saved ${what} are unreadable; the configured ones hold`);
      await rename(file, `${file}.unreadable`).catch(() => undefined);
      return undefined;
    }
  }

  /** Resolves to true once this state, or a later one, is on disk. Never rejects. */
  save(state: T): Promise<boolean> {
    this.#next = state;
    const done = this.#writing.then(async () => {
      const latest = this.#next;
      if (latest !== undefined) {
        this.#next = undefined;
        await this.#write(latest);
      }
    });
    this.#writing = done.catch(() => undefined);
    return done.then(
      () => true,
      (error: unknown) => {
        const { file, what, log } = this.#deps;
        log.error({ file, reason: messageOf(error) }, `${what} cannot be saved: a restart would lose them`);
        return false;
      },
    );
  }

  async #write(state: T): Promise<void> {
    const { file } = this.#deps;
    await makeDirectory(dirname(file));
    await writeDurably(file, JSON.stringify(state), 0o640);
  }
}
