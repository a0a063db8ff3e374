/** The same requests over MQTT and through a transport in this process give the same answers, for every verb and role. */
import { describe, expect, it } from 'vitest';
import { type ResponseMessage, VERBS, type Verb } from '../../src/contract/messages.js';
import { ROLES, type Role } from '../../src/control/verbs.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { type TestNode, testNode } from '../mqtt/node.js';

/** One request that each verb accepts, in an order in which all of them succeed. */
const VALID: Readonly<Record<Verb, object>> = {
  'prompt/set': { id: 'a1', camera: 'belt', prompts: [{ type: 'everything', id: 'all' }] },
  'prompt/add': { id: 'a2', prompts: [{ type: 'box', id: 'door', box: [1, 2, 30, 40] }] },
  'prompt/remove': { camera: 'belt', ids: ['all'] },
  'prompt/clear': { ttlS: 60 },
  'prompt/get': {},
  'prompt/try': { camera: 'belt', prompts: [{ type: 'everything', id: 'all' }] },
  'zone/set': { id: 'z1', camera: 'belt', lines: [{ id: 'gate', from: [10, 0], to: [10, 90] }] },
  'zone/add': {
    id: 'z2',
    zones: [
      {
        id: 'station',
        polygon: [
          [0, 0],
          [50, 0],
          [50, 50],
        ],
      },
    ],
  },
  'zone/remove': { camera: 'belt', ids: ['gate'] },
  'zone/get': {},
  'count/reset': { id: 'z3', ids: ['station'] },
  'read/ping': { id: 'a3' },
  'read/info': {},
  'read/health': {},
  'read/snapshot': { camera: 'gate' },
  'read/tracks': {},
  'read/schema': {},
  // No camera of this node inspects: an error is an answer, too.
  'inspect/trigger': { camera: 'belt', part: 'SN-1' },
  'inspect/cancel': { camera: 'belt', trigger: 't-1' },
  'recipe/set': { camera: 'belt', recipe: { recipe: 'washer', objects: { part: {} }, checks: [{ id: 'one', count: 'part', min: 1 }] } },
  'recipe/activate': { camera: 'belt', recipe: 'washer' },
  'recipe/get': { camera: 'belt' },
  'recipe/list': { camera: 'belt' },
  'teach/start': { id: 't1', camera: 'belt' },
  'teach/add': { id: 't2', camera: 'belt', verdict: 'OK' },
  'teach/commit': { id: 't3', camera: 'belt', activate: true },
  'teach/abort': { camera: 'belt' },
  'read/verdicts': {},
  'read/statistics': { camera: 'belt' },
  'read/evidence': { camera: 'belt', inspection: 1 },
  'admin/camera-pause': { id: 'a4', camera: 'belt' },
  'admin/camera-resume': { camera: 'belt' },
  'admin/camera-paused': { camera: 'belt', paused: true },
  'admin/camera-restart': { camera: 'gate' },
  // Fails in the stand-in for the daemon: an error is an answer, too.
  'admin/config-reload': {},
  'admin/log-level': { level: 'warn' },
};

const FORBIDDEN: Readonly<Record<Role, (verb: Verb) => boolean>> = {
  viewer: (verb) =>
    verb.startsWith('admin/') ||
    /^((prompt|zone)\/(set|add|remove|clear)|count\/reset|recipe\/(set|activate)|teach\/.*|inspect\/(trigger|cancel))$/.test(verb),
  operator: (verb) => verb.startsWith('admin/') || /^(recipe\/(set|activate)|teach\/.*)$/.test(verb),
  admin: () => false,
};

type Ask = (verb: string, payload: string) => Promise<ResponseMessage>;

