/**
 * Which retained topics of cameras and of Home Assistant the broker has from this node, kept in a file: a camera or an
 * announcement that is taken out of the configuration while the node is down is cleared at its next start. The broker is not
 * asked, because that takes rights that nodes do not have.
 */

import type { Logger } from 'pino';
import { z } from 'zod';
import { readBounded, writeDurably } from '../durable.js';
import { messageOf, systemCodeOf } from '../errors.js';

const MAX_BYTES = 64 * 1024;
const recordSchema = z.object({ v: z.literal(1), topics: z.array(z.string().min(1).max(1024)).max(1000) });

export interface RetainedRecordDeps {
  /** It may not exist yet. */
  readonly file: string;
  readonly log: Logger;
}

export class RetainedRecord {
  readonly #deps: RetainedRecordDeps;
  readonly #topics = new Set<string>();
  /** Reads and writes, one after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(deps: RetainedRecordDeps) {
    this.#deps = deps;
  }

  /** The topics that earlier runs have left. An unreadable file counts as empty. Never rejects. */
  load(): Promise<readonly string[]> {
    const loaded = this.#work.then(() => this.#read());
    this.#work = loaded;
    return loaded;
  }

  add(topic: string): void {
    if (this.#topics.has(topic)) return;
    this.#topics.add(topic);
    this.#save();
  }

  /** Forgets the topics that are not `kept`. Settles when the file is written. Never rejects. */
  async keepOnly(kept: (topic: string) => boolean): Promise<void> {
    await this.#work;
    const gone = [...this.#topics].filter((topic) => !kept(topic));
    for (const topic of gone) this.#topics.delete(topic);
    if (gone.length > 0) this.#save();
    await this.#work;
  }

  async #read(): Promise<readonly string[]> {
    try {
      const { topics } = recordSchema.parse(JSON.parse(await readBounded(this.#deps.file, MAX_BYTES)));
      for (const topic of topics) this.#topics.add(topic);
      return topics;
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT')
        this.#deps.log.warn(
          { reason: messageOf(error) },
          'the record of retained topics cannot be read; topics of removed cameras may stay',
        );
      return [];
    }
  }

  #save(): void {
    const { file, log } = this.#deps;
    this.#work = this.#work
      .then(() => writeDurably(file, JSON.stringify({ v: 1, topics: [...this.#topics] })))
      .catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'the record of retained topics cannot be written'));
  }
}
