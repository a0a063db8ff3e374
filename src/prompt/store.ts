/** Prompts over a restart: one small file, replaced as a whole or not at all. */
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { idSchema, type Prompt, promptSchema } from '../domain/prompt.js';
import { readBounded, writeDurably } from '../durable.js';
import { messageOf, systemCodeOf } from '../errors.js';
import type { HeldPrompts } from './changes.js';

const prompts = z.array(
  promptSchema.transform((prompt, ctx) => {
    if (prompt.id !== undefined) return { ...prompt, id: prompt.id };
    ctx.addIssue({ code: 'custom', message: 'expected an id' });
    return z.NEVER;
  }),
);

/** Far above what all prompts of all cameras take. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Counts up from 1; far below where numbers stop being exact. */
const revision = z.number().int().min(1).max(1e12);
/** Milliseconds since the Unix epoch, up to the last year of four digits. */
const time = z.number().int().min(0).max(253_402_300_799_999);

const savedSchema = z.object({
  v: z.literal(1),
  revision,
  cameras: z.record(
    idSchema,
    z.object({
      configured: prompts,
      held: z.object({
        base: prompts,
        temporary: z.object({ prompts, expiresAtMs: time }).optional(),
      }),
      revision,
      sinceMs: time,
    }),
  ),
});

/** What is kept of the prompts of all cameras. `configured`: as the configuration named them then. */
export interface SavedPrompts {
  readonly v: 1;
  readonly revision: number;
  readonly cameras: Readonly<
    Record<
      string,
      {
        readonly configured: readonly Prompt[];
        readonly held: HeldPrompts;
        readonly revision: number;
        readonly sinceMs: number;
      }
    >
  >;
}

export class PromptStore {
  readonly file: string;
  readonly #log: Logger;
  #writing: Promise<void> = Promise.resolve();
  #next: SavedPrompts | undefined;

  constructor(file: string, log: Logger) {
    this.file = file;
    this.#log = log;
  }

  /** Undefined when there is nothing, or nothing usable: that is put aside, and the configured prompts hold. Never rejects. */
  async load(): Promise<SavedPrompts | undefined> {
    try {
      return savedSchema.parse(JSON.parse(await readBounded(this.file, MAX_BYTES))) as SavedPrompts;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      this.#log.error(
        { file: this.file, reason: messageOf(error).slice(0, 300) },
        'saved prompts are unreadable; the configured ones hold',
      );
      await rename(this.file, `${this.file}.unreadable`).catch(() => undefined);
      return undefined;
    }
  }

  /** Resolves to true once this state, or a later one, is on disk. Never rejects. */
  save(state: SavedPrompts): Promise<boolean> {
    this.#next = state;
    const done = this.#writing.then(async () => {
      const latest = this.#next;
      if (latest) {
        this.#next = undefined;
        await this.#write(latest);
      }
    });
    this.#writing = done.catch(() => undefined);
    return done.then(
      () => true,
      (error: unknown) => {
        this.#log.error({ file: this.file, reason: messageOf(error) }, 'prompts cannot be saved: a restart would lose them');
        return false;
      },
    );
  }

  async #write(state: SavedPrompts): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true });
    await writeDurably(this.file, JSON.stringify(state), 0o640);
  }
}
