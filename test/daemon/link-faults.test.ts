/** Faults of the broker and of the way to it, through the daemon: what its health says while they last, and afterwards. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HealthMessage, healthMessageSchema, type PromptsMessage, type TelemetryMessage } from '../../src/contract/messages.js';
import { type RunningCommand, start } from '../helpers/command.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { Relay } from '../mqtt/network.js';

const NODE = 'n';
const BASE = `fastsam/v1/${NODE}`;
const PROMPTS = `${BASE}/cameras/belt/prompts`;

let folder = '';
let model = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-link-'));
  model = await writeTestModel(join(folder, 'three.onnx'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(mqttConfig: object, camera: object = {}): Promise<RunningCommand> {
  const config = {
    node: NODE,
    model: { path: model },
    cameras: [{ id: 'belt', source: 'test:shapes?width=320&height=320&fps=20', ...camera }],
    mqtt: { keepaliveS: 5, connectTimeoutMs: 1000, reconnect: { minMs: 20, maxMs: 200 }, ...mqttConfig },
    telemetry: { intervalMs: 500 },
    stateDir: await mkdtemp(join(folder, 'state-')),
  };
  const file = join(config.stateDir, 'config.json');
  await writeFile(file, JSON.stringify(config));
  return start('run', '--config', file);
}

type Subsystem = HealthMessage['subsystems'][string];

/** Waits for the retained health to say this of `mqtt`. */
async function untilMqtt(observer: Observer, passes: (mqtt: Subsystem) => boolean, from = 0): Promise<Subsystem> {
  const health = await observer.untilJson<HealthMessage>(
    `${BASE}/health`,
    ({ subsystems }) => subsystems.mqtt !== undefined && passes(subsystems.mqtt),
    from,
  );
  return healthMessageSchema.parse(health).subsystems.mqtt!;
}

/** What the node answers when it is asked how it is. */
async function askHealth(observer: Observer): Promise<Subsystem> {
  const from = observer.received.length;
  await observer.publish(`${BASE}/request/read/health`, '{"id":"h"}');
  const { data } = await observer.untilJson<{ data: { health: HealthMessage } }>(`${BASE}/response/read/health`, () => true, from);
  return data.health.subsystems.mqtt!;
}

const nextResult = (observer: Observer) => observer.until(`${BASE}/cameras/belt/result`, () => true, observer.received.length);

