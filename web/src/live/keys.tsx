/** Keys of the live view, and the list of them. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export function isTyping({ target }: Event): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=range]):not([type=checkbox]), textarea, select');
}

const KEPT_AS = 'fastsamd-keys';

/** Single keys do nothing while they are turned off: speech input types letters (WCAG 2.1.4). */
export const areKeysOn = signal(readSetting());

function readSetting(): boolean {
  try {
    return localStorage.getItem(KEPT_AS) !== 'off';
  } catch {
    return true;
  }
}

function turnKeys(on: boolean): void {
  areKeysOn.value = on;
  try {
    localStorage.setItem(KEPT_AS, on ? 'on' : 'off');
  } catch {
    // A browser that keeps nothing: the setting lasts as long as the page.
  }
}

export function useKeys(keys: Record<string, () => unknown>): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (!areKeysOn.value && event.key.length === 1) return;
      if (isTyping(event) && event.key !== 'Escape') return;
      const isButton =
        event.target instanceof HTMLElement && event.target.matches('button, a, summary, [role=listbox], [role=option], input');
      if (isButton && (event.key === ' ' || event.key === 'Enter' || event.key.startsWith('Arrow'))) return;
      const act = current.current[event.key] ?? current.current[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

const KEYS: readonly (readonly [string, string])[] = [
  ['1 – 9', 'camera'],
  ['V P B T L', 'look, point, box, text, label'],
  ['Space', 'freeze, go live'],
  ['[ ]', 'smaller, larger object'],
  ['← → ↑ ↓', 'the object next to it; with Box: move a corner'],
  ['C', 'the other corner of the box'],
  ['+ − 0', 'zoom in, out, all of the frame'],
  ['Enter', 'take the object; add the prompt'],
  ['Esc', 'cancel'],
  ['Z', 'undo; with Shift: redo'],
  ['M', 'masks: all, of prompts, none'],
];

export function Help() {
  return (
    <dl class="panel help">
      {KEYS.map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
      <div>
        <dt class="hidden">All keys</dt>
        <dd>
          <label class="check">
            <input type="checkbox" checked={areKeysOn.value} onChange={(event) => turnKeys(event.currentTarget.checked)} /> Use single keys
          </label>
        </dd>
      </div>
    </dl>
  );
}
