/** Prompts on a photo: those that are kept, the one in the making, and what the daemon answers to all of them. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ViewAnswer } from '../../../src/contract/console.js';
import { ask as askDaemon, post, prompts as promptsOf, tell } from '../link/link.js';
import { type Draft, EMPTY, freeId, promptOf, type Tool } from '../ui/draft.js';
import type { Picture } from './picture.js';

/** Below it, everything would be an object. */
const LEAST_CONFIDENCE = 0.05;

type Point = Draft['points'][number];
type Box = NonNullable<Draft['box']>;
type Prompt = Record<string, unknown> & { readonly id: string };

interface Tried {
  readonly objects: number;
  readonly answers: readonly (ViewAnswer & { readonly matches: readonly { readonly id: number; readonly score: number }[] })[];
}

export interface PhotoPrompts {
  readonly tool: Signal<Tool>;
  readonly points: Signal<readonly Point[]>;
  readonly box: Signal<Box | undefined>;
  /** Texts and classes as they are typed. */
  readonly words: Signal<Draft>;
  readonly iou: Signal<number>;
  readonly tried: Signal<Tried | undefined>;
  /** While the daemon compares a text with every object. */
  readonly isLooking: Signal<boolean>;
  /** With the sliders: what a request about the photo or its clip says. */
  readonly request: () => { readonly prompts: readonly Prompt[]; readonly conf: number; readonly iou: number };
  readonly hasCurrent: () => boolean;
  readonly use: (next: Tool) => void;
  /** Another place, in place of the words. */
  readonly change: (points: readonly Point[], box: Box | undefined) => void;
  /** The words, in place of a place. */
  readonly lookFor: () => void;
  readonly ask: () => void;
  /** Keeps the prompt in the making and begins another one. */
  readonly keep: () => void;
  readonly clear: () => void;
  /** The prompts as they are here, for a camera that sees the same place. */
  readonly addTo: (camera: string) => Promise<void>;
}

export function usePhotoPrompts({ id: photo, stage, style, show }: Picture): PhotoPrompts {
  const tool = useSignal<Tool>('point');
  const points = useSignal<readonly Point[]>([]);
  const box = useSignal<Box | undefined>(undefined);
  const words = useSignal<Draft>({ ...EMPTY, tool: 'text' });
  /** As they were last asked about. */
  const askedWords = useSignal<Draft | undefined>(undefined);
  const kept = useSignal<readonly Prompt[]>([]);
  const tried = useSignal<Tried | undefined>(undefined);
  const iou = useSignal(0.7);
  const isLooking = useSignal(false);

  /** The prompt in the making, under the next free number. */
  const current = (): Prompt | undefined => {
    const id = `p${kept.value.length + 1}`;
    return (promptOf({ ...EMPTY, tool: 'point', points: points.value }, id) ??
      promptOf({ ...EMPTY, tool: 'box', box: box.value }, id) ??
      (askedWords.value && promptOf(askedWords.value, id))) as Prompt | undefined;
  };
  const all = (): readonly Prompt[] => {
    const made = current();
    return made ? [...kept.value, made] : kept.value;
  };
  const request = () => ({ prompts: all(), conf: Math.max(LEAST_CONFIDENCE, style.value.least), iou: iou.value });

  const ask = async () => {
    if (photo.value === undefined) return;
    const asked = request();
    isLooking.value = asked.prompts.some(({ type }) => type === 'text');
    const answer = await post(`pictures/${photo.value}/try`, asked);
    isLooking.value = false;
    if (!answer.ok) {
      tell(String(answer.body.error), 'error');
      return;
    }
    tried.value = answer.body as unknown as Tried;
    if (answer.body.segmented === true) await show();
    stage.current!.selected = new Set(tried.value.answers.flatMap(({ matches }) => matches.map((match) => match.id)));
    stage.current!.redraw();
  };

  const place = (nextPoints: readonly Point[], nextBox: Box | undefined, nextWords: Draft | undefined) => {
    points.value = nextPoints;
    box.value = nextBox;
    askedWords.value = nextWords;
  };

  // Another photo begins without prompts.
  useEffect(() => {
    kept.value = [];
    place([], undefined, undefined);
    tried.value = undefined;
  }, [photo.value]);

  return {
    tool,
    points,
    box,
    words,
    iou,
    tried,
    isLooking,
    request,
    hasCurrent: () => current() !== undefined,
    use: (next) => {
      tool.value = next;
      if (next === 'text' || next === 'label') words.value = { ...EMPTY, tool: next };
    },
    change: (nextPoints, nextBox) => {
      place(nextPoints, nextBox, undefined);
      void ask();
    },
    lookFor: () => {
      place([], undefined, words.value);
      void ask();
    },
    ask: () => void ask(),
    keep: () => {
      kept.value = all();
      place([], undefined, undefined);
    },
    clear: () => {
      kept.value = [];
      place([], undefined, undefined);
      void ask();
    },
    addTo: async (camera) => {
      const held = promptsOf(camera);
      const taken = held?.prompts.map(({ id }) => id) ?? [];
      const added = all().map((prompt) => {
        const name = freeId(prompt.type === 'points' ? 'point' : String(prompt.type), taken);
        taken.push(name);
        return { ...prompt, id: name };
      });
      const answer = await askDaemon('prompt/add', { camera, prompts: added, ...(held ? { ifRevision: held.revision } : {}) });
      if (answer.status === 'error') tell(answer.error ?? 'refused', 'error');
      else tell(`${added.map(({ id }) => id).join(', ')} added to ${camera} (revision ${answer.revision})`);
    },
  };
}
