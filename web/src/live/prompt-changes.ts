/** Changes to a camera's prompts, and the way back from them. */
import { useRef } from 'preact/hooks';
import type { PromptsMessage } from '../../../src/contract/node.js';
import { ask, type Response, tell } from '../link/link.js';

const MAX_UNDO = 10;

export interface PromptChanges {
  /** Adds a prompt; another user's change meanwhile is REVISION_CONFLICT in the answer. Undefined while the prompts are not known yet. */
  readonly add: (prompt: Record<string, unknown>, ttlS: number | undefined) => Promise<Response | undefined>;
  readonly remove: (id: string) => Promise<void>;
  /** To the prompts as they were before the last change. */
  readonly undo: () => Promise<void>;
  /** To the prompts as they were before the last undo. */
  readonly redo: () => Promise<void>;
}

export function usePromptChanges(camera: string, held: PromptsMessage | undefined): PromptChanges {
  const undone = useRef<PromptsMessage[]>([]);
  const redone = useRef<PromptsMessage[]>([]);

  const change = async (verb: string, args: Record<string, unknown>, before: PromptsMessage): Promise<Response> => {
    // Before the answer: the prompt may show as matched first, and undo must know it then.
    undone.current.push(before);
    if (undone.current.length > MAX_UNDO) undone.current.shift();
    redone.current = [];
    const answer = await ask(verb, { camera, ...args, ifRevision: before.revision });
    if (answer.status === 'error') undone.current = undone.current.filter((kept) => kept !== before);
    return answer;
  };

  /** What is left becomes the other way back. */
  const goBack = async (from: PromptsMessage[], other: PromptsMessage[], name: string) => {
    const target = from.pop();
    if (!target || !held) {
      tell(`nothing to ${name}`);
      return;
    }
    other.push(held);
    tellOf(await ask('prompt/set', { camera, prompts: target.prompts }), `${name} done`);
  };

  return {
    add: async (prompt, ttlS) => held && (await change('prompt/add', { prompts: [prompt], ...(ttlS === undefined ? {} : { ttlS }) }, held)),
    remove: async (id) => {
      if (held) tellOf(await change('prompt/remove', { ids: [id] }, held), `${id} removed`);
    },
    undo: () => goBack(undone.current, redone.current, 'undo'),
    redo: () => goBack(redone.current, undone.current, 'redo'),
  };
}

function tellOf(answer: Response, done: string): void {
  if (answer.status === 'ok') tell(done);
  else tell(answer.error ?? 'refused', 'error');
}
