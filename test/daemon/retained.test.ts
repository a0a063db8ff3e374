/** What the broker retains of a node is true while it runs, after it has stopped, and after its configuration was changed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { HealthMessage } from '../../src/contract/messages.js';
import { start } from '../helpers/command.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const NODE = 'retained-node';
const BASE = `fastsam/v1/${NODE}`;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-retained-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it.skipIf(!hasMosquitto)('retained topics end with what they describe (needs mosquitto)', { timeout: 60_000 }, async () => {
  await using broker = await Broker.start();
  const model = await writeTestModel(join(directory, 'small.onnx'), { width: 64, height: 64 });
  const run = async (cameras: readonly string[], homeAssistant: boolean) => {
    const config = {
      node: NODE,
      model: { path: model },
      cameras: cameras.map((id) => ({ id, source: 'test:shapes?width=64&height=64&fps=5' })),
      mqtt: { url: broker.url, homeAssistant: { enabled: homeAssistant } },
      stateDir: join(directory, 'state'),
    };
    await writeFile(join(directory, 'config.yaml'), stringify(config));
    return start('run', '--config', join(directory, 'config.yaml'));
  };
  const stop = async (daemon: ReturnType<typeof start>) => {
    daemon.process.kill('SIGTERM');
    expect(await daemon.outcome).toMatchObject({ code: 0 });
  };
  const discovery = `homeassistant/device/${NODE}/config`;

  const first = await run(['belt', 'gate'], true);
  const live = await broker.observe('#');
  for (const id of ['belt', 'gate']) await live.untilJson(`${BASE}/cameras/${id}/state`, ({ state }) => state === 'streaming');
  await live.untilJson<HealthMessage>(`${BASE}/health`, ({ ok }) => ok);
  await live.until(discovery, (text) => text !== '');
  await stop(first);

  const after = await broker.observe('#');
  for (const id of ['belt', 'gate']) {
    expect(await after.untilJson(`${BASE}/cameras/${id}/state`)).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('SIGTERM'),
    });
  }
  const health = await after.untilJson<HealthMessage>(`${BASE}/health`);
  expect(health).toMatchObject({ ok: false, subsystems: { node: { ok: false } } });
  expect((await after.until(`${BASE}/availability`)).text).toBe('offline');

  const second = await run(['belt'], false);
  await after.untilJson(`${BASE}/cameras/belt/state`, ({ state }) => state === 'streaming');
  for (const topic of [`${BASE}/cameras/gate/state`, `${BASE}/cameras/gate/prompts`, discovery])
    await after.until(topic, (text) => text === '');
  await stop(second);
});
