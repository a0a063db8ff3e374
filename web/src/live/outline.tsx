/** The exact outline of the object under the pointer, on a picture that stays. The daemon is asked once the pointer rests. */
import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Outline as Rings } from '../../../src/contract/console.js';
import type { Shown, Stage } from '../view/stage.js';

/** A pointer on its way across objects asks for none of them. */
const REST_MS = 200;

interface OutlineProps {
  readonly stage: { readonly current?: Stage | undefined };
  /** The picture that stays; undefined while pictures come and go: its outline would be that of an older one. */
  readonly frame: Shown | undefined;
  /** Index of the object under the pointer, and of the one that is chosen where there is no pointer; -1: none. */
  readonly hovered: ReadonlySignal<number>;
  readonly chosen?: ReadonlySignal<number>;
  /** Undefined when the daemon knows the frame no more. */
  readonly ask: (object: number, frame: Shown) => Promise<Rings | undefined>;
}

export function Outline({ stage, frame, hovered, chosen, ask }: OutlineProps) {
  const object = !frame ? -1 : hovered.value >= 0 ? hovered.value : (chosen?.value ?? -1);
  const found = useSignal<{ readonly frame: Shown; readonly object: number; readonly rings: Rings['rings'] } | undefined>(undefined);
  const show = (outlined: number) => {
    const view = stage.current;
    if (!view || view.outlined === outlined) return;
    view.outlined = outlined;
    view.redraw();
  };
  useEffect(() => {
    found.value = undefined;
    if (!frame || object < 0) return;
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const outline = await ask(object, frame);
      if (!isCurrent || !outline) return;
      found.value = { frame, object, rings: outline.rings };
      show(object);
    }, REST_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
      show(-1);
    };
  }, [frame, object]);
  const { value } = found;
  if (!value || value.frame !== frame || value.object !== object) return null;
  const { width, height } = value.frame.frame;
  return (
    <svg class="marks outline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="halo" d={pathOf(value.rings)} />
      <path d={pathOf(value.rings)} />
    </svg>
  );
}

function pathOf(rings: Rings['rings']): string {
  return rings.map((ring) => `M${ring.map((corner) => corner.join(' ')).join('L')}Z`).join('');
}
