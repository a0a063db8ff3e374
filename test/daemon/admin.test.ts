/** What a running daemon is told and asked through a real broker: the verbs of `admin/…` and `read/…`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  type CameraStateMessage,
  healthDataSchema,
  infoMessageSchema,
  pingDataSchema,
  type ResponseMessage,
  type ResultMessage,
  responseMessageSchema,
  snapshotDataSchema,
  type TelemetryMessage,
} from '../../src/contract/messages.js';
import { type RunningCommand, start } from '../helpers/command.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const NODE = 'admin-node';
const BASE = `fastsam/v1/${NODE}`;
const STATE = `${BASE}/cameras/belt/state`;
const RESULT = `${BASE}/cameras/belt/result`;
const SCENE = 'test:shapes?width=320&height=320&fps=20';

let directory = '';
let model = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-admin-'));
  model = await writeTestModel(join(directory, 'three.onnx'));
});
afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(!hasMosquitto)('a running node is asked (needs mosquitto)', { timeout: 60_000 }, () => {
  let broker: Broker;
  let observer: Observer;
  let daemon: RunningCommand | undefined;
  beforeEach(async () => {
    broker = await Broker.start();
    observer = await broker.observe(`${BASE}/#`);
  });
  afterEach(async () => {
    daemon?.process.kill('SIGKILL');
    await daemon?.outcome;
    await broker[Symbol.asyncDispose]();
  });

  async function writeConfig(mqtt: object, changes: object = {}): Promise<string> {
    const config = {
      node: NODE,
      model: { path: model },
      cameras: [{ id: 'belt', source: SCENE }],
      mqtt: { url: broker.url, ...mqtt },
      telemetry: { intervalMs: 500 },
      stateDir: join(directory, `state-${broker.port}`),
      ...changes,
    };
    const path = join(directory, `config-${broker.port}.yaml`);
    await writeFile(path, stringify(config));
    return path;
  }

  /** Starts the daemon, and returns its first result. */
  async function run(path: string): Promise<ResultMessage> {
    daemon = start('run', '--config', path);
    return observer.untilJson<ResultMessage>(RESULT);
  }

  async function ask(verb: string, request: object = {}): Promise<ResponseMessage> {
    const from = observer.received.length;
    await observer.publish(`${BASE}/request/${verb}`, JSON.stringify(request));
    return responseMessageSchema.parse(await observer.untilJson(`${BASE}/response/${verb}`, () => true, from));
  }

  /** A ping that a daemon with log level debug writes a line about. */
  async function pingWithForeignResponseTopic(): Promise<void> {
    const from = observer.received.length;
    await observer.publish(`${BASE}/request/read/ping`, '', { properties: { responseTopic: 'elsewhere/me' } });
    await observer.until(`${BASE}/response/read/ping`, () => true, from);
  }
  const DEBUG_LINE = /response topic outside of the allowed prefix/;

  async function loggedAtTheEnd(): Promise<string[]> {
    daemon!.process.kill('SIGTERM');
    const { code, stderr } = await daemon!.outcome;
    expect(code).toBe(0);
    return stderr.trim().split('\n');
  }

  it('pauses a camera, which is closed until it resumes', async () => {
    await run(await writeConfig({ admin: true }));
    expect(await ask('admin/camera-pause', { id: 'p1', camera: 'belt' })).toEqual({ id: 'p1', node: NODE, status: 'ok', data: null });
    await observer.untilJson<CameraStateMessage>(STATE, ({ state }) => state === 'paused');
    // What was in flight comes out; then neither frames come in nor results out, for as long as 10 frames would take.
    let from = observer.received.length;
    for (let before = -1; ; ) {
      const { cameras } = await observer.untilJson<TelemetryMessage>(`${BASE}/telemetry`, () => true, from);
      if (cameras[0]!.framesIn === before) break;
      before = cameras[0]!.framesIn;
      from = observer.received.length;
    }
    expect(observer.received.slice(from).map(({ topic }) => topic)).not.toContain(RESULT);
    const last = observer.received.findLast(({ topic }) => topic === RESULT)!;
    const quiet = observer.received.length;

    expect(await ask('admin/camera-resume', { camera: 'belt' })).toMatchObject({ status: 'ok', data: null });
    await observer.untilJson<CameraStateMessage>(STATE, ({ state }) => state === 'streaming', quiet);
    const next = await observer.untilJson<ResultMessage>(RESULT, () => true, quiet);
    expect(next.seq).toBeGreaterThan((JSON.parse(last.text) as ResultMessage).seq);
  });

  it('opens a camera anew, also one that is paused, and knows none that is not configured', async () => {
    await run(await writeConfig({ admin: true }));
    for (const pause of [false, true]) {
      if (pause) {
        await ask('admin/camera-pause', { camera: 'belt' });
        await observer.untilJson<CameraStateMessage>(STATE, ({ state }) => state === 'paused');
      }
      const from = observer.received.length;
      expect(await ask('admin/camera-restart', { camera: 'belt' })).toMatchObject({ status: 'ok', data: null });
      await observer.untilJson<CameraStateMessage>(STATE, ({ state }) => state === 'connecting', from);
      const streaming = await observer.untilJson<CameraStateMessage>(STATE, ({ state }) => state === 'streaming', from);
      // It was closed by request, not lost.
      expect(streaming).toMatchObject({ reconnects: 0 });
      await observer.untilJson<ResultMessage>(RESULT, () => true, from);
    }
    for (const verb of ['pause', 'resume', 'restart'])
      expect(await ask(`admin/camera-${verb}`, { camera: 'roof' })).toMatchObject({
        status: 'error',
        code: 'REQUEST_INVALID',
        error: 'no camera "roof"; expected one of belt',
      });
  });

  it('reads its configuration again, applies what it can and names the rest; a broken file changes nothing', async () => {
    const path = await writeConfig({ admin: true });
    expect(await run(path)).toMatchObject({ promptRevision: 1, prompts: [] });
    await pingWithForeignResponseTopic();
    expect(await ask('admin/config-reload')).toMatchObject({ status: 'ok', data: { applied: [], restart: [] } });

    const prompts = [{ type: 'points', points: [[80, 80]], id: 'tap' }];
    const cameras = [{ id: 'belt', source: SCENE, prompts, maxFps: 5 }];
    await writeConfig({ admin: true, keepaliveS: 77 }, { cameras, log: { level: 'debug' } });
    expect(await ask('admin/config-reload', { id: 'c1' })).toEqual({
      id: 'c1',
      node: NODE,
      status: 'ok',
      data: {
        applied: expect.arrayContaining(['cameras[belt].prompts', 'cameras[belt].maxFps', 'log.level']),
        restart: ['mqtt.keepaliveS'],
      },
    });
    const prompted = ({ prompts: [first] }: ResultMessage) => first?.id === 'tap';
    const result = await observer.untilJson<ResultMessage>(RESULT, prompted);
    expect(result).toMatchObject({ promptRevision: 2, prompts: [{ id: 'tap', status: 'matched' }] });
    await pingWithForeignResponseTopic();

    await writeFile(path, 'camera: [');
    const broken = await ask('admin/config-reload', { id: 'c2' });
    expect(broken).toMatchObject({ id: 'c2', status: 'error', code: 'CONFIG_INVALID' });
    expect(broken.error).toContain(`config-${broker.port}.yaml`);
    const after = await observer.untilJson<ResultMessage>(RESULT, () => true, observer.received.length);
    expect(prompted(after)).toBe(true);
    // At the level that was read again, and not before.
    expect((await loggedAtTheEnd()).filter((line) => DEBUG_LINE.test(line))).toHaveLength(1);
  });

  it('changes its log level until the next reload, and takes no level that there is not', async () => {
    await run(await writeConfig({ admin: true }));
    await pingWithForeignResponseTopic();
    expect(await ask('admin/log-level', { level: 'debug' })).toMatchObject({ status: 'ok', data: null });
    await pingWithForeignResponseTopic();
    expect(await ask('admin/log-level', { level: 'loud' })).toMatchObject({ status: 'error', code: 'REQUEST_INVALID' });
    await pingWithForeignResponseTopic();
    await ask('admin/config-reload');
    await pingWithForeignResponseTopic();
    expect((await loggedAtTheEnd()).filter((line) => DEBUG_LINE.test(line))).toHaveLength(2);
  });

  it('is told nothing where admin requests are off, as they are by default', async () => {
    const path = await writeConfig({});
    await run(path);
    const cameras = [{ id: 'belt', source: SCENE, prompts: [{ type: 'everything', id: 'new' }] }];
    await writeConfig({}, { cameras });
    const asked = [
      ['admin/camera-pause', { camera: 'belt' }],
      ['admin/camera-resume', { camera: 'belt' }],
      ['admin/camera-restart', { camera: 'belt' }],
      ['admin/config-reload', {}],
      ['admin/log-level', { level: 'debug' }],
    ] as const;
    for (const [verb, request] of asked)
      expect(await ask(verb, { id: 'no', ...request })).toEqual({
        id: 'no',
        node: NODE,
        status: 'error',
        code: 'REQUEST_FORBIDDEN',
        error: 'admin requests are off on this node; expected mqtt.admin: true in its configuration',
      });
    await pingWithForeignResponseTopic();
    const after = await observer.untilJson<ResultMessage>(RESULT, () => true, observer.received.length);
    expect(after).toMatchObject({ promptRevision: 1, prompts: [] });
    const states = observer.received
      .filter(({ topic }) => topic === STATE)
      .map(({ text }) => (JSON.parse(text) as CameraStateMessage).state);
    expect(states.slice(states.indexOf('streaming'))).toEqual(['streaming']);
    expect((await loggedAtTheEnd()).filter((line) => DEBUG_LINE.test(line))).toEqual([]);
  });

  it('answers what it is asked about itself', async () => {
    await run(await writeConfig({}));
    const info = infoMessageSchema.parse(await observer.untilJson(`${BASE}/info`, ({ model: known }) => known !== null));
    const ping = await ask('read/ping', { id: 'r1' });
    expect(ping).toMatchObject({ id: 'r1', node: NODE, status: 'ok' });
    expect(pingDataSchema.parse(ping.data)).toMatchObject({ bootId: info.bootId, state: 'ready' });
    expect(infoMessageSchema.parse((await ask('read/info')).data)).toEqual(info);

    await observer.untilJson<{ ok: boolean }>(`${BASE}/health`, ({ ok }) => ok);
    const { health } = healthDataSchema.parse((await ask('read/health')).data);
    expect(health).toMatchObject({
      node: NODE,
      bootId: info.bootId,
      ok: true,
      subsystems: { 'camera/belt': { ok: true }, engine: { ok: true } },
    });

    const { data: names } = await ask('read/schema');
    expect(names).toEqual(expect.arrayContaining(['fastsam.v1.result', 'fastsam.v1.request.prompt.set', 'fastsam.v1.job']));
    expect((await ask('read/schema', { name: 'fastsam.v1.result' })).data).toMatchObject({ title: 'fastsam.v1.result', type: 'object' });
    expect(await ask('read/schema', { name: 'fastsam.v1.secret' })).toMatchObject({ status: 'error', code: 'REQUEST_INVALID' });
  });

  it('shows a picture of the camera where that is allowed, and of no other', async () => {
    const cameras = [
      { id: 'belt', source: SCENE, publish: { snapshots: true } },
      { id: 'gate', source: SCENE },
    ];
    await run(await writeConfig({}, { cameras }));
    const shown = snapshotDataSchema.parse((await ask('read/snapshot', { camera: 'belt' })).data);
    expect(shown).toMatchObject({ topic: `${BASE}/cameras/belt/snapshot`, width: 320, height: 320 });
    const { packet } = await observer.until(shown.topic);
    const picture = packet.payload as Buffer;
    expect(picture.length).toBe(shown.bytes);
    expect(packet.retain).toBe(false);
    expect(await sharp(picture).metadata()).toMatchObject({ format: 'jpeg', width: 320, height: 320 });
    expect(await ask('read/snapshot', { camera: 'gate' })).toMatchObject({ status: 'error', code: 'REQUEST_FORBIDDEN' });
    expect(await ask('read/snapshot', { camera: 'roof' })).toMatchObject({ status: 'error', code: 'REQUEST_INVALID' });
  });
});
