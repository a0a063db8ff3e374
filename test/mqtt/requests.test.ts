import { describe, expect, it } from 'vitest';
import type { InfoMessage, PromptsMessage, ResponseMessage, ResultMessage } from '../../src/contract/messages.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { eventually, type TestNode, testNode } from './node.js';

interface Setup extends AsyncDisposable {
  readonly broker: Broker;
  readonly node: TestNode;
  readonly observer: Observer;
  /** Sends a request and returns the answer on response/<verb> that follows it. */
  ask(verb: string, payload: unknown): Promise<ResponseMessage>;
}

async function setup(mqtt: Parameters<typeof testNode>[0] = {}): Promise<Setup> {
  const broker = await Broker.start();
  const node = testNode({ url: broker.url, ...mqtt });
  node.register.take('belt', 1920, 1080);
  node.publisher.start();
  node.status.setState('ready');
  const observer = await broker.observe('fastsam/v1/#');
  await observer.until(`${node.base}/state`);
  return {
    broker,
    node,
    observer,
    ask: async (verb, payload) => {
      const from = observer.received.length;
      const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
      await observer.publish(`${node.base}/request/${verb}`, body);
      return observer.untilJson<ResponseMessage>(`${node.base}/response/${verb}`, () => true, from);
    },
    [Symbol.asyncDispose]: async () => {
      await node[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const box = (...corners: number[]) => ({ type: 'box', box: corners });

describe.skipIf(!hasMosquitto)('requests through mosquitto', { timeout: 20_000 }, () => {
  it.each([5, 4] as const)('applies a prompt set at the frame boundary, announces it and answers (protocol %i)', async (protocol) => {
    await using s = await setup({ protocol });
    const answer = s.ask('prompt/set', { id: 'r1', camera: 'belt', prompts: [box(10, 20, 300, 400)] });
    await eventually(() => s.node.register.take('belt', 1920, 1080).revision === 2);
    expect(await answer).toEqual({ id: 'r1', node: 'line-3', status: 'ok', revision: 2 });

    const applied = await s.observer.untilJson<PromptsMessage>(`${s.node.base}/cameras/belt/prompts`, ({ revision }) => revision === 2);
    expect(applied.prompts).toEqual([{ id: 'p1', type: 'box', box: [10, 20, 300, 400], space: 'pixel', minIou: 0.1 }]);
    const topics = s.observer.received.map((message) => message.topic);
    expect(topics.lastIndexOf(`${s.node.base}/cameras/belt/prompts`)).toBeLessThan(
      topics.lastIndexOf(`${s.node.base}/response/prompt/set`),
    );

    const get = await s.ask('prompt/get', { camera: 'belt' });
    expect(get).toMatchObject({ id: null, status: 'ok', data: [{ camera: 'belt', revision: 2 }] });
    expect(await s.ask('prompt/get', {})).toMatchObject({ data: [{ camera: 'belt' }, { camera: 'gate', revision: 1 }] });
  });

  it('answers ping and info, with an empty payload too', async () => {
    await using s = await setup();
    expect(await s.ask('read/ping', '')).toMatchObject({ id: null, status: 'ok', data: { bootId: s.node.bootId, state: 'ready' } });
    expect(await s.ask('read/info', { id: 'i1' })).toEqual({ id: 'i1', node: 'line-3', status: 'ok', data: null });
    s.node.status.setInfo({ v: 1, node: 'line-3' } as InfoMessage);
    expect(await s.ask('read/info', { id: 'i2' })).toMatchObject({ id: 'i2', data: { node: 'line-3' } });
  });

  const manyPoints = JSON.stringify({ id: 'bad', prompts: [{ type: 'points', points: Array.from({ length: 10_000 }, () => [1, 2]) }] });
  const point = (x: string) => `{"id":"bad","prompts":[{"type":"points","points":[[${x},2]]}]}`;
  it.each([
    ['an unknown verb', 'prompt/frobnicate', '{"id":"bad"}', 'REQUEST_INVALID', /unknown request "prompt\/frobnicate".*prompt\/set/],
    ['a payload that is not JSON', 'prompt/set', '{"id":', 'REQUEST_INVALID', /JSON/],
    ['a payload that is not UTF-8', 'prompt/set', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'REQUEST_INVALID', /UTF-8/],
    ['1 MB', 'prompt/set', Buffer.alloc(1_000_000, 'x'), 'REQUEST_INVALID', /at most 65536 bytes, got 1000000/],
    ['deep nesting', 'prompt/set', '['.repeat(30_000), 'REQUEST_INVALID', /nested at most 16/],
    ['very many keys', 'prompt/set', `{${'"a":1,'.repeat(5000)}"b":1}`, 'REQUEST_INVALID', /at most 2000 keys/],
    ['10,000 points', 'prompt/set', manyPoints, 'PROMPT_INVALID', /prompts\[0\]\.points: .*1000/],
    ['NaN as a string', 'prompt/set', point('"NaN"'), 'PROMPT_INVALID', /prompts\[0\]\.points\[0\]\[0\]: .*number/],
    ['NaN', 'prompt/set', point('NaN'), 'REQUEST_INVALID', /JSON/],
    ['null for a number', 'prompt/set', point('null'), 'PROMPT_INVALID', /expected a number, got null/],
    ['a number beyond a double', 'prompt/set', point('1e999'), 'PROMPT_INVALID', /number/],
    ['a list instead of an object', 'prompt/set', '[]', 'REQUEST_INVALID', /object/],
    ['no prompts', 'prompt/set', '{"id":"bad"}', 'PROMPT_INVALID', /prompts: /],
    ['an unknown key', 'prompt/set', '{"id":"bad","prompts":[],"ttl":3}', 'REQUEST_INVALID', /"ttl"/],
    ['an unknown prompt type', 'prompt/set', '{"id":"bad","prompts":[{"type":"smell"}]}', 'PROMPT_INVALID', /box/],
    ['a box of the wrong shape', 'prompt/set', { id: 'bad', prompts: [box(1, 2, 3)] }, 'PROMPT_INVALID', /prompts\[0\]\.box/],
    ['a box inside out', 'prompt/set', { id: 'bad', prompts: [box(9, 9, 3, 3)] }, 'PROMPT_INVALID', /x1 < x2/],
    [
      'a box out of frame',
      'prompt/set',
      { id: 'bad', prompts: [box(1920, 0, 2000, 50)] },
      'PROMPT_INVALID',
      /"p1".*outside of the 1920x1080 frame of camera "belt"/,
    ],
    [
      'a point out of frame',
      'prompt/set',
      { id: 'bad', prompts: [{ type: 'points', points: [[5, 1080]] }] },
      'PROMPT_INVALID',
      /1920x1080/,
    ],
    [
      'normalized coordinates in pixels',
      'prompt/set',
      { id: 'bad', prompts: [{ ...box(1, 2, 30, 40), space: 'normalized' }] },
      'PROMPT_INVALID',
      /0…1/,
    ],
    ['an unknown camera', 'prompt/set', '{"id":"bad","camera":"roof","prompts":[]}', 'REQUEST_INVALID', /"roof".*belt, gate/],
    ['an old revision', 'prompt/clear', '{"id":"bad","ifRevision":7}', 'REVISION_CONFLICT', /expected revision 7.*at 1/],
  ])('answers %s with an error and keeps the old prompts', async (_what, verb, payload, code, message) => {
    await using s = await setup();
    const answer = await s.ask(verb, payload);
    expect(answer).toMatchObject({ status: 'error', code, error: expect.stringMatching(message) });
    expect(answer.error).not.toContain('\n');
    expect(answer.id === null || answer.id === 'bad').toBe(true);
    expect(s.node.register.take('belt', 1920, 1080)).toEqual({ revision: 1, prompts: [], sinceMs: expect.any(Number) });
    expect(s.node.register.get({}).map(({ revision }) => revision)).toEqual([1, 1]);
  });

  it('adds, replaces and removes prompts by id', async () => {
    await using s = await setup();
    const ids = () => s.node.register.get({ camera: 'gate' })[0]!.prompts.map(({ id, type }) => `${id} ${type}`);
    await s.ask('prompt/set', { camera: 'gate', prompts: [{ type: 'everything' }] });
    expect(await s.ask('prompt/add', { camera: 'gate', prompts: [box(1, 2, 3, 4), { ...box(1, 2, 3, 4), id: 'tool' }] })).toMatchObject({
      revision: 3,
    });
    expect(ids()).toEqual(['p1 everything', 'p2 box', 'tool box']);
    await s.ask('prompt/add', { camera: 'gate', prompts: [{ type: 'everything', id: 'tool' }] });
    expect(ids()).toEqual(['p1 everything', 'p2 box', 'tool everything']);
    expect(await s.ask('prompt/remove', { camera: 'gate', ids: ['p1', 'p2'] })).toMatchObject({ status: 'ok', revision: 5 });
    expect(ids()).toEqual(['tool everything']);
    expect(await s.ask('prompt/remove', { camera: 'gate', ids: ['p1'] })).toMatchObject({
      code: 'PROMPT_INVALID',
      error: expect.stringContaining('tool'),
    });
    const many = Array.from({ length: 100 }, () => ({ type: 'everything' }));
    expect(await s.ask('prompt/add', { camera: 'gate', prompts: many })).toMatchObject({
      code: 'PROMPT_INVALID',
      error: expect.stringContaining('got 101'),
    });
    expect(ids()).toEqual(['tool everything']);
  });

  it('reverts by itself after ttlS, and says until when', async () => {
    await using s = await setup();
    await s.ask('prompt/set', { camera: 'gate', ttlS: 1.5, prompts: [{ type: 'everything' }] });
    const topic = `${s.node.base}/cameras/gate/prompts`;
    const temporary = await s.observer.untilJson<PromptsMessage>(topic, ({ revision }) => revision === 2);
    expect(temporary.expiresAt).toMatch(/^20/);
    const after = await s.observer.untilJson<PromptsMessage>(topic, ({ revision }) => revision === 3);
    expect(after).toEqual(expect.not.objectContaining({ expiresAt: expect.anything() }));
    expect(after.prompts).toEqual([]);
  });

  it('answers a group with each of its nodes, and knows no other group', async () => {
    await using s = await setup({ groups: ['fleet'] });
    await s.observer.publish('fastsam/v1/@other/request/prompt/set', '{"id":"not-mine","prompts":[{"type":"everything"}]}');
    await s.observer.publish('fastsam/v1/@fleet/request/prompt/set', '{"id":"all","camera":"gate","prompts":[{"type":"everything"}]}');
    const answer = await s.observer.untilJson<ResponseMessage>(`${s.node.base}/response/prompt/set`);
    expect(answer).toEqual({ id: 'all', node: 'line-3', status: 'ok', revision: 2 });
  });

  it('tells health, schemas, and publishes a snapshot', async () => {
    await using s = await setup();
    expect(await s.ask('read/health', {})).toMatchObject({ data: { health: null, alerts: {} } });
    s.node.status.setAlert('hot', { severity: 'warning', message: '95 °C' });
    expect(await s.ask('read/health', {})).toMatchObject({ data: { alerts: { hot: { message: '95 °C' } } } });
    const { data: names } = await s.ask('read/schema', {});
    expect(names).toContain('fastsam.v1.request.prompt.set');
    const { data: schema } = await s.ask('read/schema', { name: 'fastsam.v1.result' });
    expect(schema).toMatchObject({ title: 'fastsam.v1.result', properties: { promptRevision: { type: 'integer' } } });
    expect(await s.ask('read/schema', { name: '__proto__' })).toMatchObject({ code: 'REQUEST_INVALID' });
    const { data: snapshot } = await s.ask('read/snapshot', { camera: 'belt' });
    expect(snapshot).toMatchObject({ topic: `${s.node.base}/cameras/belt/snapshot`, bytes: 3, width: 4, height: 3 });
    await s.observer.until(`${s.node.base}/cameras/belt/snapshot`);
  });

  it('refuses admin requests unless they are switched on', async () => {
    await using off = await setup();
    expect(await off.ask('admin/camera-restart', { camera: 'belt' })).toMatchObject({
      code: 'REQUEST_FORBIDDEN',
      error: expect.stringContaining('mqtt.admin: true'),
    });
    expect(off.node.asked).toEqual([]);
    await using on = await setup({ admin: true });
    for (const verb of ['pause', 'resume', 'restart'])
      expect(await on.ask(`admin/camera-${verb}`, { camera: 'belt' })).toMatchObject({ status: 'ok' });
    expect(await on.ask('admin/log-level', { id: 'l1', level: 'debug' })).toMatchObject({ status: 'ok' });
    expect(await on.ask('admin/log-level', { id: 'l1', level: 'debug' })).toMatchObject({ status: 'ok' });
    expect(on.node.asked).toEqual(['pause belt', 'resume belt', 'restart belt', 'log debug']);
    expect(await on.ask('admin/config-reload', {})).toMatchObject({ code: 'CONFIG_INVALID', error: 'config.yaml:1:1 unknown key' });
  });

  it('ignores a retained request', async () => {
    const broker = await Broker.start();
    const early = await broker.observe('fastsam/v1/#');
    await early.publish('fastsam/v1/line-3/request/prompt/clear', '{"id":"old"}', { retain: true });
    const node = testNode({ url: broker.url });
    node.publisher.start();
    await eventually(() => node.publisher.stats().requests.ignored === 1);
    // And while the node listens, when its broker could pass it on as a live one.
    await early.publish('fastsam/v1/line-3/request/prompt/clear', '{"id":"old"}', { retain: true });
    await eventually(() => node.publisher.stats().requests.ignored === 2);
    await early.publish('fastsam/v1/line-3/request/read/ping', '{"id":"new"}');
    await early.untilJson<ResponseMessage>('fastsam/v1/line-3/response/read/ping', ({ id }) => id === 'new');
    expect(early.received.some(({ topic }) => topic.endsWith('response/prompt/clear'))).toBe(false);
    await node[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
  });

  it('applies the same id once, and refuses the id for another request', async () => {
    await using s = await setup();
    const request = { id: 'same', camera: 'gate', prompts: [{ type: 'everything' }] };
    const [first, second] = await Promise.all([s.ask('prompt/set', request), s.ask('prompt/set', request)]);
    expect(first).toEqual({ id: 'same', node: 'line-3', status: 'ok', revision: 2 });
    expect(second).toEqual(first);
    // Both requests are answered under one id; the next answer must not be taken for the second of these.
    const topic = `${s.node.base}/response/prompt/set`;
    await s.observer.until(topic, () => s.observer.received.filter((message) => message.topic === topic).length >= 2);
    expect(await s.ask('prompt/set', { ...request, prompts: [] })).toMatchObject({ id: 'same', status: 'error', code: 'REQUEST_INVALID' });
    expect(s.node.register.get({ camera: 'gate' })).toMatchObject([{ revision: 2, prompts: [{ type: 'everything' }] }]);
  });

  it('compares ifRevision and sets', async () => {
    await using s = await setup();
    expect(await s.ask('prompt/set', { id: 'a', camera: 'gate', prompts: [], ifRevision: 1 })).toMatchObject({ status: 'ok', revision: 2 });
    expect(await s.ask('prompt/set', { id: 'b', camera: 'gate', prompts: [], ifRevision: 1 })).toMatchObject({ code: 'REVISION_CONFLICT' });
    // All cameras or none: belt is at 1, gate at 2.
    expect(await s.ask('prompt/set', { id: 'c', prompts: [], ifRevision: 1 })).toMatchObject({ code: 'REVISION_CONFLICT' });
    expect(s.node.register.get({ camera: 'belt' })).toMatchObject([{ revision: 1 }]);
  });

  it('answers on an allowed response topic too, and on no other', async () => {
    await using s = await setup();
    const ask = (responseTopic: string, id: string) =>
      s.observer.publish(`${s.node.base}/request/read/ping`, JSON.stringify({ id }), {
        properties: { responseTopic, correlationData: Buffer.from(id) },
      });
    await ask('fastsam/v1/clients/me', 'allowed');
    const direct = await s.observer.until('fastsam/v1/clients/me');
    expect(direct.packet.properties?.correlationData?.toString()).toBe('allowed');
    expect(JSON.parse(direct.text)).toMatchObject({ id: 'allowed', status: 'ok' });

    for (const [index, topic] of ['fastsam/v1/line-3/state', 'fastsam/v1/clients', 'fastsam/v1/clients/', 'elsewhere/me'].entries()) {
      await ask(topic, `denied-${index}`);
    }
    const both = await s.observer.until(`${s.node.base}/response/read/ping`, (text) => text.includes('denied-3'));
    expect(both.packet.properties?.correlationData?.toString()).toBe('denied-3');
    const answered = s.observer.received.filter(({ text }) => /"id":"denied/.test(text) && text.includes('status'));
    expect(new Set(answered.map(({ topic }) => topic))).toEqual(new Set([`${s.node.base}/response/read/ping`]));
  });

  it('says so when there are too many requests, and counts the rest', async () => {
    await using s = await setup();
    const total = 600;
    await Promise.all(Array.from({ length: total }, (_, k) => s.observer.publish(`${s.node.base}/request/read/ping`, `{"id":"n-${k}"}`)));
    await eventually(() => {
      const { answered, failed, ignored } = s.node.publisher.stats().requests;
      return answered + failed + ignored === total;
    });
    const { answered, failed, ignored } = s.node.publisher.stats().requests;
    expect(answered).toBeGreaterThanOrEqual(100);
    expect(failed).toBeGreaterThanOrEqual(100);
    expect(ignored).toBeGreaterThan(0);
    const limited = await s.observer.untilJson<ResponseMessage>(`${s.node.base}/response/read/ping`, ({ code }) => code === 'RATE_LIMITED');
    expect(limited.id).toMatch(/^n-\d+$/);
  });

  it('publishes results once per frame, not retained', async () => {
    await using s = await setup();
    s.node.publisher.publishResult('belt', { seq: 7 } as ResultMessage);
    const result = await s.observer.until(`${s.node.base}/cameras/belt/result`);
    expect(result.packet).toMatchObject({ retain: false, qos: 0 });
    expect(result.text).toBe('{"seq":7}');
    expect(result.packet.properties?.messageExpiryInterval).toBe(1);
  });
});
