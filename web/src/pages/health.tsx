import type { AlertMessage, HealthMessage } from '../../../src/contract/health.js';
import type { CameraStateMessage, InfoMessage } from '../../../src/contract/node.js';
import { ask, hello, may, tell, topics } from '../link/link.js';

export function Health() {
  const health = topics.value.get('health') as HealthMessage | undefined;
  const info = topics.value.get('info') as InfoMessage | undefined;
  const alerts = [...topics.value].filter(([key]) => key.startsWith('alert/')) as [string, AlertMessage][];
  const cameras = hello.value?.cameras ?? [];

  const act = async (verb: string, camera: string, question?: string) => {
    if (question !== undefined && !confirm(question)) return;
    const answer = await ask(verb, { camera });
    tell(
      answer.status === 'ok' ? `${camera}: ${verb.replace('admin/camera-', '')} done` : (answer.error ?? 'refused'),
      answer.status === 'ok' ? 'info' : 'error',
    );
  };

  return (
    <section class="page" aria-label="Health">
      <h1>Health</h1>
      {alerts.map(([key, { severity, message, since }]) => (
        <p key={key} class={`alert ${severity}`} role="alert">
          <strong>{key.slice(6)}</strong> {message} <small>since {clock(since)}</small>
        </p>
      ))}
      <div class="columns">
        <div class="panel">
          <h2>Cameras</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">Camera</th>
                <th scope="col">State</th>
                <th scope="col">Since</th>
                <th scope="col">Reconnects</th>
                <th scope="col" hidden={!may('admin')}>
                  Actions
                </th>
              </tr>
            </thead>
            <tbody>
              {cameras.map(({ id }) => {
                const state = topics.value.get(`cameras/${id}/state`) as CameraStateMessage | undefined;
                return (
                  <tr key={id}>
                    <th scope="row">
                      <a href={`#live/${id}`}>{id}</a>
                    </th>
                    <td>
                      <span class={`state ${state?.state ?? ''}`}>{state?.state ?? 'waiting'}</span> {state?.reason}
                    </td>
                    <td class="when">{state ? clock(state.since) : ''}</td>
                    <td>{state?.reconnects}</td>
                    <td hidden={!may('admin')}>
                      {state?.state === 'paused' ? (
                        <button type="button" onClick={() => void act('admin/camera-resume', id)}>
                          Resume
                        </button>
                      ) : (
                        <button type="button" onClick={() => void act('admin/camera-pause', id, `Pause ${id}? It stops for everybody.`)}>
                          Pause
                        </button>
                      )}
                      <button
                        type="button"
                        onClick={() => void act('admin/camera-restart', id, `Restart ${id}? It stops for everybody for a moment.`)}
                      >
                        Restart
                      </button>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
        <div class="panel">
          <h2>
            Subsystems{' '}
            <span class={`state ${health ? (health.ok ? 'ready' : 'lost') : ''}`}>
              {health ? (health.ok ? 'ok' : 'not ok') : 'no report yet'}
            </span>
          </h2>
          <table>
            <tbody>
              {Object.entries(health?.subsystems ?? {}).map(([name, { ok, reason, since }]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>
                    <span class={`state ${ok ? 'ready' : 'lost'}`}>{ok ? 'ok' : 'fails'}</span>
                  </td>
                  <td>{reason}</td>
                  <td class="when">{since ? clock(since) : ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div class="panel">
          <h2>Node</h2>
          <table>
            <tbody>
              {Object.entries(aboutNode(info)).map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  );
}

function clock(time: string): string {
  return new Date(time).toLocaleTimeString('en-GB');
}

function aboutNode(info: InfoMessage | undefined): Record<string, string> {
  if (!info) return {};
  const { model, device, versions, startedAt } = info;
  return {
    Name: info.node,
    Version: versions.fastsamd ?? '',
    Model: model ? `${model.name}, ${model.backend}, input ${model.input.join(' × ')}` : 'not loaded yet',
    ...(model?.fallback ? { 'Why no TensorRT': model.fallback } : {}),
    Machine: `${device.hostname}, ${device.cores} × ${device.cpu}`,
    Memory: `${(device.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    Started: new Date(startedAt).toLocaleString('en-GB'),
  };
}
