/**
 * What MQTT clients classically get wrong. Elsewhere: the first connect fails (session), passwords and certificates
 * change (session, faults, app/link-faults), cuts inside a packet (faults), two clients with one id (take-over).
 */
import { once } from 'node:events';
import net from 'node:net';
import { Aedes } from 'aedes';
import { describe, expect, it } from 'vitest';
import type { ResponseMessage, StateMessage } from '../../src/contract/messages.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { PACKET, Relay } from './network.js';
import { eventually, testNode } from './node.js';

const BASE = 'fastsam/v1/line-3';

describe.skipIf(!hasMosquitto)('pitfalls (needs mosquitto)', { timeout: 60_000 }, () => {
  it.each([5, 4] as const)('a refused CONNACK is no connection: nothing goes out, nobody believes so (protocol %i)', async (protocol) => {
    await using broker = await Broker.start({ users: { node: 'right' } });
    await using node = testNode({ url: broker.url, username: 'node', protocol });
    node.publisher.start();
    await eventually(() => node.logged.filter(({ msg }) => msg === 'mqtt: cannot connect').length >= 3);
    node.publisher.publishResult('belt', '{}');
    expect(node.publisher.stats()).toMatchObject({ published: 0, connectedSince: null, dropped: { 'cameras/belt/result': 1 } });
    const reasonCode = protocol === 5 ? '0x87' : '0x05';
    expect(node.publisher.link()).toMatchObject({ ok: false, reason: expect.stringContaining(`(reason code ${reasonCode})`) });
    expect(node.logged.filter(({ msg }) => msg === 'mqtt: connected')).toEqual([]);
  });

  it('a retained request that the broker sends again at a reconnect is ignored again', async () => {
    await using broker = await Broker.start();
    const observer = await broker.observe(`${BASE}/#`);
    await observer.publish(`${BASE}/request/prompt/set`, '{"id":"old","prompts":[{"type":"everything"}]}', { retain: true });
    const relay = await Relay.start(broker.port);
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}` });
    node.publisher.start();
    await eventually(() => node.publisher.stats().requests.ignored === 1);
    const cut = relay.cutInside(PACKET.publish);
    node.status.setState('ready');
    await cut;
    await eventually(() => node.publisher.stats().requests.ignored === 2);
    await observer.publish(`${BASE}/request/read/ping`, '{"id":"new"}');
    await observer.untilJson<ResponseMessage>(`${BASE}/response/read/ping`, ({ id }) => id === 'new');
    expect(observer.received.filter(({ topic }) => topic.endsWith('response/prompt/set'))).toEqual([]);
    expect(node.register.get({}).map(({ revision }) => revision)).toEqual([1, 1]);
    await relay.stop();
  });

  it('the will of a run that crashed has its bootId, and the run after it has the last word', async () => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    const observer = await broker.observe(`${BASE}/#`);
    await using crashed = testNode({ url: `mqtt://127.0.0.1:${relay.port}` });
    crashed.publisher.start();
    crashed.status.setState('ready');
    await observer.untilJson<StateMessage>(`${BASE}/state`, ({ state }) => state === 'ready');
    await observer.until(`${BASE}/availability`, (text) => text === 'online');
    // Its machine loses power: the broker does not know yet.
    relay.freeze();
    relay.open = false;

    await using node = testNode({ url: broker.url });
    const from = observer.received.length;
    node.publisher.start();
    node.status.setState('ready');
    await observer.untilJson<StateMessage>(`${BASE}/state`, ({ state, bootId }) => state === 'ready' && bootId === node.bootId, from);
    await observer.until(`${BASE}/availability`, (text) => text === 'online', from);
    const states = observer.received.slice(from).filter(({ topic }) => topic === `${BASE}/state`);
    const wills = states.map(({ text }) => JSON.parse(text) as StateMessage).filter(({ state }) => state === 'lost');
    expect(wills.map(({ bootId }) => bootId)).toEqual([crashed.bootId]);
    const late = await broker.observe(`${BASE}/#`);
    expect(await late.untilJson<StateMessage>(`${BASE}/state`)).toMatchObject({ state: 'ready', bootId: node.bootId });
    expect((await late.until(`${BASE}/availability`)).text).toBe('online');
    await relay.stop();
  });

  it('a restart that was asked for is not taken for a loss: no will is sent', async () => {
    await using broker = await Broker.start();
    const observer = await broker.observe(`${BASE}/#`);
    const first = testNode({ url: broker.url });
    first.publisher.start();
    await observer.until(`${BASE}/availability`, (text) => text === 'online');
    await first.publisher.stop('restart', 2000);
    const from = observer.received.length;
    await using second = testNode({ url: broker.url });
    second.publisher.start();
    await observer.untilJson<StateMessage>(`${BASE}/state`, ({ bootId }) => bootId === second.bootId, from);
    await observer.until(`${BASE}/availability`, (text) => text === 'online', from);
    expect(observer.received.filter(({ text }) => text.includes('"lost"'))).toEqual([]);
    await first[Symbol.asyncDispose]();
  });
});

describe('a broker that looks closely', { timeout: 60_000 }, () => {
  it('gets a user name without a password as just that', async () => {
    const broker = await Aedes.createBroker();
    const logins: [string | undefined, Buffer | undefined][] = [];
    broker.authenticate = (_client, username, password, done) => {
      logins.push([username, password]);
      done(null, username === 'robot' && password === undefined);
    };
    const server = net.createServer(broker.handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const node = testNode({ url: `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`, protocol: 4, username: 'robot' });
    node.publisher.start();
    await eventually(() => node.publisher.link().ok);
    expect(logins[0]).toEqual(['robot', undefined]);
    await node[Symbol.asyncDispose]();
    await new Promise<void>((resolve) => broker.close(resolve));
    server.close();
  });
});
