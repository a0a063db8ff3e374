import { once } from 'node:events';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StateMessage } from '../../src/contract/messages.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { Certificates, Relay } from './network.js';
import { eventually, testNode } from './node.js';

const ready = (message: StateMessage) => message.state === 'ready';

describe.skipIf(!hasMosquitto)('session against mosquitto', { timeout: 20_000 }, () => {
  it('publishes state, availability and prompts retained, state last', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url });
    node.status.setCameraState('belt', {
      v: 1,
      state: 'streaming',
      since: '2026-01-01T00:00:00.000Z',
      reconnects: 0,
      lastFrameAgeMs: 3,
    });
    const live = await broker.observe(`${node.base}/#`);
    node.publisher.start();
    await live.untilJson<StateMessage>(`${node.base}/state`, (message) => message.state === 'init');
    node.status.setState('ready');
    await live.untilJson<StateMessage>(`${node.base}/state`, ready);
    await live.until(`${node.base}/availability`, (text) => text === 'online');
    const topics = live.received.map((message) => message.topic);
    expect(topics.indexOf(`${node.base}/state`)).toBeGreaterThan(topics.indexOf(`${node.base}/cameras/gate/prompts`));

    const late = await broker.observe(`${node.base}/#`);
    const state = await late.untilJson<StateMessage>(`${node.base}/state`);
    expect(state).toMatchObject({ v: 1, state: 'ready', bootId: node.bootId });
    const prompts = await late.until(`${node.base}/cameras/belt/prompts`);
    expect(prompts.packet).toMatchObject({ retain: true, qos: 1 });
    expect(JSON.parse(prompts.text)).toMatchObject({ camera: 'belt', revision: 1, prompts: [] });
    await late.until(`${node.base}/cameras/belt/state`);
  });

  it('has everything retained back after the broker was killed and restarted', async () => {
    await using broker = await Broker.start();
    // The delays of the default configuration.
    await using node = testNode({ url: broker.url, reconnect: { minMs: 1000, maxMs: 60_000 } });
    node.publisher.start();
    node.status.setState('ready');
    await (await broker.observe(`${node.base}/#`)).untilJson<StateMessage>(`${node.base}/state`, ready);

    await broker.restart();
    const after = await broker.observe(`${node.base}/#`);
    const state = await after.untilJson<StateMessage>(`${node.base}/state`);
    await after.until(`${node.base}/cameras/belt/prompts`);
    await after.until(`${node.base}/availability`, (text) => text === 'online');
    expect(state).toMatchObject({ state: 'ready', bootId: node.bootId });
    await eventually(() => node.publisher.stats().reconnects === 1);
  });

  it('connects to IPv6 addresses, over TCP and over a WebSocket with a path', async () => {
    const [tcp, webSocket] = [await freePort(), await freePort()];
    // A listener takes the options that follow it.
    const config = [
      'allow_anonymous true',
      `listener ${tcp} ::1`,
      'allow_anonymous true',
      `listener ${webSocket} ::1`,
      'protocol websockets',
    ];
    await using broker = await Broker.start({ config });
    for (const url of [`mqtt://[::1]:${tcp}`, `ws://[::1]:${webSocket}/mqtt?token=1`]) {
      await using node = testNode({ url });
      const live = await broker.observe(`${node.base}/#`);
      node.publisher.start();
      node.status.setState('ready');
      await live.untilJson<StateMessage>(`${node.base}/state`, ({ state, bootId }) => state === 'ready' && bootId === node.bootId);
    }
  });

  it('says what to do about an address without a broker, and about a port for TLS', async () => {
    await using node = testNode({ url: `mqtt://127.0.0.1:${await freePort()}` });
    node.publisher.start();
    await eventually(() => /nothing listens there \(.*ECONNREFUSED.*\); is the broker running/.test(node.publisher.link().reason ?? ''));

    const hangsUp = net.createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1');
    await once(hangsUp, 'listening');
    await using other = testNode({ url: `mqtt://127.0.0.1:${(hangsUp.address() as net.AddressInfo).port}` });
    other.publisher.start();
    await eventually(() => /where its port is one for TLS, expected mqtts:\/\//.test(other.publisher.link().reason ?? ''));
    hangsUp.close();
  });

  it('starts without a broker and finds it later', async () => {
    const port = await freePort();
    await using node = testNode({ url: `mqtt://127.0.0.1:${port}` });
    node.publisher.start();
    node.status.setState('ready');
    await eventually(() => node.logged.filter((line) => String(line.reason).includes('ECONNREFUSED')).length >= 3);
    expect(node.publisher.stats()).toMatchObject({ published: 0, connectedSince: null });

    await using broker = await Broker.start({ port });
    const observer = await broker.observe(`${node.base}/#`);
    expect(await observer.untilJson<StateMessage>(`${node.base}/state`)).toMatchObject({ state: 'ready' });
  });

  it.each([5, 4] as const)(
    'keeps trying after a refused CONNACK and picks up a corrected password file (protocol %i)',
    async (protocol) => {
      const passwordFile = path.join(os.tmpdir(), `fastsamd-password-${process.pid}-${protocol}`);
      await writeFile(passwordFile, 'wrong\n');
      await using broker = await Broker.start({ users: { node: 'right', watcher: 'secret' } });
      await using node = testNode({ url: broker.url, username: 'node', passwordFile, protocol });
      node.publisher.start();
      const refused = protocol === 5 ? 'reason code 0x87' : 'reason code 0x05';
      await eventually(() => node.logged.filter((line) => String(line.reason).includes(refused)).length >= 3);

      await writeFile(passwordFile, 'right\n');
      const observer = await broker.observe(`${node.base}/#`, { username: 'watcher', password: 'secret' });
      await observer.untilJson<StateMessage>(`${node.base}/state`);
      expect(JSON.stringify(node.logged)).not.toMatch(/wrong|right/);
      await rm(passwordFile);
    },
  );

  it('is said lost, with its bootId, and offline when its process vanishes', async () => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}` });
    node.publisher.start();
    node.status.setState('ready');
    const observer = await broker.observe(`${node.base}/#`);
    await observer.untilJson<StateMessage>(`${node.base}/state`, ready);
    await observer.until(`${node.base}/availability`, (text) => text === 'online');

    const from = observer.received.length;
    await relay.stop();
    const will = await observer.untilJson<StateMessage>(`${node.base}/state`, (message) => message.state === 'lost', from);
    expect(will.bootId).toBe(node.bootId);
    await observer.until(`${node.base}/availability`, (text) => text === 'offline', from);
  });

  it('says stopping and offline, delivers what waits, and leaves no will behind', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url });
    node.publisher.start();
    node.status.setState('ready');
    const observer = await broker.observe(`${node.base}/#`);
    await observer.untilJson<StateMessage>(`${node.base}/state`, ready);
    await observer.until(`${node.base}/availability`, (text) => text === 'online');

    node.publisher.publishResult('belt', '{"last":true}');
    await node.publisher.stop('asked to', 2000);
    await observer.until(`${node.base}/availability`, (text) => text === 'offline');
    await observer.until(`${node.base}/cameras/belt/result`);
    const late = await broker.observe(`${node.base}/#`);
    expect(await late.untilJson<StateMessage>(`${node.base}/state`)).toMatchObject({ state: 'stopping', reason: 'asked to' });
    expect(observer.received.some((message) => message.text.includes('"lost"'))).toBe(false);
  });

  it('stops in time although the broker does not answer', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url });
    node.publisher.start();
    await (await broker.observe(`${node.base}/#`)).until(`${node.base}/availability`, (text) => text === 'online');
    broker.pause();
    await node.publisher.stop('broker hangs', 200);
    expect(node.publisher.stats().connectedSince).toBeNull();
  });

  it('verifies the certificate of the broker, and picks up a corrected CA file', async () => {
    await using tls = await Certificates.create();
    const port = await freePort();
    await using broker = await Broker.start({
      config: [`listener ${port} 127.0.0.1`, `certfile ${tls.file('broker.crt')}`, `keyfile ${tls.file('broker.key')}`],
    });
    const caFile = tls.file('ca.crt');
    await copyFile(tls.file('other.crt'), caFile);
    await using node = testNode({ url: `mqtts://127.0.0.1:${port}`, tls: { caFile } });
    const observer = await broker.observe(`${node.base}/#`);
    node.publisher.start();
    await eventually(() => node.logged.filter((line) => /certificate/.test(String(line.reason))).length >= 2);
    expect(observer.received).toHaveLength(0);

    await copyFile(tls.file('broker.crt'), caFile);
    await observer.untilJson<StateMessage>(`${node.base}/state`);
  });

  it('stops without ever having been connected or started', async () => {
    await using node = testNode({ url: `mqtt://127.0.0.1:${await freePort()}` });
    await node.publisher.stop('never started', 100);

    await using trying = testNode({ url: `mqtt://127.0.0.1:${await freePort()}` });
    trying.publisher.start();
    await eventually(() => trying.logged.some((line) => String(line.reason).includes('ECONNREFUSED')));
    await trying.publisher.stop('never connected', 100);
  });

  it('stops in the middle of a connection attempt that nobody answers', async () => {
    const silent = net.createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const accepted = once(silent, 'connection');
    await using node = testNode({ url: `mqtt://127.0.0.1:${(silent.address() as net.AddressInfo).port}`, connectTimeoutMs: 60_000 });
    node.publisher.start();
    await accepted;
    await node.publisher.stop('hanging', 100);
    silent.close();
    await once(silent, 'close');
  });

  it('drops and counts what the broker would not take, and stays connected', async () => {
    await using broker = await Broker.start({ config: ['max_packet_size 4096'] });
    await using node = testNode({ url: broker.url });
    node.publisher.start();
    const observer = await broker.observe(`${node.base}/#`);
    await observer.untilJson<StateMessage>(`${node.base}/state`);

    for (let k = 0; k < 3; k += 1) {
      node.publisher.publishResult('belt', JSON.stringify('x'.repeat(5000)));
      await eventually(() => node.publisher.stats().dropped['cameras/belt/result'] === k + 1);
    }
    node.publisher.publishResult('belt', '{"small":true}');
    await observer.until(`${node.base}/cameras/belt/result`);
    expect(node.publisher.stats().reconnects).toBe(0);
    expect(node.logged.filter((line) => line.msg === 'mqtt: message dropped')).toHaveLength(1);
  });

  it('keeps the newest result and its memory bounded while the broker does not read, and recovers', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url });
    node.publisher.start();
    const observer = await broker.observe(`${node.base}/#`);
    await observer.untilJson<StateMessage>(`${node.base}/state`);

    broker.pause();
    const padding = 'x'.repeat(100_000);
    const before = process.memoryUsage();
    // 300 MB in all, far beyond what socket buffers hold.
    for (let seq = 1; seq <= 3000; seq += 1) {
      node.publisher.publishResult('belt', JSON.stringify({ seq, padding }));
      if (seq % 10 === 0) await new Promise(setImmediate);
    }
    const { queued, dropped } = node.publisher.stats();
    expect(queued).toBeLessThanOrEqual(2);
    expect(dropped['cameras/belt/result']).toBeGreaterThan(2000);
    const after = process.memoryUsage();
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(20_000_000);

    broker.resume();
    await observer.untilJson<{ seq: number }>(`${node.base}/cameras/belt/result`, ({ seq }) => seq === 3000);
    expect(node.publisher.stats().reconnects).toBe(0);
  });
});

describe('session against a broker that ends it', () => {
  it('backs off hard when another client takes its id over (DISCONNECT 0x8e)', async () => {
    // mosquitto 2.0.11 closes the socket without a reason; this is what other brokers send: CONNACK, then DISCONNECT.
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(Buffer.from([0x20, 3, 0, 0, 0, 0xe0, 2, 0x8e, 0])));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    await using node = testNode({ url, clientId: 'twin', reconnect: { minMs: 10, maxMs: 60_000 } });
    node.publisher.start();
    const attemptOf = () => node.logged.find((line) => line.msg === 'mqtt: next connection attempt' && Number(line.delayMs) >= 30_000);
    await eventually(() => attemptOf() !== undefined);
    expect(node.logged.find((line) => line.msg === 'mqtt: disconnected')).toMatchObject({ reasonCode: 0x8e });
    expect(node.publisher.link().reason).toMatch(
      /\(reason code 0x8e\): another client uses client id "twin"; expected a unique mqtt\.clientId/,
    );
    expect(node.logged.some((line) => String(line.msg).includes('another client uses this client id'))).toBe(true);
    await node.publisher.stop('test is over', 100);
    server.close();
    await once(server, 'close');
  });
});
