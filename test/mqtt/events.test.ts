/** Events: in order, once each by id, over whatever the broker and the process go through. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type EventMessage, eventMessageSchema } from '../../src/contract/messages.js';
import { openDiskStore } from '../../src/events/disk-store.js';
import { type EventStore, MemoryEventStore } from '../../src/events/event-store.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { Relay } from './network.js';
import { eventually, testNode } from './node.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-events-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function event(n: number, ts = new Date()): EventMessage {
  const eventId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const bootId = '00000000-0000-4000-8000-000000000000';
  return { v: 1, node: 'line-3', camera: 'belt', bootId, eventId, ts: ts.toISOString(), replayed: false, type: 'camera-lost' };
}

const ROW_BYTES = Buffer.byteLength(JSON.stringify(event(1)));
const numbersOf = (events: readonly { readonly event: EventMessage }[]) =>
  events.map(({ event: { eventId } }) => Number(eventId.slice(-12)));

describe.each([
  [
    'disk',
    (bounds: { maxBytes: number; maxAgeS: number }): Promise<EventStore> =>
      openDiskStore({ file: join(folder, 'deep/events.db'), ...bounds }),
  ],
  ['memory', async (bounds: { maxBytes: number; maxAgeS: number }): Promise<EventStore> => new MemoryEventStore(bounds)],
])('event store in %s', (_where, open) => {
  it('gives back what it was given, in order, until it is removed', async () => {
    const store = await open({ maxBytes: 1e6, maxAgeS: 100 });
    expect((await store.append([event(1), event(2)])).state).toMatchObject({ depth: 2, bytes: 2 * ROW_BYTES });
    await store.append([event(3)]);
    const read = await store.read(0, 2);
    expect(numbersOf(read)).toEqual([1, 2]);
    expect(read[0]!.event).toEqual({ ...event(1), ts: read[0]!.event.ts });
    expect(numbersOf(await store.read(read[1]!.number, 10))).toEqual([3]);
    expect(await store.remove([read[0]!.number, read[0]!.number, 999])).toMatchObject({ depth: 2, bytes: 2 * ROW_BYTES });
    expect(numbersOf(await store.read(0, 10))).toEqual([2, 3]);
    await store.close();
  });

  it('evicts the oldest beyond its bytes, and counts them', async () => {
    const store = await open({ maxBytes: 3 * ROW_BYTES, maxAgeS: 100 });
    const { state, last } = await store.append([3, 4, 5, 6, 7].map((n) => event(n)));
    expect(state).toEqual({ depth: 3, bytes: 3 * ROW_BYTES, evicted: { age: 0, bytes: 2, unreadable: 0 } });
    const kept = await store.read(0, 10);
    expect(numbersOf(kept)).toEqual([5, 6, 7]);
    expect(kept.map(({ number }) => last - number)).toEqual([2, 1, 0]);
    await store.close();
  });
});

// Of events on disk see event-database.test.ts.
describe('event store in memory', () => {
  afterEach(() => void vi.useRealTimers());

  it('evicts what has waited too long, whatever the clock says', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const store = new MemoryEventStore({ maxBytes: 1e6, maxAgeS: 100 });
    const { state } = await store.append([event(1, new Date(2001, 1)), event(2)]);
    expect(state.depth).toBe(2);
    vi.advanceTimersByTime(101_000);
    expect((await store.append([event(3)])).state).toMatchObject({ depth: 1, evicted: { age: 2 } });
  });
});

describe('event store on disk', () => {
  const settings = () => ({ file: join(folder, 'events.db'), maxBytes: 1e6, maxAgeS: 1000 });

  it('outlives its process, and never gives a number twice', async () => {
    const first = await openDiskStore(settings());
    await first.append([event(1), event(2)]);
    const [one, two] = await first.read(0, 10);
    await first.remove([two!.number]);
    await first.close();
    const second = await openDiskStore(settings());
    expect(second.initial).toMatchObject({ depth: 1, bytes: ROW_BYTES });
    await second.append([event(3)]);
    const read = await second.read(0, 10);
    expect(numbersOf(read)).toEqual([1, 3]);
    expect(read.map(({ number }) => number)).toEqual([one!.number, two!.number + 1]);
    await second.close();
  });

  it.each([['text', 'this is no database, and it is long enough to be taken for one\n'.repeat(50)]])(
    'puts a file of %s aside and begins anew',
    async (_what, content) => {
      await writeFile(settings().file, content);
      const store = await openDiskStore(settings());
      await store.append([event(1)]);
      expect(numbersOf(await store.read(0, 10))).toEqual([1]);
      await store.close();
      expect(await readdir(folder)).toContain('events.db.unreadable');
    },
  );

  it('says which file it cannot open', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openDiskStore({ ...settings(), file: join(folder, 'file/events.db') })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('file/events.db'),
    });
  });
});

/** Restarts of the broker; 50 in the long version (make soak-mqtt). */
const RESTARTS = Number(process.env.MQTT_RESTARTS ?? 4);

