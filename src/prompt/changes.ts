/** What a request does to the prompts of one camera. Pure. */
import { PROMPT_LIMITS, type Prompt, type PromptInputs, withIds } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';

export type PromptChange =
  | { readonly kind: 'set'; readonly prompts: PromptInputs }
  /** Beside those in force; one with the id of another takes its place. */
  | { readonly kind: 'add'; readonly prompts: PromptInputs }
  | { readonly kind: 'remove'; readonly ids: readonly string[] };

/** The prompts of a camera: the permanent ones, and those that hold in their place for a while. */
export interface HeldPrompts {
  readonly base: readonly Prompt[];
  readonly temporary?: {
    readonly prompts: readonly Prompt[];
    /** Milliseconds since the Unix epoch. */
    readonly expiresAtMs: number;
  };
}

export function inForce(held: HeldPrompts): readonly Prompt[] {
  return held.temporary?.prompts ?? held.base;
}

/**
 * With `expiresAtMs` the change holds until then and leaves the permanent prompts as they are. Without it `set` ends
 * what was temporary, and `add` and `remove` change both. Errors: PROMPT_INVALID for too many prompts.
 */
export function applyChange(held: HeldPrompts, change: PromptChange, expiresAtMs?: number): HeldPrompts {
  const prompts = changed(inForce(held), change);
  if (expiresAtMs !== undefined) return { base: held.base, temporary: { prompts, expiresAtMs } };
  if (change.kind === 'set' || !held.temporary) return { base: prompts };
  return { base: changed(held.base, change), temporary: { ...held.temporary, prompts } };
}

function changed(prompts: readonly Prompt[], change: PromptChange): Prompt[] {
  switch (change.kind) {
    case 'set':
      return withIds(change.prompts);
    case 'add': {
      const replaced = new Set(change.prompts.flatMap(({ id }) => id ?? []));
      const result = withIds([...prompts.filter(({ id }) => !replaced.has(id)), ...change.prompts]);
      if (result.length <= PROMPT_LIMITS.prompts) return result;
      throw new FastsamError('PROMPT_INVALID', `prompts: expected at most ${PROMPT_LIMITS.prompts} in all, got ${result.length}`);
    }
    case 'remove':
      return prompts.filter(({ id }) => !change.ids.includes(id));
  }
}
