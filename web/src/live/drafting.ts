/** A prompt in the making: the daemon says what it would answer while it changes, then it is added or given up. */
import { type Signal, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { PromptsMessage } from '../../../src/contract/node.js';
import { ask, events, prompts as promptsOf, tell } from '../link/link.js';
import { type Draft, EMPTY, freeId, promptOf, type Tool } from '../ui/draft.js';
import { guess, outcomeOf, placeOf, type Tried } from './answers.js';
import type { Conflict } from './draft-panel.js';
import type { LiveView } from './live-view.js';
import type { PromptChanges } from './prompt-changes.js';

/** Between two questions about a draft that changes. */
const TRY_MS = 120;
/** How long a prompt lasts that is not to stay. */
const SHORT_TTL_S = 60;

interface DraftingDeps {
  readonly camera: string;
  readonly view: LiveView;
  readonly held: PromptsMessage | undefined;
  readonly changes: PromptChanges;
  readonly can: boolean;
}

export interface Drafting {
  readonly tool: Signal<Tool>;
  readonly draft: Signal<Draft | undefined>;
  readonly tried: Signal<Tried | undefined>;
  readonly conflict: Signal<Conflict | undefined>;
  /** Whether the prompt is added for a short while only. */
  readonly isShort: Signal<boolean>;
  /** Takes a tool, with an empty draft. */
  readonly use: (next: Tool) => void;
  /** Guesses at once, and asks the daemon. */
  readonly change: (next: Draft) => void;
  /** A point on an object; the same object again adds the prompt. */
  readonly take: (index: number) => void;
  readonly commit: () => Promise<void>;
  /** Empties the draft; an empty one is put away. */
  readonly cancel: () => void;
}

export function useDrafting({ camera, view, held, changes, can }: DraftingDeps): Drafting {
  const { stage, freeze } = view;
  const tool = useSignal<Tool>('look');
  const draft = useSignal<Draft | undefined>(undefined);
  const tried = useSignal<Tried | undefined>(undefined);
  const conflict = useSignal<Conflict | undefined>(undefined);
  const isShort = useSignal(false);
  const isAsking = useRef(false);
  /** The object that the draft's last point was put on from the list. */
  const taken = useRef<number>();

  const use = (next: Tool) => {
    tool.value = next;
    draft.value = next === 'look' ? undefined : { ...EMPTY, tool: next };
    tried.value = undefined;
    conflict.value = undefined;
    stage.current!.selected = new Set();
    stage.current!.redraw();
    // A finger cannot hit a part that moves.
    if (next !== 'look' && matchMedia('(pointer: coarse)').matches) freeze(true);
  };

  /** About the newest draft, one question at a time, while a box is dragged or a text is typed. */
  const askDaemon = async () => {
    isAsking.current = true;
    for (;;) {
      const next = draft.value;
      const frame = stage.current!.shown;
      const prompt = next && promptOf(next, 'draft');
      if (!prompt || !frame) break;
      const answer = await ask('prompt/try', { camera, seq: frame.seq, prompts: [prompt] });
      if (draft.value === next) {
        const outcome = outcomeOf(answer);
        tried.value = outcome.tried;
        const { current } = stage;
        if (current!.shown?.seq === frame.seq || current!.isFrozen) {
          current!.selected = new Set(outcome.objects);
          current!.redraw();
        }
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
    isAsking.current = false;
  };

  const change = (next: Draft) => {
    draft.value = next;
    if (!stage.current!.shown || !promptOf(next, 'draft')) {
      tried.value = undefined;
      return;
    }
    guess(stage.current!, next);
    tried.value = { state: 'asking', text: 'asking the daemon …' };
    if (!isAsking.current) void askDaemon();
  };

  const commit = async () => {
    const prompt = draft.value && promptOf(draft.value, freeId(draft.value.tool, held?.prompts.map(({ id }) => id) ?? []));
    const answer = prompt && (await changes.add(prompt, isShort.value ? SHORT_TTL_S : undefined));
    if (!answer) return;
    if (answer.code === 'REVISION_CONFLICT') {
      conflict.value = conflictOf(camera);
      return;
    }
    if (answer.status === 'error') {
      tell(answer.error ?? 'refused', 'error');
      return;
    }
    tell(`${prompt.id} added (revision ${answer.revision})${isShort.value ? `, for ${SHORT_TTL_S} s` : ''}`);
    use('look');
    freeze(false);
  };

  return {
    tool,
    draft,
    tried,
    conflict,
    isShort,
    use,
    change,
    take: (index) => {
      const { shown } = stage.current ?? {};
      if (draft.value?.points.length && taken.current === shown?.ids[index] && tried.value?.state === 'matched') {
        void commit();
        return;
      }
      taken.current = shown?.ids[index];
      // In the middle of what is shown of the object, where its mask is certain to be.
      const place = placeOf(shown, index);
      if (!place || !can) return;
      if (tool.value !== 'point') use('point');
      change({ ...draft.value!, tool: 'point', points: [...draft.value!.points, [...place, true]] });
    },
    commit,
    cancel: () => {
      if (draft.value && (draft.value.points.length > 0 || draft.value.box || draft.value.text)) use(tool.value);
      else {
        use('look');
        freeze(false);
      }
    },
  };
}

/** What another user has done, as far as it is known yet. */
function conflictOf(camera: string): Conflict {
  const held = promptsOf(camera);
  const change = events.value.findLast((event) => event.type === 'prompts-changed' && event.camera === camera);
  return {
    revision: held?.revision ?? 0,
    by: change?.by,
    now: held?.prompts.map(({ id }) => id).join(', ') || 'none',
  };
}
