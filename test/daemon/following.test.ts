/** Prompts that follow, lines, zones and counts of a running daemon, on a real broker. The model finds three rectangles that stay. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  type CountsMessage,
  countsMessageSchema,
  type EventMessage,
  eventMessageSchema,
  type FollowMessage,
  followMessageSchema,
  type ResponseMessage,
  type ResultMessage,
  resultMessageSchema,
  tracksDataSchema,
  type ZonesMessage,
  zonesMessageSchema,
} from '../../src/contract/messages.js';
import { fastsamd, type RunningCommand, start } from '../helpers/command.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const NODE = 'follow-node';
const BASE = `fastsam/v1/${NODE}`;
const BELT = `${BASE}/cameras/belt`;
/** The first of the model's rectangles has its middle there. */
const POINT = { type: 'points', id: 'that-one', points: [[80, 80]], follow: true };
const STATION = {
  id: 'station',
  polygon: [
    [0, 0],
    [320, 0],
    [320, 320],
    [0, 320],
  ],
  enterMs: 0,
};

let directory = '';
let model = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-following-'));
  model = await writeTestModel(join(directory, 'three.onnx'));
});
afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(!hasMosquitto)('prompts that follow, lines and zones over MQTT (needs mosquitto)', { timeout: 120_000 }, () => {
  let broker: Broker;
  let observer: Observer;
  let daemon: RunningCommand | undefined;
  beforeEach(async () => {
    broker = await Broker.start();
    observer = await broker.observe(`${BASE}/#`);
  });
  afterEach(async () => {
    daemon?.process.kill('SIGKILL');
    await daemon?.outcome;
    await broker[Symbol.asyncDispose]();
  });

  async function writeConfig(belt: Record<string, unknown> = { tracking: { enabled: true } }): Promise<string> {
    // A picture that stays: the model finds the same objects in every frame, whatever it shows.
    const source = 'gst:videotestsrc is-live=true pattern=gradient ! video/x-raw,width=320,height=320,framerate=20/1';
    const config = {
      node: NODE,
      model: { path: model },
      cameras: [
        { id: 'belt', source, ...belt },
        { id: 'door', source },
      ],
      mqtt: { url: broker.url, reconnect: { minMs: 50, maxMs: 500 }, homeAssistant: { enabled: true } },
      telemetry: { intervalMs: 300 },
      stateDir: join(directory, `state-${broker.port}`),
    };
    const path = join(directory, `config-${broker.port}.yaml`);
    await writeFile(path, stringify(config));
    return path;
  }

  const result = (test: (message: ResultMessage) => boolean, from?: number) =>
    observer.untilJson<ResultMessage>(`${BELT}/result`, test, from);
  const follow = (state: string, from?: number) =>
    observer.untilJson<FollowMessage>(`${BELT}/follow`, ({ prompts: [prompt] }) => prompt?.state === state, from);
  const event = (type: string, from?: number) =>
    observer.untilJson<EventMessage>(`${BELT}/event`, (message) => message.type === type, from);

  let asked = 0;
  async function ask(verb: string, payload: object): Promise<ResponseMessage> {
    asked += 1;
    const id = `q${asked}`;
    const from = observer.received.length;
    await observer.publish(`${BASE}/request/${verb}`, JSON.stringify({ id, ...payload }));
    return observer.untilJson<ResponseMessage>(`${BASE}/response/${verb}`, (answer) => answer.id === id, from);
  }

  it('watches, locks and says so: in results, on the retained topic, in events, telemetry and for Home Assistant', async () => {
    daemon = start('run', '--config', await writeConfig());
    await result(({ objects }) => objects.some(({ track }) => track !== undefined));
    expect(await ask('prompt/add', { camera: 'belt', prompts: [POINT] })).toMatchObject({ status: 'ok', data: { bound: [] } });
    const locked = await result(({ prompts }) => prompts[0]?.follow?.state === 'locked');
    resultMessageSchema.parse(locked);
    const [answer] = locked.prompts;
    const object = locked.objects.find(({ prompts }) => prompts.includes('that-one'))!;
    expect(answer).toMatchObject({ status: 'matched', follow: { state: 'locked', track: object.track, fit: 'exact' } });
    const states = observer.received
      .filter(({ topic }) => topic === `${BELT}/result`)
      .map(({ text }) => (JSON.parse(text) as ResultMessage).prompts[0]);
    expect(new Set(states.flatMap((each) => each?.follow?.state ?? []))).toEqual(new Set(['binding', 'locked']));
    expect(states.find((each) => each?.follow?.state === 'binding')).toMatchObject({ status: 'pending' });
    followMessageSchema.parse(await follow('locked'));
    expect(eventMessageSchema.parse(await event('prompt-locked'))).toMatchObject({ prompt: 'that-one', track: object.track, revision: 2 });
    const late = await broker.observe(`${BELT}/follow`);
    expect(await late.untilJson<FollowMessage>(`${BELT}/follow`)).toMatchObject({
      prompts: [{ id: 'that-one', state: 'locked', track: object.track }],
    });
    // Adding another prompt changes nothing about the first.
    const from = observer.received.length;
    await ask('prompt/add', { camera: 'belt', prompts: [{ type: 'everything', id: 'all' }] });
    await result(({ prompts }) => prompts.length === 2 && prompts[0]?.follow?.state === 'locked', from);
    const after = observer.received.slice(from).filter(({ topic }) => topic === `${BELT}/result`);
    for (const { text } of after) expect((JSON.parse(text) as ResultMessage).prompts[0]!.follow!.state).toBe('locked');
    const telemetry = await observer.untilJson<{ cameras: { tracking?: { live: number }; latencyMs: Record<string, object> }[] }>(
      `${BASE}/telemetry`,
      ({ cameras: [belt] }) => belt?.tracking?.live === 3,
    );
    expect(telemetry.cameras[0]).toMatchObject({
      tracking: { live: 3, lost: 0, eventsDropped: 0 },
      latencyMs: { track: { p50: expect.any(Number) } },
    });
    expect(telemetry.cameras[1]!.tracking).toBeUndefined();
    const announced = await broker.observe('homeassistant/#');
    await announced.until(`homeassistant/device/${NODE}/config`, (text) => text.includes('that_one_follows'));
  });

  it('follows what was there in the picture that was clicked, and says which track at once', async () => {
    daemon = start('run', '--config', await writeConfig());
    const seen = await result(({ objects }) => objects.length === 3 && objects.every(({ track }) => track !== undefined));
    const at = { seq: seen.seq, bootId: seen.bootId };
    const { track } = seen.objects.find(({ bbox: [x1, y1, x2, y2] }) => x1 < 80 && x2 > 80 && y1 < 80 && y2 > 80)!;
    const bound = await ask('prompt/add', { camera: 'belt', prompts: [{ ...POINT, at }] });
    expect(bound).toMatchObject({ status: 'ok', data: { bound: [{ prompt: 'that-one', camera: 'belt', track }] } });
    await result(({ prompts }) => prompts[0]?.follow?.state === 'locked' && prompts[0].follow.track === track);
    const refused = async (prompt: object) => {
      const { code, error } = await ask('prompt/add', { camera: 'belt', prompts: [prompt] });
      return `${code} ${error}`;
    };
    expect(await refused({ ...POINT, at: { ...at, seq: 999_999 } })).toMatch(/^PROMPT_INVALID .*not held any more/);
    expect(await refused({ ...POINT, at: { ...at, bootId: '00000000-0000-4000-8000-000000000000' } })).toMatch(
      /^PROMPT_INVALID .*earlier run/,
    );
    expect(await refused({ type: 'track', track: 4_000_000 })).toMatch(/^PROMPT_INVALID .*no object has track 4000000/);
    expect(await ask('prompt/add', { camera: 'belt', prompts: [{ type: 'track', id: 'by-track', track }] })).toMatchObject({
      data: { bound: [{ prompt: 'by-track', track }] },
    });
    expect(await ask('prompt/add', { camera: 'door', prompts: [POINT] })).toMatchObject({
      code: 'TRACKING_OFF',
      error: 'camera "door" does not track; expected tracking.enabled: true in its configuration',
    });
  });

  it('counts, keeps its counts, lines and zones over SIGKILL, and re-arms no point of the run before', async () => {
    const config = await writeConfig();
    daemon = start('run', '--config', config);
    await result(({ objects }) => objects.every(({ track }) => track !== undefined));
    expect(await ask('zone/set', { camera: 'door', zones: [STATION] })).toMatchObject({ code: 'TRACKING_OFF' });
    const line = { id: 'gate', from: [160, 0], to: [160, 320] };
    expect(await ask('zone/set', { camera: 'belt', lines: [line], zones: [STATION] })).toMatchObject({ status: 'ok', revision: 2 });
    expect(await ask('zone/add', { camera: 'belt', ifRevision: 1, lines: [line] })).toMatchObject({ code: 'REVISION_CONFLICT' });
    const inForce = await observer.untilJson<ZonesMessage>(`${BELT}/zones`, ({ revision }) => revision === 2);
    expect(zonesMessageSchema.parse(inForce)).toMatchObject({
      lines: [{ id: 'gate', anchor: 'centroid' }],
      zones: [{ id: 'station', enter: 0.6 }],
    });
    expect(eventMessageSchema.parse(await event('zone-entered'))).toMatchObject({ zone: 'station', born: true });
    expect((await event('object-entered')).type).toBe('object-entered');
    const counted = await observer.untilJson<CountsMessage>(`${BELT}/counts`, ({ zones }) => zones.station?.entered === 3);
    expect(countsMessageSchema.parse(counted)).toMatchObject({ lines: { gate: { in: 0, out: 0 } }, zones: { station: { inside: 3 } } });
    await result(({ objects }) => objects.length === 3 && objects.every(({ zones }) => zones?.[0] === 'station'));
    const read = await ask('read/tracks', { camera: 'belt' });
    const [tracks] = tracksDataSchema.parse(read.data);
    expect(tracks!.tracks.map(({ zones }) => zones)).toEqual([['station'], ['station'], ['station']]);
    await ask('prompt/add', { camera: 'belt', prompts: [POINT] });
    await follow('locked');
    daemon.process.kill('SIGKILL');
    await daemon.outcome;

    const from = observer.received.length;
    daemon = start('run', '--config', config);
    const later = await observer.untilJson<CountsMessage>(`${BELT}/counts`, () => true, from);
    // The three of the run before, and perhaps already the three that this run sees from its start.
    expect(later.since).toBe(counted.since);
    expect([3, 6]).toContain(later.zones.station?.entered);
    expect(await observer.untilJson<ZonesMessage>(`${BELT}/zones`, () => true, from)).toMatchObject({
      revision: 2,
      lines: [{ id: 'gate' }],
    });
    // Three objects are seen inside from the start of this run.
    await observer.untilJson<CountsMessage>(`${BELT}/counts`, ({ zones }) => zones.station?.entered === 6, from);
    expect(await follow('lost', from)).toMatchObject({ prompts: [{ id: 'that-one', reason: 'restart' }] });
    const answered = await result(({ prompts }) => prompts[0]?.follow !== undefined, from);
    expect(answered.prompts[0]).toMatchObject({ status: 'unmatched', follow: { state: 'lost', reason: 'restart' } });

    const reset = await ask('count/reset', { camera: 'belt' });
    expect(reset).toMatchObject({ status: 'ok', data: { until: [{ zones: { station: { entered: 6 } } }] } });
    expect(await event('counts-reset')).toMatchObject({ ids: ['gate', 'station'] });
    await observer.untilJson<CountsMessage>(
      `${BELT}/counts`,
      ({ zones, since }) => zones.station?.entered === 0 && since > counted.since,
      from,
    );
  });

  it('goes when tracking does, and a configuration that needs tracking without it says so', async () => {
    daemon = start('run', '--config', await writeConfig({ tracking: { enabled: true }, zones: [STATION] }));
    await observer.untilJson<CountsMessage>(`${BELT}/counts`, ({ zones }) => zones.station?.entered === 3);
    daemon.process.kill('SIGTERM');
    await daemon.outcome;
    daemon = start('run', '--config', await writeConfig({}));
    const from = observer.received.length;
    for (const what of ['zones', 'counts', 'follow']) await observer.until(`${BELT}/${what}`, (text) => text === '', from);
    daemon.process.kill('SIGTERM');
    await daemon.outcome;
    const { code, stderr } = await fastsamd('run', '--config', await writeConfig({ zones: [STATION], prompts: [POINT] }));
    expect(code).toBe(2);
    expect(stderr).toMatch(/zones need tracking/);
    expect(stderr).toMatch(/a prompt that follows an object needs tracking/);
  });
});