// Mostly waiting, for time limits of their own broker and daemon: together they take as long as the slowest.
describe.skipIf(!hasMosquitto)('the link to the broker (needs mosquitto)', { timeout: 120_000, concurrent: true }, () => {
  it.each([
    ['drops all that is sent and tells nobody', (relay: Relay) => relay.freeze()],
    ['takes nothing any more', (relay: Relay) => relay.clog()],
  ])('that %s, while results flow: given up after the keepalive, and told afterwards', async (_what, break_) => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    const observer = await broker.observe(`${BASE}/#`);
    // Long enough for a loaded machine: a connection that is refused in between would be what health tells.
    await using daemon = await run({ url: `mqtt://127.0.0.1:${relay.port}`, connectTimeoutMs: 20_000 });
    await untilMqtt(observer, ({ ok }) => ok);
    await nextResult(observer);
    break_(relay);
    await daemon.line(/"clientId":"fastsamd-n".*mqtt: disconnected/);
    const last = { reason: expect.stringMatching(/not connected to the broker: Keepalive timeout/) };
    expect(await untilMqtt(observer, (link) => link.ok && link.last !== undefined)).toMatchObject({ last });
    expect(await askHealth(observer)).toMatchObject({ ok: true, last });
    await nextResult(observer);
    await relay.stop();
  });

  it('to a broker that hangs and comes back: both are told, what happened and why it took so long', async () => {
    await using broker = await Broker.start();
    await using daemon = await run({ url: broker.url });
    const observer = await broker.observe(`${BASE}/#`, { keepalive: 0 });
    await nextResult(observer);
    broker.pause();
    // Not the connection of `availability`: with that one alone nothing of the other is at fault.
    await daemon.line(/"clientId":"fastsamd-n".*mqtt: cannot connect/);
    broker.resume();
    const from = observer.received.length;
    const reason = expect.stringMatching(/Keepalive timeout, then .*connack/i);
    expect(await untilMqtt(observer, (link) => link.ok && link.last !== undefined, from)).toMatchObject({ last: { reason } });
    // What came and could not be sent is counted, not kept.
    const { cameras, mqtt: link } = await observer.untilJson<TelemetryMessage>(`${BASE}/telemetry`, () => true, observer.received.length);
    expect(link.dropped['cameras/belt/result']).toBeGreaterThan(0);
    expect(link.dropped['cameras/belt/result']).toBeLessThanOrEqual(cameras[0]!.framesOut);
  });

  it('whose password is changed while it runs: refused, told with the reason code, and back once the file is right', async () => {
    await using broker = await Broker.start({ users: { node: 'old', watcher: 'w' } });
    const passwordFile = join(broker.folder, 'node-password');
    await writeFile(passwordFile, 'old\n');
    await using daemon = await run({ url: broker.url, username: 'node', passwordFile });
    const watcher = { username: 'watcher', password: 'w' };
    await untilMqtt(await broker.observe(`${BASE}/#`, watcher), ({ ok }) => ok);
    await broker.setPassword('node', 'new');
    await broker.restart();
    await daemon.line(/mqtt: cannot connect.*0x87|0x87.*mqtt: cannot connect/);
    const observer = await broker.observe(`${BASE}/#`, watcher);
    // As a whole, for the node reads it at each attempt and would tell of an empty one.
    await writeFile(`${passwordFile}.new`, 'new\n');
    await rename(`${passwordFile}.new`, passwordFile);
    const reason = expect.stringMatching(/not connected to the broker: .*, then .*Not authorized.* \(reason code 0x87\)/);
    expect(await untilMqtt(observer, (link) => link.ok && link.last !== undefined)).toMatchObject({ last: { reason } });
    await nextResult(observer);
  });

  it('whose access control forgets a topic: told with the reason code, and sent once it is mended, without a reconnect', async () => {
    const acl = (topics: readonly string[]) =>
      ['user node', ...topics.map((topic) => `topic readwrite ${topic}`), 'user watcher', 'topic readwrite #', ''].join('\n');
    const most = ['state', 'availability', 'info', 'health', 'telemetry', 'alert/+', 'request/#', 'response/#', 'cameras/belt/state'];
    const base = most.map((topic) => `${BASE}/${topic}`);
    const users = { node: 'n', watcher: 'w' };
    await using broker = await Broker.start({ users, acl: acl([...base, `${BASE}/cameras/belt/result`]) });
    const passwordFile = join(broker.folder, 'node-password');
    await writeFile(passwordFile, 'n\n');
    const observer = await broker.observe(`${BASE}/#`, { username: 'watcher', password: 'w' });
    await using _daemon = await run({ url: broker.url, username: 'node', passwordFile });
    const reason = `the broker refuses ${PROMPTS}: Publish error: Not authorized (reason code 0x87)`;
    expect(await untilMqtt(observer, ({ ok }) => !ok)).toMatchObject({ reason });
    expect(await askHealth(observer)).toMatchObject({ ok: false, reason });
    expect(observer.received.filter(({ topic }) => topic === PROMPTS)).toEqual([]);

    await broker.reload(acl([...base, `${BASE}/cameras/#`]));
    await observer.until(PROMPTS);
    expect(await untilMqtt(observer, (link) => link.ok && link.last?.reason === reason)).toBeTruthy();
    const { mqtt: link } = await observer.untilJson<TelemetryMessage>(`${BASE}/telemetry`, () => true, observer.received.length);
    expect(link.reconnects).toBe(0);
  });

  it('to a broker that takes 64 KB in a packet: told which topic is larger, until it is not', async () => {
    await using broker = await Broker.start({ config: ['max_packet_size 65536'] });
    const observer = await broker.observe(`${BASE}/#`);
    await using _daemon = await run({ url: broker.url });
    await untilMqtt(observer, ({ ok }) => ok);
    // Each request fits into a packet; what they add up to does not.
    const points = Array.from({ length: 100 }, (_, k) => [1.123456789 + k, 2.123456789 + k]);
    const prompts = Array.from({ length: 15 }, () => ({ type: 'points', points }));
    for (const id of ['a', 'b']) await observer.publish(`${BASE}/request/prompt/add`, JSON.stringify({ id, prompts }));
    await observer.untilJson(`${BASE}/response/prompt/add`, ({ id, status }) => id === 'b' && status === 'ok');
    const reason = expect.stringMatching(
      new RegExp(`the broker refuses ${PROMPTS}: \\d+ bytes are more than the 65536 that the broker takes`),
    );
    expect(await untilMqtt(observer, ({ ok }) => !ok)).toMatchObject({ reason });
    await observer.publish(`${BASE}/request/prompt/clear`, '{"id":"c"}');
    await observer.untilJson<PromptsMessage>(PROMPTS, ({ revision }) => revision === 4);
    expect(await untilMqtt(observer, (link) => link.ok && link.last !== undefined)).toMatchObject({ last: { reason } });
    const { mqtt: link } = await observer.untilJson<TelemetryMessage>(`${BASE}/telemetry`, () => true, observer.received.length);
    expect(link.reconnects).toBe(0);
  });

  it('that another client with the same id takes over: named in health when it is over', async () => {
    await using broker = await Broker.start();
    const observer = await broker.observe(`${BASE}/#`);
    await using daemon = await run({ url: broker.url });
    await untilMqtt(observer, ({ ok }) => ok);
    const rival = mqtt.connect(broker.url, { clientId: `fastsamd-${NODE}`, reconnectPeriod: 10 });
    rival.on('error', () => undefined);
    await daemon.line(/another client may use client id/);
    await rival.endAsync(true);
    const hint =
      /times in a row soon after connecting: another client may use client id "fastsamd-n"; expected a unique mqtt\.clientId or node/;
    expect(await untilMqtt(observer, (link) => link.ok && hint.test(link.last?.reason ?? ''))).toBeTruthy();
    expect(await askHealth(observer)).toMatchObject({ ok: true, last: { reason: expect.stringMatching(hint) } });
    await nextResult(observer);
  });
});
