/**
 * A node under more requests than it takes, and how soon a prompt counts. `make soak-mqtt` runs it at length; what it measures is told
 * for people and not asserted.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TelemetryMessage, telemetryMessageSchema } from '../../src/wire/messages.js';
import { type RunningCommand, start } from '../helpers/command.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { report } from '../helpers/report.js';

const SECONDS = Number(process.env.FLOOD_SECONDS ?? 2);
const PROMPTS = Number(process.env.FLOOD_PROMPTS ?? 10);
const REQUESTS_PER_SECOND = 1000;
const FPS = 20;
const BASE = 'fastsam/v1/n';

interface Answered {
  readonly promptRevision: number;
}

describe.skipIf(!hasMosquitto)('a node under requests (needs mosquitto)', { timeout: 60_000 + SECONDS * 10_000 + PROMPTS * 2000 }, () => {
  let folder = '';
  let model = '';
  let broker: Broker;
  let daemon: RunningCommand;
  let observer: Observer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-flood-'));
    model = await writeTestModel(join(folder, 'three.onnx'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    broker = await Broker.start();
    const file = join(folder, 'config.json');
    const config = {
      node: 'n',
      model: { path: model },
      stateDir: join(folder, `state-${broker.port}`),
      telemetry: { intervalMs: 500 },
      cameras: [{ id: 'belt', source: `test:shapes?width=320&height=320&fps=${FPS}` }],
      mqtt: { url: broker.url },
    };
    await writeFile(file, JSON.stringify(config));
    observer = await broker.observe(`${BASE}/+`);
    daemon = start('run', '--config', file);
    await observer.untilJson(`${BASE}/state`, ({ state }) => state === 'ready');
  });
  afterEach(async () => {
    daemon.process.kill('SIGTERM');
    expect((await daemon.outcome).code).toBe(0);
    await broker[Symbol.asyncDispose]();
  });

  /** What the next telemetry says; two of them make a rate. */
  async function reading(): Promise<TelemetryMessage> {
    return telemetryMessageSchema.parse(await observer.untilJson(`${BASE}/telemetry`, () => true, observer.received.length));
  }

  function rate(before: TelemetryMessage, after: TelemetryMessage): number {
    const ms = Date.parse(after.ts) - Date.parse(before.ts);
    return (1000 * (after.cameras[0]!.framesOut - before.cameras[0]!.framesOut)) / ms;
  }

  it('keeps its pace under a flood, and answers or counts every request', async () => {
    await reading();
    const quiet = await reading();
    await delay(SECONDS * 1000);
    const before = await reading();
    const answers = await broker.observe(`${BASE}/response/#`);
    const client = await broker.client();
    let sent = 0;
    const pending = new Set<Promise<unknown>>();
    const begin = performance.now();
    while (performance.now() - begin < SECONDS * 1000) {
      const due = Math.min(Math.floor(((performance.now() - begin) / 1000) * REQUESTS_PER_SECOND), REQUESTS_PER_SECOND * SECONDS);
      for (; sent < due; sent += 1) {
        const [topic, body] =
          sent % 2 === 0
            ? ['prompt/set', { id: `r${sent}`, camera: 'belt', prompts: [{ type: 'points', points: [[1 + (sent % 300), 100]] }] }]
            : ['read/ping', { id: `r${sent}` }];
        const done = client.publishAsync(`${BASE}/request/${topic}`, JSON.stringify(body), { qos: 1 });
        pending.add(done);
        void done.finally(() => pending.delete(done));
      }
      await delay(5);
    }
    await Promise.all(pending);
    const after = await reading();
    // The rate limit fills up with time. Answers follow one another: that to the last request says that all before it were dealt with.
    await delay(1500);
    await answers.publish(`${BASE}/request/read/ping`, '{"id":"last"}');
    await answers.untilJson(`${BASE}/response/read/ping`, ({ id, status }) => id === 'last' && status === 'ok');
    const { requests } = (await reading()).mqtt;
    const answered = answers.received.map(({ text }) => JSON.parse(text));
    const refused = answered.filter(({ code }) => code === 'RATE_LIMITED').length;
    process.stdout.write(
      `${sent} requests in ${SECONDS} s: ${answered.length - refused} accepted, ${refused} refused, ${requests.ignored} only counted; ` +
        `${rate(quiet, before).toFixed(2)} results a second before, ${rate(before, after).toFixed(2)} meanwhile; ` +
        `RSS ${(before.system.rssBytes / 2 ** 20).toFixed(0)} → ${(after.system.rssBytes / 2 ** 20).toFixed(0)} MiB\n`,
    );
    expect(requests.answered + requests.failed + requests.ignored).toBe(sent + 1);
    expect(answered.length).toBe(requests.answered + requests.failed);
    expect(refused).toBeGreaterThan(0);
    expect(answered.filter(({ status, code }) => status !== 'ok' && code !== 'RATE_LIMITED')).toEqual([]);
  });

  it('applies a prompt to the next frame', async () => {
    const results = await broker.observe(`${BASE}/cameras/belt/result`);
    const times: number[] = [];
    for (let round = 0; round < PROMPTS; round += 1) {
      const topic = `${BASE}/cameras/belt/result`;
      const { promptRevision: revision } = await results.untilJson<Answered>(topic, () => true, results.received.length);
      // Anywhere within a frame, as a person would.
      await delay(Math.random() * (1000 / FPS));
      const asked = performance.now();
      const prompts = [{ type: 'points', points: [[1 + round, 100]] }];
      await results.publish(`${BASE}/request/prompt/set`, JSON.stringify({ camera: 'belt', prompts }));
      await results.untilJson<Answered>(topic, ({ promptRevision }) => promptRevision > revision, results.received.length);
      times.push(performance.now() - asked);
    }
    report(`prompt sent, until the first result with its revision, at ${FPS} frames a second`, times);
  });
});
