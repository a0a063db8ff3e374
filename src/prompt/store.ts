/** Prompts over a restart. */
import type { Logger } from 'pino';
import { z } from 'zod';
import { idSchema, type Prompt, promptSchema } from '../domain/prompt.js';
import { SavedState } from '../saved-state.js';
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

export class PromptStore extends SavedState<SavedPrompts> {
  constructor(file: string, log: Logger) {
    super({ file, what: 'prompts', schema: savedSchema, maxBytes: MAX_BYTES, log });
  }
}
