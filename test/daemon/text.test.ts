/** Text prompts over MQTT: the daemon as a process, on a real broker. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { telemetryMessageSchema } from '../../src/contract/messages.js';
import type { ResultMessage } from '../../src/contract/result.js';
import { writeClipModel } from '../helpers/clip-model.js';
import { type RunningCommand, start } from '../helpers/command.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const BASE = 'fastsam/v1/test-node';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-text-app-'));
  await writeTestModel(join(directory, 'three.onnx'));
});
afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(!hasMosquitto)('text prompts over MQTT (needs mosquitto)', { timeout: 120_000 }, () => {
  let broker: Broker;
  let daemon: RunningCommand | undefined;
  beforeEach(async () => {
    broker = await Broker.start();
  });
  afterEach(async () => {
    daemon?.process.kill('SIGKILL');
    await daemon?.outcome;
    await broker[Symbol.asyncDispose]();
  });

  async function run(text: Record<string, unknown>, prompts: readonly unknown[] = []) {
    const config = {
      node: 'test-node',
      stateDir: join(directory, `state-${broker.port}`),
      model: { path: 'three.onnx' },
      cameras: [{ id: 'belt', source: 'test:shapes?width=320&height=320&fps=20', prompts }],
      mqtt: { url: broker.url, reconnect: { minMs: 50, maxMs: 500 } },
      telemetry: { intervalMs: 300 },
      text,
    };
    const path = join(directory, 'config.yaml');
    await writeFile(path, stringify(config));
    const observer = await broker.observe(`${BASE}/#`);
    daemon = start('run', '--config', path);
    const result = (fits: (message: ResultMessage) => boolean) => observer.untilJson<ResultMessage>(`${BASE}/cameras/belt/result`, fits);
    const request = async (id: string, prompt: unknown) => {
      await observer.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id, prompts: [prompt] }));
      return observer.untilJson(`${BASE}/response/prompt/set`, (message) => message.id === id);
    };
    await result(({ seq }) => seq >= 1);
    return { observer, result, request };
  }

  it('answers a request that the text model can answer, and counts what it costs', async () => {
    await writeClipModel(join(directory, 'clip'));
    const { observer, result, request } = await run({ model: './clip', refresh: { ageMs: 60_000, iou: 0 } });
    expect(await request('a', { type: 'text', id: 'reds', text: 'a red part', threshold: -1 })).toMatchObject({ status: 'ok' });
    const { prompts } = await result((message) => message.prompts[0]?.id === 'reds');
    expect(prompts[0]).toMatchObject({ type: 'text', status: 'matched', objects: [{ id: 0 }, { id: 1 }, { id: 2 }] });
    const telemetry = telemetryMessageSchema.parse(
      await observer.untilJson(
        `${BASE}/telemetry`,
        ({ cameras }) => ((cameras as { text?: { cacheHitRate: number } }[])[0]?.text?.cacheHitRate ?? 0) > 0.5,
      ),
    );
    expect(telemetry.cameras[0]!.text!.cropsPerFrame).toBeLessThan(3);
  });

  it('refuses text without a text model on the request, and goes on with the old prompts', async () => {
    const { result, request } = await run({});
    expect(await request('a', { type: 'text', text: 'a red part' })).toMatchObject({
      status: 'error',
      code: 'TEXT_UNAVAILABLE',
      error: 'text prompts need a text model; name one in the configuration (text.model)',
    });
    expect(await request('b', { type: 'text', text: 'a\u0000b' })).toMatchObject({ status: 'error', code: 'PROMPT_INVALID' });
    expect(await request('c', { type: 'label', labels: ['person'] })).toMatchObject({ status: 'error', code: 'PROMPT_INVALID' });
    const { seq } = await result(() => true);
    expect((await result((message) => message.seq > seq)).promptRevision).toBe(1);
  });

  it('starts with a text model that is not there, segments all the same, and says why texts have no answer', async () => {
    const { result, request } = await run({ model: './missing' }, [{ type: 'text', text: 'red' }, { type: 'everything' }]);
    const { prompts } = await result(
      (message) => 'reason' in message.prompts[0]! && /cannot be used/.test(message.prompts[0].reason ?? ''),
    );
    expect(prompts).toMatchObject([
      { id: 'p1', status: 'pending', reason: expect.stringMatching(/missing: no text_model\.onnx there/) },
      { id: 'p2', status: 'matched' },
    ]);
    // Once it is there, the next request finds it.
    await writeClipModel(join(directory, 'missing'));
    expect(await request('a', { type: 'text', id: 'reds', text: 'red', threshold: -1 })).toMatchObject({ status: 'ok' });
    await result((message) => message.prompts[0]?.id === 'reds' && message.prompts[0].status === 'matched');
  });
});
