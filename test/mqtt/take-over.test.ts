/** Two clients with one id, on real brokers, none of which says why it throws the older one out. */
import mqtt from 'mqtt';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { EmbeddedBroker } from '../../src/broker/embedded-broker.js';
import { mqttSchema } from '../../src/config/sections/mqtt.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { eventually, type TestNode, testNode } from './node.js';

const HINT = /\d+ times in a row soon after connecting: another client may use client id "twin"; expected a unique mqtt.clientId or node/;

async function embeddedBroker(): Promise<{ readonly url: string } & AsyncDisposable> {
  const config = mqttSchema.parse({ broker: 'embedded', embedded: { port: await freePort() } });
  const broker = new EmbeddedBroker({ config, log: pino({ level: 'silent' }) });
  await broker.start();
  return { url: broker.url, [Symbol.asyncDispose]: () => broker.stop() };
}

describe('an id that another client has too', { timeout: 60_000 }, () => {
  it.each([
    ['mosquitto, MQTT 5', 5, hasMosquitto, () => Broker.start()],
    ['mosquitto, MQTT 3.1.1', 4, hasMosquitto, () => Broker.start()],
    ['the embedded broker', 4, true, embeddedBroker],
  ] as const)(
    'is named in log and health, and the node is back when the other has gone: %s',
    async (_where, protocol, available, start) => {
      if (!available) return;
      await using broker = await start();
      await using node = testNode({ url: broker.url, protocol, clientId: 'twin', reconnect: { minMs: 50, maxMs: 1000 } });
      node.publisher.start();
      await eventually(() => node.publisher.link().ok);
      const rival = mqtt.connect(broker.url, { clientId: 'twin', reconnectPeriod: 20 });
      rival.on('error', () => undefined);
      await eventually(() => HINT.test(node.publisher.link().reason ?? ''));
      expect(node.logged.some(({ msg, reason }) => msg === 'mqtt: disconnected' && HINT.test(String(reason)))).toBe(true);
      await rival.endAsync(true);
      await eventually(() => node.publisher.link().ok);
      const client = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 });
      const answer = new Promise<string>((resolve) => client.once('message', (_topic, payload) => resolve(payload.toString())));
      await client.subscribeAsync(`${node.base}/response/read/ping`);
      await client.publishAsync(`${node.base}/request/read/ping`, '{"id":"t1"}', { qos: 1 });
      expect(JSON.parse(await answer)).toMatchObject({ id: 't1', status: 'ok' });
      client.end(true);
    },
  );

  it.skipIf(!hasMosquitto)('two nodes both say so, and take turns ever more slowly', async () => {
    await using broker = await Broker.start();
    const minMs = 20;
    const options = { url: broker.url, clientId: 'twin', reconnect: { minMs, maxMs: 60_000 } };
    await using first = testNode(options);
    await using second = testNode(options);
    const nodes = [first, second];
    for (const { publisher } of nodes) publisher.start();
    const delaysOf = ({ logged }: TestNode) =>
      logged
        .filter(({ msg, clientId }) => msg === 'mqtt: next connection attempt' && clientId === 'twin')
        .map(({ delayMs }) => Number(delayMs));
    const says = ({ logged }: TestNode) => logged.some(({ msg, reason }) => msg === 'mqtt: disconnected' && HINT.test(String(reason)));
    await eventually(() => nodes.every(says));
    // One that stays away for longer than the other's limit lets it start anew, and so has the long delays alone. Only a
    // limit that has doubled five times allows so long a one; nothing but the other node makes it grow.
    await eventually(() => nodes.some((node) => delaysOf(node).some((delayMs) => delayMs > 16 * minMs)));
    for (const node of nodes) {
      expect(node.logged.filter(({ msg }) => msg === 'mqtt: cannot connect')).toEqual([]);
      // Each attempt may at most double the limit of the next: no delay is longer than it may be.
      for (const [k, delayMs] of delaysOf(node).entries()) expect(delayMs).toBeLessThanOrEqual(minMs * 2 ** k);
    }
  });

  it.skipIf(!hasMosquitto)('is not what a broker is taken for that goes away again and again', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url, clientId: 'twin' });
    node.publisher.start();
    for (let round = 0; round < 5; round += 1) {
      await eventually(() => node.publisher.link().ok);
      await broker.kill();
      await eventually(() => /ECONNREFUSED/.test(node.publisher.link().reason ?? ''));
      await broker.restart();
    }
    expect(node.logged.filter(({ reason }) => String(reason).includes('another client'))).toEqual([]);
    expect(node.logged.filter(({ msg, clientId }) => msg === 'mqtt: disconnected' && clientId === 'twin')).toHaveLength(5);
  });
});
