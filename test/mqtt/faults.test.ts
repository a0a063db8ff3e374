/** Faults of broker and network, each noticed, said with its reason, and recovered from. */
import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import net from 'node:net';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { EmbeddedBroker } from '../../src/broker/embedded-broker.js';
import { reachable } from '../../src/config/reachable.js';
import { mqttSchema } from '../../src/config/sections/mqtt.js';
import type { EventMessage, InfoMessage, StateMessage } from '../../src/contract/messages.js';
import { Broker, freePort, hasMosquitto, Observer } from '../helpers/mosquitto.js';
import { Certificates, PACKET, Relay } from './network.js';
import { eventually, testNode } from './node.js';

// Mostly waiting, for time limits of their own broker and node: together they take as long as the slowest.
describe.skipIf(!hasMosquitto)('faults (needs mosquitto)', { timeout: 60_000, concurrent: true }, () => {
  it('a half-open connection is given up after the keepalive, said so, and replaced', async () => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}`, keepaliveS: 5 });
    node.publisher.start();
    await eventually(() => node.publisher.link().ok);
    relay.freeze();
    await eventually(() => !node.publisher.link().ok);
    expect(node.publisher.link().reason).toMatch(/keepalive/i);
    await eventually(() => node.publisher.link().ok);
    expect(node.publisher.stats().reconnects).toBe(1);
    await relay.stop();
  });

  it('a connection cut in the middle of a publish: state and event arrive, the result is a gap, and the next one comes', async () => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}` });
    const observer = await broker.observe(`${node.base}/#`);
    node.publisher.start();
    await eventually(() => node.publisher.link().ok);

    // Acknowledged: what was cut is sent again, and what waited behind it goes on.
    let cut = relay.cutInside(PACKET.publish, 200_000);
    node.status.setInfo({ v: 1, node: 'line-3', padding: 'x'.repeat(300_000) } as unknown as InfoMessage);
    for (const awayMs of [1, 2, 3]) node.publisher.publishEvent('belt', { type: 'camera-back', awayMs });
    await cut;
    const info = await observer.untilJson<{ padding: string }>(`${node.base}/info`);
    expect(info.padding).toHaveLength(300_000);
    await observer.until(`${node.base}/cameras/belt/event`, (text) => JSON.parse(text).awayMs === 3);
    const events = observer.received.filter(({ topic }) => topic.endsWith('/event')).map(({ text }) => JSON.parse(text) as EventMessage);
    const byId = new Map(events.map((event) => [event.eventId, event.type === 'camera-back' && event.awayMs]));
    expect([...byId.values()]).toEqual([1, 2, 3]);

    // Not acknowledged: gone, and never half of it.
    await eventually(() => node.publisher.link().ok);
    cut = relay.cutInside(PACKET.publish, 200_000);
    node.publisher.publishResult('belt', JSON.stringify({ seq: 1, padding: 'x'.repeat(300_000) }));
    await cut;
    await eventually(() => node.publisher.stats().reconnects === 2);
    node.publisher.publishResult('belt', '{"seq":2}');
    await observer.untilJson(`${node.base}/cameras/belt/result`, ({ seq }) => seq === 2);
    const results = observer.received.filter(({ topic }) => topic.endsWith('/result'));
    expect(results.map(({ text }) => JSON.parse(text).seq)).toEqual([2]);
    await relay.stop();
  });

  it.each([
    ['in the middle of its subscribe', PACKET.subscribe],
    ['in the middle of the answer to it', PACKET.suback],
  ])('a connection cut %s: the next one is subscribed, and requests are answered', async (_where, packet) => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}` });
    const observer = await broker.observe(`${node.base}/#`);
    const cut = relay.cutInside(packet);
    node.publisher.start();
    await cut;
    await eventually(() => node.publisher.stats().reconnects === 1 && node.publisher.link().ok);
    const state = observer.received.length;
    node.status.setState('ready');
    await observer.untilJson<StateMessage>(`${node.base}/state`, ({ state: name }) => name === 'ready', state);
    await observer.publish(`${node.base}/request/read/ping`, '{"id":"p1"}');
    expect(await observer.untilJson(`${node.base}/response/read/ping`)).toMatchObject({ id: 'p1', status: 'ok' });
    await relay.stop();
  });

  it('a broker that takes one message at a time gets everything, events in order too', async () => {
    await using broker = await Broker.start({ config: ['max_inflight_messages 1'] });
    await using node = testNode({ url: broker.url });
    const observer = await broker.observe(`${node.base}/#`);
    node.publisher.start();
    await eventually(() => node.publisher.link().ok);
    expect(node.logged.find(({ msg }) => msg === 'mqtt: connected')).toMatchObject({ receiveMaximum: 1 });
    for (let k = 0; k < 50; k += 1) node.publisher.publishEvent('belt', { type: 'camera-back', awayMs: k });
    await eventually(() => observer.received.filter(({ topic }) => topic.endsWith('/event')).length === 50);
    const order = observer.received.filter(({ topic }) => topic.endsWith('/event')).map(({ text }) => JSON.parse(text).awayMs);
    expect(order).toEqual(Array.from({ length: 50 }, (_, k) => k));
  });

  it.each([
    ['swallows what is sent: a state that is not acknowledged', true],
    ['does not read: results that the full send buffer holds up', false],
  ])('a broker that is there and %s is told in health before the keepalive gives it up', async (_what, swallows) => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}`, keepaliveS: 3600 });
    const { publisher } = node;
    publisher.start();
    await eventually(() => publisher.link().ok && publisher.stats().queued === 0);
    if (swallows) {
      relay.freeze();
      node.status.setState('ready');
    } else broker.pause();
    const padding = 'x'.repeat(100_000);
    while (publisher.link().ok) {
      publisher.publishResult('belt', JSON.stringify({ padding }));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(publisher.link().reason).toMatch(/^the broker has taken nothing for \d+ s$/);
    if (!swallows) {
      broker.resume();
      await eventually(() => publisher.link().ok);
    }
    expect(publisher.stats().reconnects).toBe(0);
    await relay.stop();
  });

  it('packets of 64 KB at most: what is larger is dropped, counted and said in health until it fits', async () => {
    await using broker = await Broker.start({ config: ['max_packet_size 65536'] });
    await using node = testNode({ url: broker.url });
    node.publisher.start();
    await eventually(() => node.publisher.link().ok);
    node.publisher.publishResult('belt', JSON.stringify('x'.repeat(70_000)));
    await eventually(() => !node.publisher.link().ok);
    expect(node.publisher.link().reason).toMatch(/result: .*65536/);
    node.publisher.publishResult('belt', '{}');
    await eventually(() => node.publisher.link().ok);
    expect(node.publisher.stats().reconnects).toBe(0);
  });

  it('a refused login is said in health with its reason code', async () => {
    await using broker = await Broker.start({ users: { node: 'right' } });
    await using node = testNode({ url: broker.url, username: 'node' });
    node.publisher.start();
    await eventually(() => /0x87/.test(node.publisher.link().reason ?? ''));
  });

  it('speaks over WebSocket', async () => {
    const port = await freePort();
    await using broker = await Broker.start({ config: [`listener ${port} 127.0.0.1`, 'protocol websockets'] });
    await using node = testNode({ url: `ws://127.0.0.1:${port}/mqtt` });
    const observer = await broker.observe(`${node.base}/#`);
    node.publisher.start();
    await observer.untilJson<StateMessage>(`${node.base}/state`);
    await broker.restart();
    const after = await broker.observe(`${node.base}/#`);
    await after.untilJson<StateMessage>(`${node.base}/state`);
  });

  it('asks for the configured server name, and takes a replaced client certificate without a restart', async () => {
    await using tls = await Certificates.create();
    const port = await freePort();
    const config = [
      `listener ${port} 127.0.0.1`,
      `certfile ${tls.file('broker.crt')}`,
      `keyfile ${tls.file('broker.key')}`,
      `cafile ${tls.file('other.crt')}`,
      'require_certificate true',
    ];
    await using broker = await Broker.start({ config });
    const [certFile, keyFile] = [tls.file('client.crt'), tls.file('client.key')];
    await copyFile(tls.file('broker.crt'), certFile);
    await copyFile(tls.file('broker.key'), keyFile);
    const files = { caFile: tls.file('broker.crt'), certFile, keyFile };
    await using node = testNode({ url: `mqtts://127.0.0.1:${port}`, tls: files });
    await using wrong = testNode({ url: `mqtts://127.0.0.1:${port}`, tls: { ...files, serverName: 'elsewhere.example' } });
    const observer = await broker.observe(`${node.base}/#`);
    node.publisher.start();
    await eventually(() => node.logged.filter(({ msg }) => msg === 'mqtt: next connection attempt').length >= 2);
    expect(observer.received).toEqual([]);
    await copyFile(tls.file('other.crt'), certFile);
    await copyFile(tls.file('other.key'), keyFile);
    await observer.untilJson<StateMessage>(`${node.base}/state`);
    wrong.publisher.start();
    await eventually(() => wrong.logged.some(({ reason }) => String(reason).includes('elsewhere.example')));
  });
});

