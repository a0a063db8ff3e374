import type { Draft } from '../ui/draft.js';
import { Icon } from '../ui/icons.js';
import { LabelField, TextFields } from '../ui/words.js';
import type { Tried } from './answers.js';

/** Prompts that somebody else changed meanwhile. */
export interface Conflict {
  readonly revision: number;
  readonly by: string | undefined;
  /** The prompts as they are now. */
  readonly now: string;
}

interface DraftPanelProps {
  readonly draft: Draft;
  readonly tried: Tried | undefined;
  readonly conflict: Conflict | undefined;
  readonly labels: readonly string[];
  readonly isShort: boolean;
  readonly onShort: (on: boolean) => void;
  readonly onChange: (next: Draft) => void;
  readonly onCommit: () => void;
  readonly onAgain: () => void;
  readonly onCancel: () => void;
}

export function DraftPanel({ draft, tried, conflict, labels, isShort, onShort, onChange, onCommit, onAgain, onCancel }: DraftPanelProps) {
  const hints: Record<Draft['tool'], string> = {
    point: 'Click the object. Shift-click or a long press marks what does not belong to it.',
    box: 'Drag a box around the object.',
    text: 'Say what to look for: "a red part".',
    label: 'Choose classes of the model.',
  };
  return (
    <section class="panel draft" aria-label="New prompt">
      <h2>New {draft.tool} prompt</h2>
      {draft.tool === 'text' ? <TextFields draft={draft} onChange={onChange} /> : null}
      {draft.tool === 'label' ? <LabelField draft={draft} labels={labels} onChange={onChange} /> : null}
      <p class={`tried ${tried?.state ?? ''}`} role="status">
        {tried?.text ?? hints[draft.tool]}
      </p>
      {conflict ? (
        <p class="tried error" role="alert">
          {conflict.by ?? 'Somebody'} changed the prompts meanwhile (revision {conflict.revision}: {conflict.now}).{' '}
          <button type="button" onClick={onAgain}>
            Apply again
          </button>
        </p>
      ) : null}
      <div class="row">
        <label class="check">
          <input type="checkbox" checked={isShort} onChange={(event) => onShort(event.currentTarget.checked)} /> for 60 s only
        </label>
        <span class="space" />
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={!tried || tried.state === 'asking' || tried.state === 'error'} onClick={onCommit}>
          <Icon name="check" /> Add
        </button>
      </div>
    </section>
  );
}
