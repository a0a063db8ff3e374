/** Fields of prompts that are made of words: texts, with a threshold and what they must not be, and class names. */
import { useId } from 'preact/hooks';
import type { Draft } from './draft.js';
import { Slider } from './slider.js';

interface WordsProps {
  readonly draft: Draft;
  readonly onChange: (next: Draft) => void;
}

/** Of CLIP without negatives; with them a score is a share of 1. */
const USUAL = { alone: 0.25, amongNegatives: 0.5 } as const;

export function TextFields({ draft, onChange }: WordsProps) {
  const id = useId();
  const usual = draft.negatives.trim() === '' ? USUAL.alone : USUAL.amongNegatives;
  const { threshold } = draft;
  return (
    <div class="fields">
      <input
        aria-label="Text"
        value={draft.text}
        placeholder="a red part"
        maxLength={200}
        autofocus
        onInput={(event) => onChange({ ...draft, text: event.currentTarget.value })}
      />
      <label for={`${id}-not`}>What it must not be, one a line</label>
      <textarea
        id={`${id}-not`}
        rows={2}
        value={draft.negatives}
        placeholder={'a grey part\nan empty belt'}
        maxLength={2000}
        onInput={(event) => onChange({ ...draft, negatives: event.currentTarget.value })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={threshold !== undefined}
          onChange={(event) => onChange({ ...draft, threshold: event.currentTarget.checked ? usual : undefined })}
        />{' '}
        Least score of my own
      </label>
      {threshold === undefined ? null : (
        <Slider
          name="Least score"
          value={threshold}
          shown={threshold.toFixed(2)}
          min={0}
          max={1}
          step={0.01}
          onInput={(next) => onChange({ ...draft, threshold: next })}
        />
      )}
    </div>
  );
}

export function LabelField({ draft, labels, onChange }: WordsProps & { readonly labels: readonly string[] }) {
  return (
    <select
      multiple
      aria-label="Classes"
      onChange={(event) => onChange({ ...draft, labels: [...event.currentTarget.selectedOptions].map(({ value }) => value) })}
    >
      {labels.map((label) => (
        <option key={label} selected={draft.labels.includes(label)}>
          {label}
        </option>
      ))}
    </select>
  );
}
