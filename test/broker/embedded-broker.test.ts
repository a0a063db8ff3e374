/** The embedded broker under attack: over real sockets, with the real client. `BROKER_SECONDS` lengthens the guessing. */
import { type EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mqtt from 'mqtt';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedBroker } from '../../src/broker/embedded-broker.js';
import { mqttSchema } from '../../src/config/sections/mqtt.js';
import { figure } from '../helpers/figure.js';
import { testNode } from '../mqtt/node.js';

const SECONDS = Number(process.env.BROKER_SECONDS ?? 2);
/** Of the broker, of the first packet. */
const MAX_CONNECT_BYTES = 16 * 1024;
const log = pino({ level: 'silent' });

describe('the embedded broker', { timeout: 60_000 + SECONDS * 1000 }, () => {
  let folder = '';
  let broker: EmbeddedBroker;
  let url = '';
  const config = mqttSchema.parse({ broker: 'embedded', username: 'robot' });
  const sockets: net.Socket[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-broker-'));
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'right\n');
    broker = new EmbeddedBroker({ config: { ...config, embedded: { host: '127.0.0.1', port: 0 }, passwordFile }, log });
    await broker.start();
    url = broker.url;
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await broker.stop();
    await rm(folder, { recursive: true });
  });

  async function silent(): Promise<net.Socket> {
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  const client = (password = 'right', username = 'robot') =>
    mqtt.connectAsync(url, { protocolVersion: 4, username, password, reconnectPeriod: 0, connectTimeout: 6000 });

  const event = (from: mqtt.MqttClient, name: string) => once(from as unknown as EventEmitter, name);

  /** CONNECT of MQTT 3.1.1 with a remaining length of `length`. */
  function connectHead(length: number): Buffer {
    const bytes = [0x10];
    for (let left = length; ; left = Math.floor(left / 128)) {
      bytes.push((left % 128) | (left >= 128 ? 0x80 : 0));
      if (left < 128) break;
    }
    return Buffer.from([...bytes, 0, 4, ...Buffer.from('MQTT'), 4, 0xc2, 0, 60, 0, 1, 97]);
  }

  it('lets a client in beside 200 silent sockets', async () => {
    for (let k = 0; k < 200; k += 1) await silent();
    const begin = performance.now();
    const connected = await client();
    figure({ what: 'login, beside 200 silent sockets', value: performance.now() - begin, unit: 'ms', most: 6000 });
    await connected.endAsync();
  });

  it('keeps nothing of a first packet that is too large', async () => {
    const socket = await silent();
    const closed = once(socket, 'close');
    socket.write(connectHead(240 * 1024 * 1024));
    await closed;
  });

  it('ends a client that sends too large a packet after its login', async () => {
    const connected = await client();
    connected.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => connected.once('close', () => resolve()));
    connected.publish('x', Buffer.alloc(5 * 1024 * 1024));
    await closed;
  });

  it('tries few wrong passwords of an address, and lets the right one in again soon', async () => {
    let tried = 0;
    let refused = 0;
    const until = performance.now() + SECONDS * 1000;
    while (performance.now() < until) {
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => client('wrong')));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') throw new Error('a wrong password was accepted');
        if (outcome.reason.code === 4) tried += 1;
        else refused += 1;
      }
    }
    figure({ what: `wrong passwords of one address that are looked at, a second, over ${SECONDS} s`, value: tried / SECONDS, most: 10 });
    figure({ what: 'logins refused without a look at the password, a second', value: refused / SECONDS });
    expect(tried).toBeLessThanOrEqual(10 + 5 * (SECONDS + 5));
    expect(refused).toBeGreaterThan(0);
    await delay(1000);
    await (await client()).endAsync();
  });

  it('grants a client 100 subscriptions, and a ping beside it is answered', async () => {
    const greedy = await client();
    const filters = Array.from({ length: 20_000 }, (_, k) => `a/${k}/+/#`);
    const granted = await greedy.subscribeAsync(filters).catch((error) => error.packet.granted.map((qos: number) => ({ qos })));
    expect(granted.filter(({ qos }: { qos: number }) => qos < 0x80)).toHaveLength(100);
    const other = await client();
    await other.subscribeAsync('ping');
    const begin = performance.now();
    const heard = event(other, 'message');
    other.publish('ping', 'x');
    await heard;
    figure({
      what: 'delivery of a message, beside a client that asked for 20,000 subscriptions',
      value: performance.now() - begin,
      unit: 'ms',
      most: 1000,
    });
    await greedy.unsubscribeAsync(filters.slice(0, 50));
    await greedy.subscribeAsync('b/#');
    await Promise.all([greedy.endAsync(), other.endAsync()]);
  });

  it('holds little of each connection before its login', async () => {
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
    // Both ends of the connections are in this process; the clients write once and keep nothing.
    const begun = Buffer.concat([connectHead(MAX_CONNECT_BYTES - 100), Buffer.alloc(MAX_CONNECT_BYTES - 200)]);
    const round = async () => {
      const opened = await Promise.all(Array.from({ length: 32 }, silent));
      for (const socket of opened) socket.write(begun);
      await delay(300);
      return opened;
    };
    for (const socket of await round()) socket.destroy();
    await delay(300);
    const before = memory();
    await round();
    figure({
      what: 'memory of a connection before its login, with 16 KiB of an unfinished CONNECT',
      value: (memory() - before) / 32,
      unit: 'KiB',
      most: 64,
    });
  });

  it('answers a ping beside a client that tries for 20,000 subscriptions and 20,000 retained messages', async () => {
    const other = await client();
    await other.subscribeAsync('ping');
    let longest = 0;
    let isOver = false;
    const pings = (async () => {
      while (!isOver) {
        const begin = performance.now();
        const heard = event(other, 'message');
        other.publish('ping', 'x');
        await heard;
        longest = Math.max(longest, performance.now() - begin);
        await delay(20);
      }
    })();
    const greedy = await client();
    const closed = new Promise<void>((resolve) => greedy.once('close', () => resolve()));
    greedy.on('error', () => undefined);
    for (let k = 0; k < 200; k += 1) {
      await greedy.subscribeAsync(Array.from({ length: 100 }, (_, n) => `a/${k}/${n}/+/#`)).catch(() => undefined);
    }
    for (let k = 0; k < 20_000; k += 1) greedy.publish(`retained/${k}`, 'x', { retain: true });
    await closed;
    isOver = true;
    await pings;
    figure({
      what: 'longest wait of a client, beside one with 20,000 subscriptions and 20,000 retained messages',
      value: longest,
      unit: 'ms',
      most: 1000,
    });
    await other.endAsync();
  });

  it('retains a bounded number of messages', async () => {
    const greedy = await client();
    greedy.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => greedy.once('close', () => resolve()));
    for (let k = 0; k < 4097; k += 1) greedy.publish(`retained/${k}`, 'x', { retain: true });
    await closed;
    // What is there may be replaced and removed.
    const other = await client();
    await other.publishAsync('retained/1', 'y', { retain: true, qos: 1 });
    await other.publishAsync('retained/2', '', { retain: true, qos: 1 });
    await other.publishAsync('retained/new', 'y', { retain: true, qos: 1 });
    await other.endAsync();
  });

  it('has a way in for its own node that needs no socket and no password', async () => {
    const connected: mqtt.MqttClient[] = [];
    for (let k = 0; k < 100; k += 1) connected.push(await client());
    await expect(client()).rejects.toMatchObject({ code: 3 });
    for (let k = 0; k < 120; k += 1) await silent();
    await using node = testNode({ url: 'mqtt://127.0.0.1:1', protocol: 4 }, { connect: () => broker.link() });
    await node.publisher.start();
    const heard = event(connected[0]!, 'message');
    await connected[0]!.subscribeAsync('fastsam/v1/+/state');
    const [topic] = await heard;
    expect(topic).toMatch(/state$/);
    await Promise.all(connected.map((each) => each.endAsync()));
  });
});
