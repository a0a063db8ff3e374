/** The daemon as a process, on a real broker, with a scene of moving shapes and a model that finds three rectangles. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  cameraStateMessageSchema,
  eventMessageSchema,
  infoMessageSchema,
  resultMessageSchema,
  type SummaryMessage,
  stateMessageSchema,
  summaryMessageSchema,
  telemetryMessageSchema,
} from '../../src/contract/messages.js';
import { fastsamd, type RunningCommand, start } from '../helpers/command.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

let directory = '';
let model = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-daemon-'));
  model = await writeTestModel(join(directory, 'three.onnx'));
});
afterAll(() => rm(directory, { recursive: true }));

const NODE = 'test-node';
const BASE = `fastsam/v1/${NODE}`;
const SCENE = 'test:shapes?width=320&height=320&fps=20';

interface Result {
  readonly seq: number;
  readonly promptRevision: number;
  readonly objects: readonly { readonly id: number; readonly prompts: readonly string[] }[];
  readonly prompts: readonly { readonly id: string; readonly status: string }[];
}

async function writeConfig(port: number, changes: Record<string, unknown> = {}): Promise<string> {
  const config = {
    node: NODE,
    model: { path: model },
    cameras: [{ id: 'belt', source: SCENE }],
    mqtt: { url: `mqtt://127.0.0.1:${port}`, reconnect: { minMs: 50, maxMs: 500 } },
    telemetry: { intervalMs: 500 },
    stateDir: join(directory, `state-${port}`),
    ...changes,
  };
  const path = join(directory, `config-${port}.yaml`);
  await writeFile(path, stringify(config));
  return path;
}

describe.skipIf(!hasMosquitto)('fastsamd run (needs mosquitto)', { timeout: 60_000 }, () => {
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

  it('announces itself, publishes results and telemetry, and leaves properly', async () => {
    const observer = await broker.observe(`${BASE}/#`);
    daemon = start('run', '--config', await writeConfig(broker.port));
    await observer.until(`${BASE}/state`, (text) => JSON.parse(text).state === 'ready');
    const info = await observer.untilJson(`${BASE}/info`, ({ model: known }) => known !== null);
    expect(infoMessageSchema.parse(info)).toMatchObject({
      node: NODE,
      model: { name: 'three', input: [320, 320] },
      cameras: [{ id: 'belt', source: SCENE }],
    });
    const camera = await observer.untilJson(`${BASE}/cameras/belt/state`, ({ state }) => state === 'streaming');
    cameraStateMessageSchema.parse(camera);

    const results = [];
    for (let seq = 1; seq <= 5; seq += 1)
      results.push(await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, (message) => message.seq >= seq));
    for (const result of results) expect(resultMessageSchema.parse(result).objects).toHaveLength(3);

    const telemetry = telemetryMessageSchema.parse(
      await observer.untilJson(`${BASE}/telemetry`, ({ cameras }) => (cameras as { fpsOut: number }[])[0]!.fpsOut > 1),
    );
    expect(telemetry.cameras[0]!.latencyMs.infer!.p50).toBeGreaterThan(0);
    expect(telemetry.system.rssBytes).toBeGreaterThan(1e7);

    daemon.process.kill('SIGTERM');
    const stopping = await observer.untilJson(`${BASE}/state`, ({ state }) => state === 'stopping');
    expect(stateMessageSchema.parse(stopping).reason).toBe('SIGTERM');
    await observer.until(`${BASE}/availability`, (text) => text === 'offline');
    const { code, stdout, stderr } = await daemon.outcome;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line).node).toBe(NODE);
    const states = observer.received.filter(({ topic }) => topic === `${BASE}/state`).map(({ text }) => JSON.parse(text).state);
    expect(states.at(-1)).toBe('stopping');
  });

  it('applies a prompt at a frame boundary, acknowledges it, and says its revision in every result', async () => {
    const observer = await broker.observe(`${BASE}/#`);
    daemon = start('run', '--config', await writeConfig(broker.port));
    await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, ({ seq }) => seq >= 2);

    const set = { id: 'a1', camera: 'belt', prompts: [{ type: 'box', box: [40, 40, 120, 120], id: 'station' }] };
    await observer.publish(`${BASE}/request/prompt/set`, JSON.stringify(set));
    const answer = await observer.untilJson(`${BASE}/response/prompt/set`, ({ id }) => id === 'a1');
    expect(answer).toMatchObject({ status: 'ok', revision: 2 });
    const result = await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, ({ promptRevision }) => promptRevision === 2);
    expect(result.prompts).toEqual([{ id: 'station', type: 'box', status: 'matched', objects: [{ id: 0, score: 1 }] }]);
    expect(result.objects.map(({ id, prompts }) => [id, prompts])).toEqual([[0, ['station']]]);

    const outside = { id: 'a2', camera: 'belt', prompts: [{ type: 'points', points: [[5000, 5]] }] };
    await observer.publish(`${BASE}/request/prompt/set`, JSON.stringify(outside));
    expect(await observer.untilJson(`${BASE}/response/prompt/set`, ({ id }) => id === 'a2')).toMatchObject({
      status: 'error',
      code: 'PROMPT_INVALID',
    });
    await observer.publish(`${BASE}/request/prompt/get`, '{"id":"a3"}');
    const held = await observer.untilJson<{ data: { revision: number; prompts: { id: string }[] }[] }>(`${BASE}/response/prompt/get`);
    expect(held.data.map(({ revision, prompts }) => [revision, prompts.map(({ id }) => id)])).toEqual([[2, ['station']]]);

    await observer.publish(`${BASE}/request/prompt/clear`, '{"id":"a4"}');
    await observer.untilJson<Result>(
      `${BASE}/cameras/belt/result`,
      ({ promptRevision, objects }) => promptRevision === 3 && objects.length === 3,
    );
  });

  it('has its prompts again after it was killed, tells events of them, and shows the camera where that is allowed', async () => {
    const cameras = [{ id: 'belt', source: SCENE, publish: { snapshots: true } }];
    const path = await writeConfig(broker.port, { cameras, events: { debounceMs: 50 } });
    const observer = await broker.observe(`${BASE}/#`);
    daemon = start('run', '--config', path);
    await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, ({ seq }) => seq >= 2);
    const set = { id: 'k1', camera: 'belt', prompts: [{ type: 'box', box: [40, 40, 120, 120], id: 'station' }] };
    await observer.publish(`${BASE}/request/prompt/set`, JSON.stringify(set));
    expect(await observer.untilJson(`${BASE}/response/prompt/set`)).toEqual({ id: 'k1', node: NODE, status: 'ok', revision: 2 });
    const event = await observer.untilJson(`${BASE}/cameras/belt/event`);
    expect(eventMessageSchema.parse(event)).toMatchObject({ type: 'prompt-matched', prompt: 'station', revision: 2, replayed: false });

    daemon.process.kill('SIGKILL');
    await daemon.outcome;
    const position = observer.received.length;
    daemon = start('run', '--config', path);
    const first = await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, () => true, position);
    expect(first).toMatchObject({ promptRevision: 2, prompts: [{ id: 'station' }] });

    await observer.publish(`${BASE}/request/read/snapshot`, '{"id":"s1","camera":"belt"}');
    const { packet } = await observer.until(`${BASE}/cameras/belt/snapshot`);
    expect(await sharp(packet.payload as Buffer).metadata()).toMatchObject({ format: 'jpeg', width: 320, height: 320 });
  });

  it('sends at most 150 bytes a frame over a radio link, topic and headers included', async () => {
    const prompts = [
      { type: 'box', box: [40, 40, 120, 120], id: 'station' },
      { type: 'points', points: [[1, 1]], id: 'corner' },
      { type: 'everything', id: 'all' },
    ];
    const cameras = [{ id: 'belt', source: SCENE, publish: { objects: 'none' }, prompts }];
    const observer = await broker.observe(`${BASE}/#`);
    daemon = start('run', '--config', await writeConfig(broker.port, { cameras }));
    const first = await observer.untilJson<SummaryMessage>(`${BASE}/cameras/belt/summary`);
    expect(summaryMessageSchema.parse(first)).toEqual(first);
    expect(first).toMatchObject({ revision: 1, found: 3, answers: '103' });
    await observer.untilJson<SummaryMessage>(`${BASE}/cameras/belt/summary`, ({ seq }) => seq >= first.seq + 3);
    const sent = observer.received.filter(({ topic }) => topic.endsWith('/summary'));
    for (const { packet } of sent) {
      expect(packet.payload.length).toBeLessThanOrEqual(100);
      // "length" counts what follows the fixed header, which takes 3 bytes here at most.
      expect(packet.length! + 3).toBeLessThanOrEqual(150);
    }
    expect(observer.received.filter(({ topic }) => topic.endsWith('/result'))).toEqual([]);
    const watching = start('watch', NODE, '--broker', broker.url);
    await watching.line(/^belt #\d+: 3 objects, revision 1, answers 103$/);
    watching.process.kill('SIGINT');
    expect((await watching.outcome).code).toBe(0);
  });

  it('is asked and watched from the command line', async () => {
    const observer = await broker.observe(`${BASE}/#`);
    daemon = start('run', '--config', await writeConfig(broker.port));
    await observer.untilJson<Result>(`${BASE}/cameras/belt/result`);
    const set = '{"camera":"belt","prompts":[{"type":"box","box":[40,40,120,120],"id":"station"}]}';
    const asked = await fastsamd('request', NODE, 'prompt/set', set, '--broker', broker.url);
    expect([asked.code, JSON.parse(asked.stdout)]).toMatchObject([0, { node: NODE, status: 'ok', revision: 2 }]);
    const watching = start('watch', NODE, '--draw', '--broker', broker.url);
    await watching.line(/belt #\d+: 1 objects, .* revision 2; station matched \(1\.00\)/);
    // Into a pipe object 0 is drawn with its number, without colours.
    await watching.line(/^·*0{3,}·*$/);
    watching.process.kill('SIGINT');
    expect((await watching.outcome).code).toBe(0);
  });

  it('segments while the broker is away, before it ever came and after it was killed', async () => {
    await broker.kill();
    daemon = start('run', '--config', await writeConfig(broker.port));
    await daemon.line(/camera belt: streaming/);
    await broker.restart();
    const first = await broker.observe(`${BASE}/#`);
    await first.until(`${BASE}/state`, (text) => JSON.parse(text).state === 'ready');
    const before = await first.untilJson<Result>(`${BASE}/cameras/belt/result`);
    await broker.restart();
    const second = await broker.observe(`${BASE}/#`);
    await second.until(`${BASE}/state`, (text) => JSON.parse(text).state === 'ready');
    await second.until(`${BASE}/info`);
    await second.until(`${BASE}/cameras/belt/prompts`);
    const after = await second.untilJson<Result>(`${BASE}/cameras/belt/result`);
    expect(after.seq).toBeGreaterThan(before.seq);
    daemon.process.kill('SIGTERM');
    expect((await daemon.outcome).code).toBe(0);
  });

  it('goes on with one camera when another is absent, and says which', async () => {
    const cameras = [
      { id: 'belt', source: SCENE },
      { id: 'gate', source: 'v4l2:/dev/video99' },
    ];
    const observer = await broker.observe(`${BASE}/#`);
    daemon = start('run', '--config', await writeConfig(broker.port, { cameras }));
    const state = await observer.untilJson<{ reason: string }>(`${BASE}/state`, ({ reason }) => reason !== undefined);
    expect(state).toMatchObject({ state: 'degraded', reason: expect.stringMatching(/camera gate: .*\/dev\/video99: no such device/) });
    await observer.untilJson(`${BASE}/cameras/gate/state`, ({ state: phase }) => phase === 'lost');
    const position = observer.received.length;
    await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, () => true, position);
  });

  it('shares the network between cameras', async () => {
    const cameras = ['a', 'b', 'c'].map((id) => ({ id, source: `${SCENE}&seed=${id.charCodeAt(0)}` }));
    const observer = await broker.observe(`${BASE}/cameras/+/result`);
    daemon = start('run', '--config', await writeConfig(broker.port, { cameras }));
    for (const { id } of cameras) await observer.untilJson<Result>(`${BASE}/cameras/${id}/result`, ({ seq }) => seq >= 10);
    const counts = cameras.map(({ id }) => observer.received.filter(({ topic }) => topic === `${BASE}/cameras/${id}/result`).length);
    expect(Math.min(...counts)).toBeGreaterThan(Math.max(...counts) / 2);
  });

  it('reads its configuration again on SIGHUP: what it can at once, the rest it names; a broken file changes nothing', async () => {
    const observer = await broker.observe(`${BASE}/#`);
    const path = await writeConfig(broker.port);
    daemon = start('run', '--config', path);
    await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, ({ seq }) => seq >= 2);

    const prompts = [{ type: 'points', points: [[80, 80]], id: 'tap' }];
    await writeConfig(broker.port, {
      cameras: [{ id: 'belt', source: SCENE, prompts, publish: { maskEncoding: 'bbox' } }],
      mqtt: { url: `mqtt://127.0.0.1:${broker.port}`, keepaliveS: 77 },
    });
    daemon.process.kill('SIGHUP');
    expect(JSON.parse(await daemon.line(/changes applied/))).toMatchObject({ restart: expect.arrayContaining(['mqtt.keepaliveS']) });
    const result = await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, (message) => message.prompts[0]?.id === 'tap');
    expect(result.objects).toEqual([expect.not.objectContaining({ mask: expect.anything() })]);

    await writeFile(path, 'camera: [');
    daemon.process.kill('SIGHUP');
    await daemon.line(/configuration stays as it was/);
    const position = observer.received.length;
    await observer.untilJson<Result>(`${BASE}/cameras/belt/result`, (message) => message.prompts[0]?.id === 'tap', position);
  });

  it.each([
    ['no model', { model: { path: 'none.onnx' } }, 3, /none\.onnx: no such file/],
    ['a model with other outputs', {}, 3, /expected outputs/],
    ['an unknown key', { camera: [] }, 2, /camera: unknown key; did you mean "cameras"/],
  ])('ends with a clear line when the configuration has %s', async (what, changes, exitCode, message) => {
    const detector =
      what === 'a model with other outputs' ? { model: { path: await writeTestModel(join(directory, 'detector.onnx'), { rows: 5 }) } } : {};
    daemon = start('run', '--config', await writeConfig(broker.port, { ...changes, ...detector }));
    const { code, stderr } = await daemon.outcome;
    expect(stderr).toMatch(message);
    expect(code).toBe(exitCode);
  });

  it('stops in time while no broker answers at all', async () => {
    const silent = await freePort();
    daemon = start('run', '--config', await writeConfig(silent));
    await daemon.line(/camera belt: streaming/);
    daemon.process.kill('SIGTERM');
    expect((await daemon.outcome).code).toBe(0);
  });
});
