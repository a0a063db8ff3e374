/** Objects of the frame as a list: the picture's equal for keyboards and screen readers. */

import { MaskStyle } from '../ui/mask-style.js';
import { Slider } from '../ui/slider.js';
import { colourOf, cssOf } from '../view/colours.js';
import type { Shown, StageStyle } from '../view/stage.js';

const MAX_ROWS = 60;

/** `auto` adapts to the connection; a number is a quality level of the daemon, 0 the best. */
export type Quality = 'auto' | 0 | 2 | 4;
const QUALITIES: readonly (readonly [Quality, string])[] = [
  ['auto', 'as the line allows'],
  [0, 'sharp'],
  [2, 'smaller'],
  [4, 'small, few frames'],
];

interface ObjectListProps {
  readonly shown: Shown | undefined;
  readonly style: StageStyle;
  readonly quality: Quality;
  readonly focused: number;
  readonly onQuality: (next: Quality) => void;
  readonly onStyle: (next: Partial<StageStyle>) => void;
  readonly onFocus: (index: number) => void;
  readonly onTake: (index: number) => void;
  readonly can: boolean;
}

export function ObjectList({ shown, style, quality, focused, onStyle, onQuality, onFocus, onTake, can }: ObjectListProps) {
  const objects = shown?.objects;
  const listed = objects ? [...objects.scores.keys()].filter((index) => objects.scores[index]! >= style.least) : [];
  const best = objects && objects.count > 0 ? objects.scores[0]! : undefined;
  const names = shown?.meta.answers ?? [];
  const move = (event: KeyboardEvent) => {
    const at = listed.indexOf(focused);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: listed.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      onFocus(listed[Math.min(Math.max(next, 0), listed.length - 1)] ?? -1);
    } else if (event.key === 'Enter' && focused >= 0 && can) {
      event.preventDefault();
      event.stopPropagation();
      onTake(focused);
    }
  };
  return (
    <section class="panel objects" aria-label="Objects">
      <h2>
        Objects <small>{listed.length}</small>
      </h2>
      <div class="sliders">
        <Slider
          name="Score from"
          value={style.least}
          shown={style.least.toFixed(2)}
          min={0}
          max={1}
          step={0.01}
          onInput={(next) => onStyle({ least: next })}
        />
        <MaskStyle style={style} onStyle={onStyle} />
        <label>
          Masks{' '}
          <select value={style.masks} onChange={(event) => onStyle({ masks: event.currentTarget.value as StageStyle['masks'] })}>
            <option value="all">all</option>
            <option value="matched">of prompts</option>
            <option value="none">none</option>
          </select>
        </label>
        <label class="wide-field">
          Picture{' '}
          <select
            value={String(quality)}
            onChange={(event) => onQuality(QUALITIES.find(([level]) => String(level) === event.currentTarget.value)?.[0] ?? 'auto')}
          >
            {QUALITIES.map(([level, name]) => (
              <option key={level} value={String(level)}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {listed.length === 0 && shown ? (
        <p class="quiet">
          0 objects above {style.least.toFixed(2)}
          {best === undefined ? '' : `, best ${best.toFixed(2)}`}
        </p>
      ) : null}
      <div
        role="listbox"
        tabIndex={0}
        aria-label="Objects on the picture"
        aria-activedescendant={focused >= 0 ? `object-${focused}` : undefined}
        onKeyDown={move}
      >
        {listed.slice(0, MAX_ROWS).map((index) => (
          <div
            key={shown!.ids[index]}
            id={`object-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === focused}
            onClick={() => onFocus(index === focused ? -1 : index)}
            onKeyDown={move}
          >
            <span class="swatch" style={`background:${cssOf(colourOf(shown!.ids[index]!))}`} />
            <span class="number">#{objects!.tracks[index] || index}</span>
            <span class="score">{objects!.scores[index]!.toFixed(2)}</span>
            <span class="area">{objects!.areas[index]!.toLocaleString('en')} px</span>
            <span class="quiet">
              {shown!.meta.labels[objects!.classes[index]!] ?? ''}{' '}
              {names
                .filter(({ type }, k) => type !== 'everything' && k < 32 && ((objects!.prompts[index]! >>> k) & 1) === 1)
                .map(({ id }) => id)
                .join(', ')}
            </span>
          </div>
        ))}
      </div>
      {listed.length > MAX_ROWS ? <p class="quiet">and {listed.length - MAX_ROWS} more; raise the score to see fewer</p> : null}
    </section>
  );
}
