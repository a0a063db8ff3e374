/** Packets that are too large are refused before they are kept: the meter itself, and the node's link over a real socket. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { expect, it } from 'vitest';
import { PacketLimit } from '../../src/contract/packet-limit.js';
import { figure, mainThreadMs } from '../helpers/figure.js';
import { eventually, testNode } from '../mqtt/node.js';

const publish = (bytes: number) =>
  mqttPacket.generate({ cmd: 'publish', topic: 't', payload: Buffer.alloc(bytes), qos: 0, dup: false, retain: false });

it('lets packets of any sizes and chunks pass up to the limit, and says the size of the first beyond', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 8 });
  fc.assert(
    fc.property(
      sizes,
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }),
      fc.integer({ min: 2, max: 40_000 }),
      (payloads, cuts, max) => {
        const limit = new PacketLimit(max);
        const bytes = Buffer.concat(payloads.map(publish));
        let told: number | undefined;
        for (let at = 0, k = 0; at < bytes.length && told === undefined; k += 1) {
          const end = at + cuts[k % cuts.length]!;
          told = limit.exceeded(bytes.subarray(at, end));
          at = end;
        }
        // Two bytes of the topic's length and one of its text.
        expect(told).toBe(payloads.map((payload) => payload + 3).find((size) => size > max));
      },
    ),
  );
});

it('refuses a length of more than four bytes', () => {
  expect(new PacketLimit(2 ** 31).exceeded(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x7f]))).toBe(Number.POSITIVE_INFINITY);
});

it('a broker that sends 200 MB under MQTT 3.1.1 is left with the reason, and costs little memory', { timeout: 60_000 }, async () => {
  const rest = Buffer.alloc(1 << 20);
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write(mqttPacket.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }));
      // The head of a PUBLISH of 200 MB.
      socket.write(Buffer.from([0x30, 0x80, 0x84, 0xaf, 0x5f, 0, 1, 116]));
      const flood = () => {
        while (!socket.destroyed && socket.write(rest));
      };
      socket.on('drain', flood);
      flood();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  writeFileSync('/proc/self/clear_refs', '5');
  const memory = (kind: string) => Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  const before = memory('VmRSS');
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const busy = mainThreadMs();
  await using node = testNode({ url: `mqtt://127.0.0.1:${(server.address() as net.AddressInfo).port}`, protocol: 4 });
  node.publisher.start();
  await eventually(() => node.logged.some(({ reason }) => /a packet of 200000000 bytes; at most 2097152 are taken/.test(String(reason))));
  await eventually(() => sockets.length > 3);
  const growth = memory('VmHWM') - before;
  loop.disable();
  figure({ what: `200 MB under MQTT 3.1.1, ${sockets.length} connections: memory`, value: growth, unit: 'MiB', most: 150 });
  figure({ what: '200 MB under MQTT 3.1.1: longest stall', value: Math.min(loop.max / 1e6, mainThreadMs() - busy), unit: 'ms', most: 250 });
  expect(growth).toBeLessThan(150);
  for (const socket of sockets) socket.destroy();
  server.close();
});
