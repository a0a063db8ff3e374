/** Keys of the live view, and the list of them. */
import { useEffect, useRef } from 'preact/hooks';

export function isTyping({ target }: Event): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=range]):not([type=checkbox]), textarea, select');
}

export function useKeys(keys: Record<string, () => unknown>): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event) && event.key !== 'Escape') return;
      const isButton = event.target instanceof HTMLElement && event.target.matches('button, a, summary, [role=listbox], input');
      if (isButton && (event.key === ' ' || event.key === 'Enter')) return;
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
  ['Enter', 'take the object; add the prompt'],
  ['Esc', 'cancel'],
  ['Z', 'undo'],
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
    </dl>
  );
}