describe('the embedded broker', { timeout: 60_000 }, () => {
  it('serves the node and its clients, with a password where one is set, and says when its port is taken', async () => {
    const log = pino({ level: 'silent' });
    process.env.FASTSAMD_TEST_PASSWORD = 'secret';
    const credentials = { username: 'robot', passwordEnv: 'FASTSAMD_TEST_PASSWORD' };
    const config = mqttSchema.parse({ broker: 'embedded', embedded: { port: await freePort() }, ...credentials });
    const broker = new EmbeddedBroker({ config, log });
    await broker.start();
    await expect(new EmbeddedBroker({ config, log }).start()).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      message: expect.stringMatching(/mqtt\.embedded: cannot listen on 127\.0\.0\.1:\d+ .*EADDRINUSE/),
    });
    const { url, protocol } = reachable(config);
    expect(url).toBe(broker.url);
    await using node = testNode({ url, protocol, ...credentials });
    await expect(mqtt.connectAsync(url, { reconnectPeriod: 0, username: 'robot', password: 'guess' }, false)).rejects.toThrow(
      /bad username or password/i,
    );
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, username: 'robot', password: 'secret' }, false);
    const observer = new Observer(client);
    await client.subscribeAsync(`${node.base}/#`);
    node.publisher.start();
    await observer.untilJson<StateMessage>(`${node.base}/state`);
    await observer.publish(`${node.base}/request/read/ping`, '{"id":"e1"}');
    await observer.untilJson(`${node.base}/response/read/ping`, ({ id }) => id === 'e1');
    await broker.stop();
    await eventually(() => !node.publisher.link().ok);
    client.end(true);
  });
});

describe('a broker that refuses a subscription', { timeout: 60_000 }, () => {
  it('is named in health with its code, and asked again until it does not', async () => {
    const broker = await Aedes.createBroker();
    let permitted = false;
    broker.authorizeSubscribe = (_client, subscription, done) =>
      done(null, permitted || !subscription.topic.includes('/request/') ? subscription : null);
    const server = net.createServer(broker.handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    const node = testNode({ url, protocol: 4 });
    node.publisher.start();
    await eventually(() => /the broker refuses .*\/request\/#: .*0x80/.test(node.publisher.link().reason ?? ''));
    expect(node.logged.filter(({ msg }) => msg === 'mqtt: cannot subscribe')).toHaveLength(1);

    permitted = true;
    await eventually(() => node.publisher.link().ok);
    expect(node.publisher.stats().reconnects).toBe(0);
    await node[Symbol.asyncDispose]();
    await new Promise<void>((resolve) => broker.close(resolve));
    server.close();
  });
});
