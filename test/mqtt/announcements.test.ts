/** Health, alerts, snapshots: what a node says unasked. */
import { describe, expect, it } from 'vitest';
import { alertMessageSchema, type HealthMessage, healthMessageSchema } from '../../src/contract/messages.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { eventually, testNode } from './node.js';

describe.skipIf(!hasMosquitto)('announcements (needs mosquitto)', { timeout: 20_000 }, () => {
  it('keeps health retained, again after the broker lost it', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url });
    const since = '2026-01-01T00:00:00.000Z';
    const health: HealthMessage = {
      v: 1,
      node: 'line-3',
      bootId: node.bootId,
      ts: since,
      ok: false,
      subsystems: { engine: { ok: true, since }, 'camera/belt': { ok: false, reason: 'no frame for 5 s', since } },
    };
    node.status.setHealth(health);
    node.publisher.start();
    const live = await broker.observe(`${node.base}/health`);
    expect(healthMessageSchema.parse(await live.untilJson(`${node.base}/health`))).toEqual(health);
    await broker.restart();
    const after = await broker.observe(`${node.base}/health`);
    const message = await after.until(`${node.base}/health`);
    expect(message.packet.properties).toMatchObject({ contentType: 'application/json', userProperties: { schema: 'fastsam.v1.health' } });
  });

  it('raises an alert, keeps since when, empties the topic when it is cleared', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url });
    node.publisher.start();
    const observer = await broker.observe(`${node.base}/alert/#`);
    const topic = `${node.base}/alert/disk-full`;
    node.status.setAlert('disk-full', { severity: 'warning', message: '90 % used' });
    const first = alertMessageSchema.parse(await observer.untilJson(topic));
    node.status.setAlert('disk-full', { severity: 'critical', message: '99 % used' });
    const second = await observer.untilJson<{ severity: string; since: string }>(topic, ({ severity }) => severity === 'critical');
    expect(second.since).toBe(first.since);
    expect(Object.keys(node.status.alerts())).toEqual(['disk-full']);

    node.status.clearAlert('disk-full');
    await observer.until(topic, (text) => text === '');
    const late = await broker.observe(`${node.base}/#`);
    await late.until(`${node.base}/state`);
    expect(late.received.filter((message) => message.topic.includes('/alert/'))).toEqual([]);
  });

  it('clears an alert that an earlier run left behind, and no other', async () => {
    await using broker = await Broker.start();
    const observer = await broker.observe('fastsam/v1/line-3/alert/#');
    const left = JSON.stringify({ severity: 'warning', message: 'old', since: '2026-01-01T00:00:00.000Z' });
    for (const id of ['old', 'still']) await observer.publish(`fastsam/v1/line-3/alert/${id}`, left, { retain: true });
    await using node = testNode({ url: broker.url });
    node.status.setAlert('still', { severity: 'warning', message: 'still so' });
    node.publisher.start();
    await observer.until(`${node.base}/alert/old`, (text) => text === '');
    await observer.until(`${node.base}/alert/still`, (text) => text.includes('still so'));
    expect(observer.received.filter(({ topic, text }) => topic.endsWith('/still') && text === '')).toEqual([]);
  });

  it('publishes a snapshot as a JPEG', async () => {
    await using broker = await Broker.start();
    await using node = testNode({ url: broker.url });
    node.publisher.start();
    await eventually(() => node.publisher.stats().connectedSince !== null);
    const observer = await broker.observe(`${node.base}/cameras/belt/snapshot`);
    node.publisher.publishSnapshot('belt', Buffer.from([0xff, 0xd8, 0xff]));
    const { packet } = await observer.until(`${node.base}/cameras/belt/snapshot`);
    expect(packet).toMatchObject({ qos: 0, retain: false, payload: Buffer.from([0xff, 0xd8, 0xff]) });
    expect(packet.properties?.contentType).toBe('image/jpeg');
  });
});
