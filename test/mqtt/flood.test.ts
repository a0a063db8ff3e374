/** A daemon under a flood of requests, and how soon a prompt shows: what is measured is printed, what must hold is tested. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ResponseMessage, ResultMessage, TelemetryMessage } from '../../src/contract/messages.js';
import { type RunningCommand, start } from '../helpers/command.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

/** Of flood in all; 30 in the long version (make flood-mqtt). */
const SECONDS = Number(process.env.MQTT_FLOOD_SECONDS ?? 2);
const PER_SECOND = 1000;
/** 200 in the long version. */
const CHANGES = Number(process.env.MQTT_CHANGES ?? 10);

const CLIENT = fileURLToPath(new URL('flood-client.mjs', import.meta.url));
const DEMO_MODEL = fileURLToPath(new URL('../../models/demo.onnx', import.meta.url));
const BASE = 'fastsam/v1/n';
const RESPONSE = `${BASE}/response/prompt/set`;
const BOX = { camera: 'belt', prompts: [{ type: 'box', box: [10, 10, 100, 100] }] };
/** Of /proc/<pid>/stat. */
const TICKS_PER_SECOND = 100;

interface Flood {
  readonly sent: number;
  readonly tookS: number;
  /** Used by the client, of the machine's cores. */
  readonly cores: number;
}

