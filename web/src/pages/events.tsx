import { useSignal } from '@preact/signals';
import type { ConsoleEvent } from '../../../src/contract/console.js';
import { events } from '../link/link.js';

const MAX_ROWS = 200;

export function Events() {
  const type = useSignal('');
  const camera = useSignal('');
  const prompt = useSignal('');
  const all = events.value;
  const listed = all
    .filter(
      (event) =>
        (type.value === '' || event.type === type.value) &&
        (camera.value === '' || event.camera === camera.value) &&
        (prompt.value === '' || event.prompt === prompt.value),
    )
    .reverse();
  const choices = (pick: (event: ConsoleEvent) => string | undefined) =>
    [...new Set(all.map(pick))].filter((value) => value !== undefined).sort();
  return (
    <section class="page" aria-label="Events">
      <h1>Events</h1>
      <div class="row">
        <label>
          Type{' '}
          <select value={type.value} onChange={(event) => (type.value = event.currentTarget.value)}>
            <option value="">all</option>
            {choices(({ type: name }) => name).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Camera{' '}
          <select value={camera.value} onChange={(event) => (camera.value = event.currentTarget.value)}>
            <option value="">all</option>
            {choices(({ camera: name }) => name).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Prompt{' '}
          <select value={prompt.value} onChange={(event) => (prompt.value = event.currentTarget.value)}>
            <option value="">all</option>
            {choices(({ prompt: name }) => name).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <span class="space" />
        <span class="quiet">{listed.length} kept since the start, the newest first</span>
      </div>
      {listed.length === 0 ? <p class="quiet">Nothing has happened yet.</p> : null}
      <ol class="events">
        {listed.slice(0, MAX_ROWS).map((event) => (
          <li key={event.number} class={event.picture ? event.type : `${event.type} plain`}>
            {event.picture ? <img src={`./api/events/${event.number}`} alt="" loading="lazy" width="112" height="63" /> : null}
            <time dateTime={event.at}>{new Date(event.at).toLocaleTimeString('en-GB')}</time>
            <span class="what">
              <strong>{event.type.replace(/-/g, ' ')}</strong>
              {event.camera ? <a href={`#live/${event.camera}`}>{event.camera}</a> : null}
              {event.by ? <span class="by">by {event.by}</span> : null}
              {event.revision === undefined ? null : <span class="quiet">revision {event.revision}</span>}
              <span class="text">{event.text}</span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
