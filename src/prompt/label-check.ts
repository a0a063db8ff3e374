/** Whether label prompts can mean anything with a model. */
import { nearest } from '../config/nearest.js';
import type { Prompt } from '../domain/prompt.js';
import type { ModelIdentity } from '../domain/result.js';
import { FastsamError } from '../errors.js';

/** Errors: PROMPT_INVALID naming the first label that the model does not have, and the one that was probably meant. */
export function assertLabels(prompts: readonly Prompt[], { name, labels }: Pick<ModelIdentity, 'name' | 'labels'>): void {
  for (const prompt of prompts) {
    if (prompt.type !== 'label') continue;
    const unknown = prompt.labels.find((label) => !labels.includes(label));
    if (unknown === undefined) continue;
    const meant = nearest(unknown, labels);
    const hint =
      labels.length === 0
        ? 'it is class-agnostic; use a text prompt, or a model with classes'
        : `${meant === undefined ? `it has ${labels.length}: ${labels.slice(0, 8).join(', ')}${labels.length > 8 ? ', …' : ''}` : `did you mean "${meant}"?`}`;
    throw new FastsamError('PROMPT_INVALID', `prompt "${prompt.id}": model ${name} has no label "${unknown}"; ${hint}`);
  }
}