let folder = '';
let tiny = '';
let daemon: RunningCommand | undefined;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-flood-'));
  tiny = await writeTestModel(join(folder, 'three.onnx'));
});
afterEach(async () => {
  daemon?.process.kill('SIGKILL');
  await daemon?.outcome;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(url: string, model: string, fps: number): Promise<void> {
  const config = {
    node: 'n',
    model: { path: model },
    cameras: [{ id: 'belt', source: `test:shapes?width=640&height=480&fps=${fps}` }],
    mqtt: { url },
    telemetry: { intervalMs: 500 },
    stateDir: await mkdtemp(join(folder, 'state-')),
  };
  await writeFile(join(config.stateDir, 'config.json'), JSON.stringify(config));
  daemon = start('run', '--config', join(config.stateDir, 'config.json'));
}

function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const nextTelemetry = (observer: Observer) =>
  observer.untilJson<TelemetryMessage>(`${BASE}/telemetry`, () => true, observer.received.length);

/** What the daemon does while `meanwhile` lasts, as its own telemetry tells it. */
async function measure<T>(observer: Observer, broker: Broker, meanwhile: () => Promise<T>) {
  const pid = daemon!.process.pid!;
  const before = await nextTelemetry(observer);
  const used = [processorSeconds(pid), processorSeconds(broker.pid)] as const;
  const begin = performance.now();
  const outcome = await meanwhile();
  const wallS = (performance.now() - begin) / 1000;
  const [daemonCores, brokerCores] = [(processorSeconds(pid) - used[0]) / wallS, (processorSeconds(broker.pid) - used[1]) / wallS];
  const after = await nextTelemetry(observer);
  const fps = (1000 * (after.cameras[0]!.framesOut - before.cameras[0]!.framesOut)) / (Date.parse(after.ts) - Date.parse(before.ts));
  return { outcome, before, after, fps, daemonCores, brokerCores };
}

const megabytes = ({ system }: TelemetryMessage) => (system.rssBytes / 1e6).toFixed(0);
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe.skipIf(!hasMosquitto)(`a daemon (needs mosquitto)`, { timeout: 120_000 + SECONDS * 10_000 + CHANGES * 1000 }, () => {
  it.each([
    { what: 'a network with time to spare', model: () => tiny, fps: 20, rounds: 1 },
    // Everything else on the machine takes from it: quiet and flooded rounds take turns.
    { what: 'a network that is never idle', model: () => DEMO_MODEL, fps: 60, rounds: SECONDS >= 10 ? 5 : 1 },
  ])(`answers or counts each of ${PER_SECOND} requests a second for ${SECONDS} s: $what`, async ({ what, model, fps, rounds }) => {
    // A daemon that lags behind is served late; by default mosquitto throws away what is more than a thousand messages.
    await using broker = await Broker.start({ config: ['max_queued_messages 0'] });
    const observer = await broker.observe(`${BASE}/telemetry`);
    await run(broker.url, model(), fps);
    await observer.untilJson<TelemetryMessage>(`${BASE}/telemetry`, ({ cameras }) => cameras[0]!.framesOut > 10);
    const prompts = await broker.observe(`${BASE}/cameras/belt/prompts`);
    const answers = await broker.observe(RESPONSE);

    const seconds = SECONDS / rounds;
    const flood = async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        CLIENT,
        broker.url,
        `${BASE}/request/prompt/set`,
        String(PER_SECOND),
        String(seconds),
        JSON.stringify(BOX),
      ]);
      return JSON.parse(stdout) as Flood;
    };
    let applied = 0;
    const quietFps: number[] = [];
    const floodedFps: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const quiet = await measure(observer, broker, () => sleep(seconds * 1000));
      const from = answers.received.length;
      const flooded = await measure(observer, broker, flood);
      const { outcome, before } = flooded;
      const { sent } = outcome;
      const requestsOf = ({ mqtt: { requests, dropped } }: TelemetryMessage) => ({
        ...requests,
        unsent: dropped['response/prompt/set'] ?? 0,
      });
      const first = requestsOf(before);
      const total = (message: TelemetryMessage) => {
        const { answered, failed, ignored } = requestsOf(message);
        return answered + failed + ignored - first.answered - first.failed - first.ignored;
      };
      const after = await observer.untilJson<TelemetryMessage>(
        `${BASE}/telemetry`,
        (message) => total(message) >= sent,
        observer.received.length,
      );
      expect(total(after)).toBe(sent);
      const last = requestsOf(after);
      const [ok, failed] = [last.answered - first.answered, last.failed - first.failed];
      expect(Math.min(ok, failed)).toBeGreaterThan(0);
      // The oldest answers may leave a full queue; they are counted as dropped.
      while (answers.received.length - from < ok + failed - (last.unsent - first.unsent)) {
        await answers.until(RESPONSE, () => true, answers.received.length);
      }
      const codes = answers.received.slice(from).map(({ text }) => (JSON.parse(text) as ResponseMessage).code ?? 'ok');
      expect(codes).toHaveLength(ok + failed - (last.unsent - first.unsent));
      expect(new Set(codes)).toEqual(new Set(['ok', 'RATE_LIMITED']));
      applied += ok;
      quietFps.push(quiet.fps);
      floodedFps.push(flooded.fps);
      process.stderr.write(
        `flood, ${what}: ${quiet.fps.toFixed(1)} fps on ${quiet.daemonCores.toFixed(2)} cores → ${flooded.fps.toFixed(1)} on ${flooded.daemonCores.toFixed(2)}, ` +
          `client ${outcome.cores.toFixed(2)}, broker ${flooded.brokerCores.toFixed(2)}; ${sent} sent in ${outcome.tookS.toFixed(1)} s, ` +
          `${ok} ok, ${failed} RATE_LIMITED, ${last.ignored - first.ignored} counted; rss ${megabytes(before)} → ${megabytes(after)} MB\n`,
      );
    }
    process.stderr.write(`flood, ${what}: medians ${median(quietFps).toFixed(1)} → ${median(floodedFps).toFixed(1)} fps\n`);
    await prompts.untilJson<{ revision: number }>(`${BASE}/cameras/belt/prompts`, ({ revision }) => revision === applied + 1);
  });

  it.each([
    { what: 'tiny network', model: () => tiny, fps: 20 },
    { what: 'demo model', model: () => DEMO_MODEL, fps: 10 },
  ])('answers a frame with the prompts of each request: $what', async ({ what, model, fps }) => {
    await using broker = await Broker.start();
    const observer = await broker.observe(`${BASE}/#`);
    await run(broker.url, model(), fps);
    await observer.untilJson<ResultMessage>(`${BASE}/cameras/belt/result`, ({ seq }) => seq > 5);
    const times: number[] = [];
    for (let k = 0; k < CHANGES; k += 1) {
      // At every phase of a frame, not always just after one.
      await sleep((k * 37) % (2000 / fps));
      const from = observer.received.length;
      const begin = performance.now();
      const sending = observer.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id: `c-${k}`, ...BOX }));
      const { promptRevision } = await observer.untilJson<ResultMessage>(
        `${BASE}/cameras/belt/result`,
        (result) => result.promptRevision > k + 1,
        from,
      );
      times.push(performance.now() - begin);
      expect(promptRevision).toBe(k + 2);
      await sending;
      const answer = await observer.untilJson<ResponseMessage>(RESPONSE, ({ id }) => id === `c-${k}`, from);
      expect(answer).toMatchObject({ status: 'ok', revision: k + 2 });
    }
    const p95 = times.toSorted((a, b) => a - b)[Math.floor(0.95 * times.length)]!;
    process.stderr.write(
      `prompt → first result with its revision, ${what} at ${fps} fps: median ${median(times).toFixed(0)} ms, 95 % within ${p95.toFixed(0)} ms; a frame is ${1000 / fps} ms\n`,
    );
  });
});