const overMqtt = async (node: TestNode, broker: Broker): Promise<Ask> => {
  node.publisher.start();
  const observer = await broker.observe(`${node.base}/#`);
  await observer.until(`${node.base}/state`);
  return async (verb, payload) => {
    const from = observer.received.length;
    await observer.publish(`${node.base}/request/${verb}`, payload);
    return observer.untilJson<ResponseMessage>(`${node.base}/response/${verb}`, () => true, from);
  };
};

const inProcess = (node: TestNode, role: Role): Ask => {
  return async (verb, payload) => (await node.control.handle(verb, new TextEncoder().encode(payload), { via: 'local', role }))!;
};

/** Frames without end, so that changes of prompts take effect. */
function frames(...nodes: TestNode[]): NodeJS.Timeout {
  return setInterval(() => {
    for (const node of nodes) for (const camera of ['belt', 'gate']) node.register.take(camera, 640, 480);
  }, 5);
}

/** Without what differs between two nodes. */
function comparable(response: ResponseMessage, { base, bootId }: TestNode): object {
  const text = JSON.stringify(response).replaceAll(base, 'BASE').replaceAll(bootId, 'BOOT');
  return JSON.parse(text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME'));
}

describe('control', () => {
  it.each(ROLES)('lets the role %s do what it may, and refuses the rest with the role it takes', async (role) => {
    await using node = testNode({});
    const timer = frames(node);
    const ask = inProcess(node, role);
    try {
      for (const verb of VERBS) {
        const answer = await ask(verb, JSON.stringify(VALID[verb]));
        const isRefused = answer.status === 'error' && answer.code === 'REQUEST_FORBIDDEN';
        expect(isRefused, verb).toBe(FORBIDDEN[role](verb));
        if (isRefused) expect(answer.error).toMatch(new RegExp(`^${verb}: expected the role (operator|admin), got ${role}$`));
      }
    } finally {
      clearInterval(timer);
    }
  });

  it('counts the rate of one transport apart from that of the others', async () => {
    await using node = testNode({});
    const ask = (via: 'http' | 'local') => node.control.handle('read/ping', new Uint8Array(), { via, role: 'viewer' });
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask('http')));
    expect(answers.some((answer) => answer?.code === 'RATE_LIMITED')).toBe(true);
    expect(answers.some((answer) => answer === undefined)).toBe(true);
    expect(await ask('local')).toMatchObject({ status: 'ok' });
  });
});

describe.skipIf(!hasMosquitto)('control over MQTT (needs mosquitto)', { timeout: 60_000, concurrent: true }, () => {
  it.each([
    ['admin', true],
    ['operator', false],
  ] as const)('answers as a local transport does, to the role %s', async (role, admin) => {
    await using broker = await Broker.start();
    await using remote = testNode({ url: broker.url, prefix: 'remote', admin });
    await using local = testNode({ url: broker.url, prefix: 'local', admin });
    const timer = frames(remote, local);
    try {
      const transports = [
        { node: remote, ask: await overMqtt(remote, broker) },
        { node: local, ask: inProcess(local, role) },
      ];
      const requests = VERBS.flatMap((verb) => [
        [verb, JSON.stringify(VALID[verb])],
        // Again: what changes something is applied once where the request has an id.
        [verb, JSON.stringify(VALID[verb])],
        [verb, '{"surplus":1}'],
        [verb, '{'],
      ]);
      for (const [verb, payload] of [...requests, ['no/verb', '{}']] as [string, string][]) {
        const [overBroker, inHere] = await Promise.all(transports.map(async ({ node, ask }) => comparable(await ask(verb, payload), node)));
        const forbidden = { code: 'REQUEST_FORBIDDEN', error: expect.any(String) };
        // How to get the role differs: a key of the configuration there, another user here.
        expect(inHere, `${verb} ${payload}`).toEqual(
          'code' in overBroker! && overBroker.code === forbidden.code ? { ...overBroker, ...forbidden } : overBroker,
        );
      }
      expect(local.asked).toEqual(remote.asked);
    } finally {
      clearInterval(timer);
    }
  });
});
