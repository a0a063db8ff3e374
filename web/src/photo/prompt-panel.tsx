/** Prompts on the photo with their answers, and what to do with them. */
import { hello, may } from '../link/link.js';
import { promptOf } from '../ui/draft.js';
import { Icon } from '../ui/icons.js';
import { LabelField, TextFields } from '../ui/words.js';
import type { Picture } from './picture.js';
import type { PhotoPrompts } from './prompts.js';

export function PromptPanel({ picture: { id, shown }, prompts }: { picture: Picture; prompts: PhotoPrompts }) {
  const { tool, words, tried, isLooking, hasCurrent, lookFor, keep, clear, addTo } = prompts;
  const cameras = hello.value?.cameras ?? [];
  const isWords = tool.value === 'text' || tool.value === 'label';
  return (
    <section class="panel" aria-label="Prompts">
      <h2>Prompts</h2>
      {isWords ? (
        <div class="words">
          {tool.value === 'text' ? (
            <TextFields draft={words.value} onChange={(next) => (words.value = next)} />
          ) : (
            <LabelField draft={words.value} labels={shown.value?.meta.labels ?? []} onChange={(next) => (words.value = next)} />
          )}
          <button
            type="button"
            class="primary"
            disabled={id.value === undefined || isLooking.value || promptOf(words.value, 'p') === undefined}
            onClick={lookFor}
          >
            Look for it
          </button>
          {isLooking.value ? <p role="status">looking at every object …</p> : null}
        </div>
      ) : null}
      {isWords || tried.value?.answers.length ? null : (
        <p class="quiet">Click a point on an object (Shift: what is not it), or drag a box.</p>
      )}
      <ul class="prompts">
        {tried.value?.answers.map(({ id: name, type, status: answer, score }) => (
          <li key={name} class={answer}>
            <span class="glyph" aria-hidden="true">
              {answer === 'matched' ? '✔' : answer === 'pending' ? '…' : '✖'}
            </span>
            <span class="name">
              {name} <small>{type}</small>
            </span>
            <span class="score">{score?.toFixed(2)}</span>
            <span class="quiet">{answer}</span>
          </li>
        ))}
      </ul>
      <div class="row">
        <button type="button" onClick={keep} disabled={!hasCurrent()}>
          <Icon name="add" /> Another prompt
        </button>
        <button type="button" onClick={clear}>
          Clear
        </button>
        {may('operator') && cameras.length > 0 ? (
          <select
            aria-label="Use these prompts on a camera"
            value=""
            disabled={(tried.value?.answers.length ?? 0) === 0}
            onChange={(event) => {
              const camera = event.currentTarget.value;
              event.currentTarget.value = '';
              if (camera !== '') void addTo(camera);
            }}
          >
            <option value="">Use on a camera …</option>
            {cameras.map((camera) => (
              <option key={camera.id}>{camera.id}</option>
            ))}
          </select>
        ) : null}
      </div>
    </section>
  );
}