describe.skipIf(!hasMosquitto)('events (needs mosquitto)', { timeout: 60_000 + RESTARTS * 5000 }, () => {
  const lost = { type: 'camera-lost', reason: 'unplugged' } as const;

  it('are replayed in order and marked when the broker comes, with those of an earlier run first', async () => {
    await using broker = await Broker.start();
    await broker.kill();
    const first = testNode({ url: broker.url }, { stateDirectory: folder });
    first.publisher.start();
    for (let k = 0; k < 40; k += 1) first.publisher.publishEvent('belt', { type: 'camera-back', awayMs: k });
    await first[Symbol.asyncDispose]();
    await broker.restart();
    const observer = await broker.observe(`${first.base}/cameras/+/event`);
    await using second = testNode({ url: broker.url }, { stateDirectory: folder });
    second.publisher.start();
    await eventually(() => second.publisher.stats().connectedSince !== null);
    second.publisher.publishEvent('gate', lost);
    const live = await observer.untilJson<EventMessage>(`${first.base}/cameras/gate/event`);
    expect(live).toMatchObject({ bootId: second.bootId, ...lost });
    const replayed = observer.received
      .filter(({ topic }) => topic.includes('/belt/'))
      .map(({ text }) => eventMessageSchema.parse(JSON.parse(text)));
    expect(replayed.map((message) => (message.type === 'camera-back' ? message.awayMs : -1))).toEqual(
      Array.from({ length: 40 }, (_, k) => k),
    );
    expect(replayed.every(({ replayed: marked, bootId }) => marked && bootId === first.bootId)).toBe(true);
    await eventually(() => second.publisher.stats().spool.depth === 0);
  });

  it('are replayed at a limited rate', async () => {
    await using broker = await Broker.start();
    const relay = await Relay.start(broker.port);
    relay.open = false;
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}` }, { stateDirectory: folder, replayPerSecond: 20 });
    node.publisher.start();
    for (let k = 0; k < 30; k += 1) node.publisher.publishEvent('belt', lost);
    // Before the node can connect: no event is missed.
    const observer = await broker.observe(`${node.base}/cameras/+/event`);
    relay.open = true;
    await observer.until(`${node.base}/cameras/belt/event`);
    const from = performance.now();
    await eventually(() => observer.received.length === 30);
    expect(performance.now() - from).toBeGreaterThan(1000);
    await relay.stop();
  });

  it('go on without a disk, and say so', async () => {
    await using broker = await Broker.start();
    await writeFile(join(folder, 'file'), '');
    await using node = testNode({ url: broker.url }, { stateDirectory: join(folder, 'file') });
    const observer = await broker.observe(`${node.base}/#`);
    node.publisher.start();
    node.publisher.publishEvent('belt', lost);
    await observer.until(`${node.base}/cameras/belt/event`);
    expect(await observer.untilJson(`${node.base}/alert/events-unsaved`)).toMatchObject({ severity: 'warning' });
  });

  it(`arrive once each by id and in order while the broker is killed ${RESTARTS} times, with state right after each`, async () => {
    // What mosquitto has acknowledged and not yet sent on would die with it.
    await using broker = await Broker.start({ config: ['max_inflight_messages 0'] });
    const relay = await Relay.start(broker.port);
    await using node = testNode({ url: `mqtt://127.0.0.1:${relay.port}` }, { stateDirectory: folder, replayPerSecond: 1000 });
    node.publisher.start();
    node.status.setState('ready');
    let sent = 0;
    const publishing = setInterval(() => {
      node.publisher.publishEvent('belt', { type: 'camera-back', awayMs: sent });
      sent += 1;
    }, 5);
    const order = new Map<string, number>();
    let copies = 0;
    // What is held when garbage is out: resident memory tells more of the collector than of the node.
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held: number[] = [];
    let restoredMs = 0;
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      // The consumer is there before the node: mosquitto keeps no session over a kill.
      const consumer = await broker.observe(`${node.base}/#`);
      consumer.client.on('message', (topic, payload) => {
        if (!topic.endsWith('/event')) return;
        const { eventId, ...rest } = JSON.parse(payload.toString()) as EventMessage;
        copies += 1;
        if (!order.has(eventId) && rest.type === 'camera-back') order.set(eventId, rest.awayMs);
      });
      const closed = new Promise((resolve) => consumer.client.once('close', () => resolve(undefined)));
      const before = order.size;
      const began = performance.now();
      relay.open = true;
      for (const retained of ['state', 'availability', 'cameras/belt/prompts']) await consumer.until(`${node.base}/${retained}`);
      restoredMs = Math.max(restoredMs, performance.now() - began);
      await eventually(() => order.size > before + 20);
      if (restart === RESTARTS - 1) break;
      relay.open = false;
      await broker.kill();
      await closed;
      const away = sent;
      await eventually(() => sent > away + 10);
      await broker.restart();
      // The test itself keeps nothing.
      consumer.received.length = 0;
      node.logged.length = 0;
      collect();
      const { heapUsed, external } = process.memoryUsage();
      held.push((heapUsed + external) / 1e6);
    }
    clearInterval(publishing);
    await eventually(() => order.size === sent);
    const arrived = [...order.values()];
    expect(arrived).toEqual(Array.from({ length: sent }, (_, k) => k));
    process.stderr.write(
      `events: ${sent} sent and arrived in order, ${copies - sent} copies, state restored within ${restoredMs.toFixed(0)} ms, memory held after the first restart ${held[0]?.toFixed(1)} MB, after the last ${held.at(-1)?.toFixed(1)}\n`,
    );
    await relay.stop();
  });
});
