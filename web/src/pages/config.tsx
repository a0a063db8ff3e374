import { useSignal } from '@preact/signals';
import type { InfoMessage } from '../../../src/contract/node.js';
import { ask, may, tell, topics } from '../link/link.js';

/** Keys with their values, `a.b[0].c`. */
function flatten(value: unknown, key = ''): [string, string][] {
  if (typeof value !== 'object' || value === null || (Array.isArray(value) && value.every((each) => typeof each !== 'object')))
    return [[key, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, each]) =>
    flatten(each, Array.isArray(value) ? `${key}[${name}]` : key === '' ? name : `${key}.${name}`),
  );
}

export function Config() {
  const info = topics.value.get('info') as InfoMessage | undefined;
  const search = useSignal('');
  const rows = flatten(info?.config ?? {}).filter(([key, value]) => `${key} ${value}`.toLowerCase().includes(search.value.toLowerCase()));
  const groups = new Map<string, [string, string][]>();
  for (const row of rows) {
    const group = row[0].split(/[.[]/, 1)[0]!;
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  const reload = async () => {
    const answer = await ask('admin/config-reload');
    if (answer.status === 'error') {
      tell(answer.error ?? 'refused', 'error');
      return;
    }
    const { applied, restart } = answer.data as { applied: string[]; restart: string[] };
    tell(`${applied.length} changes applied${restart.length > 0 ? `; ${restart.join(', ')} need a restart` : ''}`);
  };
  return (
    <section class="page" aria-label="Configuration">
      <h1>Configuration</h1>
      <div class="row">
        <label>
          Search <input type="search" value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} />
        </label>
        <span class="space" />
        {may('admin') ? (
          <button type="button" onClick={() => void reload()}>
            Read the file again
          </button>
        ) : null}
      </div>
      <p class="quiet">As it is in force, secrets left out. Change it in the configuration file.</p>
      <div class="columns">
        {[...groups].map(([group, list]) => (
          <div class="panel" key={group}>
            <h2>{group}</h2>
            <table class="config">
              <tbody>
                {list.map(([key, value]) => (
                  <tr key={key}>
                    <th scope="row">{key.slice(group.length).replace(/^\./, '') || group}</th>
                    <td>{value}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
      </div>
    </section>
  );
}
