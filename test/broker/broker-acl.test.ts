/** config/broker/mosquitto.acl on a real mosquitto: what each role may, and what it may not. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ResponseMessage } from '../../src/contract/messages.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { eventually, testNode } from '../mqtt/node.js';

const template = readFileSync(new URL('../../config/broker/mosquitto.acl', import.meta.url), 'utf8');
const USERS = Object.fromEntries(['line-3', 'operator', 'admin', 'viewer'].map((user) => [user, 'secret']));

describe.skipIf(!hasMosquitto)('the ACL for mosquitto', { timeout: 60_000 }, () => {
  it('lets each role do its work and nothing else', async () => {
    const broker = await Broker.start({ users: USERS, acl: template.replaceAll('node-example', 'line-3') });
    await using _broker = broker;
    const passwordFile = join(broker.folder, 'node-password');
    await writeFile(passwordFile, 'secret\n');
    await using node = testNode({ url: broker.url, username: 'line-3', passwordFile, admin: true });
    const as = (username: string) => ({ username, password: 'secret' });
    const operator = await broker.observe('fastsam/v1/#', as('operator'));
    const viewer = await broker.observe(`${node.base}/#`, as('viewer'));
    node.publisher.start();
    node.status.setState('ready');
    node.status.setAlert('hot', { severity: 'warning', message: 'hot' });
    await operator.untilJson(`${node.base}/state`, ({ state }) => state === 'ready');
    node.publisher.publishEvent('belt', { type: 'camera-lost' });
    await viewer.until(`${node.base}/cameras/belt/event`);

    // The node: requests come, answers go, also to a response topic.
    const ask = async (verb: string, id: string) => {
      await operator.publish(`${node.base}/request/${verb}`, JSON.stringify({ id }), {
        properties: { responseTopic: 'fastsam/v1/clients/operator/1' },
      });
    };
    await ask('read/ping', 'o1');
    await operator.untilJson<ResponseMessage>('fastsam/v1/clients/operator/1', ({ id }) => id === 'o1');
    await ask('prompt/clear', 'o2');
    await operator.untilJson<ResponseMessage>(`${node.base}/response/prompt/clear`, ({ id }) => id === 'o2');

    // An operator may not administrate, nor speak for a node; mosquitto refuses with 0x87.
    const refused = /not authorized/i;
    await expect(operator.publish(`${node.base}/request/admin/log-level`, '{"level":"debug"}')).rejects.toThrow(refused);
    await expect(operator.publish(`${node.base}/state`, '{}')).rejects.toThrow(refused);
    const admin = await broker.observe(`${node.base}/response/#`, as('admin'));
    await admin.publish(`${node.base}/request/admin/log-level`, '{"id":"a1","level":"debug"}');
    await admin.untilJson<ResponseMessage>(`${node.base}/response/admin/log-level`, ({ id }) => id === 'a1');
    expect(node.asked).toEqual(['log debug']);

    // A viewer sees neither requests nor answers, and asks for nothing.
    await expect(viewer.publish(`${node.base}/request/read/ping`, '{}')).rejects.toThrow(refused);
    expect(viewer.received.filter(({ topic }) => /\/(request|response)\//.test(topic))).toEqual([]);

    // A node speaks under its own name only.
    const impostor = await broker.client(as('line-3'));
    await expect(impostor.publishAsync('fastsam/v1/line-4/state', '{}', { qos: 1 })).rejects.toThrow(refused);
    await eventually(() => node.publisher.stats().spool.depth === 0);
  });

  it('grants every role what the table says and nothing else, to read and to write', async () => {
    const users = [...Object.keys(USERS), 'clients', 'jobs', '@fleet'];
    // The user who sees and says everything is there to test with.
    const acl = `${template.replaceAll('node-example', 'line-3')}\nuser all\ntopic readwrite #\n`;
    await using broker = await Broker.start({ users: Object.fromEntries([...users, 'all'].map((user) => [user, 'secret'])), acl });
    const told = ['state', 'availability', 'info', 'health', 'telemetry', 'alert/hot', 'cameras/belt/state', 'cameras/belt/prompts'];
    const seen = [...told, 'cameras/belt/result', 'cameras/belt/event'];
    const spoken = [...seen, 'cameras/belt/snapshot', 'response/read/ping', 'response/prompt/set', 'response/admin/reload'];
    const asked = ['request/read/ping', 'request/prompt/set', 'request/admin/reload'];
    const names = ['line-3', 'line-4', 'viewer', 'operator', 'clients', 'jobs', '@fleet'];
    const of = (node: string, topics: readonly string[]) => topics.map((topic) => `fastsam/v1/${node}/${topic}`);
    const jobs = ['jobs/inspect/request', 'jobs/inspect/response', 'jobs/inspect/workers/fastsamd-line-4-job-inspect-1'].map(
      (topic) => `fastsam/v1/${topic}`,
    );
    const clients = ['operator', 'admin', 'viewer'].map((user) => `fastsam/v1/clients/${user}/1`);
    const discovery = ['line-3', 'line-4'].map((node) => `homeassistant/device/${node}/config`);
    const topics = [...new Set([...names.flatMap((name) => of(name, [...spoken, ...asked])), ...jobs, ...clients, ...discovery, 'other'])];
    const everywhere = (list: readonly string[]) => names.flatMap((name) => of(name, list));
    const nothing = { read: [] as string[], write: [] as string[] };
    const table: Record<string, { read: string[]; write: string[] }> = {
      'line-3': {
        read: [...of('line-3', ['alert/hot', ...asked]), jobs[0]!, jobs[2]!],
        // Of the topics below clients/ those of the roles that ask: not those of others, nor what a node of that name would write.
        write: [...of('line-3', spoken), ...clients.slice(0, 2), jobs[1]!, jobs[2]!, discovery[0]!],
      },
      viewer: { read: everywhere(seen), write: [] },
      operator: {
        read: [...everywhere([...seen, 'cameras/belt/snapshot', 'response/read/ping', 'response/prompt/set']), clients[0]!, jobs[2]!],
        write: [...everywhere(asked.slice(0, 2)), jobs[0]!],
      },
      admin: { read: [...everywhere(spoken), clients[1]!, jobs[2]!], write: [...everywhere(asked), jobs[0]!] },
      clients: nothing,
      jobs: nothing,
      '@fleet': nothing,
    };
    const all = await broker.client({ username: 'all', password: 'secret' });
    for (const [user, { read, write }] of Object.entries(table)) {
      const client = await broker.client({ username: user, password: 'secret' });
      const written: string[] = [];
      for (const topic of topics) {
        await client.publishAsync(topic, 'x', { qos: 1 }).then(
          () => written.push(topic),
          () => undefined,
        );
      }
      expect(written.sort(), `${user} writes`).toEqual([...new Set(write)].filter((topic) => topics.includes(topic)).sort());
      const heard = new Set<string>();
      client.on('message', (topic) => heard.add(topic));
      await client.subscribeAsync(['#'], { qos: 1 }).catch(() => undefined);
      for (const topic of topics) await all.publishAsync(topic, 'y', { qos: 1 });
      // What was on its way to the client has arrived once the broker has answered it.
      await client.subscribeAsync('fence', { qos: 1 }).catch(() => undefined);
      expect([...heard].sort(), `${user} reads`).toEqual([...new Set(read)].filter((topic) => topics.includes(topic)).sort());
    }
  });

  it('that forgets something is noticed: what is refused is counted, logged with its code and said in health', async () => {
    const broker = await Broker.start({
      users: USERS,
      acl: 'user line-3\ntopic write fastsam/v1/line-3/state\nuser operator\ntopic read #\n',
    });
    await using _broker = broker;
    const passwordFile = join(broker.folder, 'node-password');
    await writeFile(passwordFile, 'secret\n');
    await using node = testNode({ url: broker.url, username: 'line-3', passwordFile });
    const observer = await broker.observe('fastsam/v1/#', { username: 'operator', password: 'secret' });
    node.publisher.start();
    await observer.until(`${node.base}/state`);
    node.status.setHealth({ v: 1, node: 'line-3', bootId: node.bootId, ts: '2026-01-01T00:00:00.000Z', ok: true, subsystems: {} });
    await eventually(() => node.logged.some(({ topic, reason }) => topic === `${node.base}/health` && String(reason).includes('0x87')));
    await eventually(() => node.publisher.stats().dropped.health! > 0);
    expect(node.publisher.link()).toMatchObject({ ok: false, reason: expect.stringMatching(/the broker refuses .*0x87/) });
    expect(node.publisher.stats().reconnects).toBe(0);
  });
});
