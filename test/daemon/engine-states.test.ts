/** What a node says about its engine, on a real broker: while it is built, when nobody has verified it, when the GPU is lost. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TensorRtAddon } from '../../src/addon/tensorrt.js';
import { runCommandLine } from '../../src/cli/cli.js';
import { loadConfig } from '../../src/config/load.js';
import { type Alert, alertMessageSchema } from '../../src/contract/health.js';
import { type InfoMessage, type StateMessage, stateMessageSchema } from '../../src/contract/messages.js';
import { Daemon } from '../../src/daemon/daemon.js';
import type { DaemonDeps } from '../../src/daemon/parts.js';
import type { EngineOptions } from '../../src/engine/open.js';
import type { Verification } from '../../src/engine/tensorrt/sidecar.js';
import { exitCodeOf, FastsamError } from '../../src/errors.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { FakeContext, gpuOf, LOST, writeEngine } from '../helpers/tensorrt.js';

const gpu = vi.hoisted(() => ({ addon: undefined as TensorRtAddon | undefined, present: true }));
// The GPU's part of the addon; what stands above it is real.
vi.mock('../../src/engine/tensorrt/available.js', () => ({ tensorRt: () => gpu.addon, hasNvidiaGpu: () => gpu.present }));

const NODE = 'engine-node';
const BASE = `fastsam/v1/${NODE}`;
const STATE = `${BASE}/state`;
const ALERT = `${BASE}/alert/engine-unverified`;
const log = pino({}, { write: () => undefined });

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-engine-states-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(!hasMosquitto)('a node and its engine (needs mosquitto)', { timeout: 60_000 }, () => {
  let broker: Broker;
  let observer: Observer;
  let daemon: Daemon | undefined;
  beforeEach(async () => {
    broker = await Broker.start();
    observer = await broker.observe(`${BASE}/#`);
  });
  afterEach(async () => {
    await daemon?.stop('test is over');
    daemon = undefined;
    await broker[Symbol.asyncDispose]();
  });

  async function writeConfig(model: string, settings: object = {}, changes: object = {}): Promise<string> {
    const config = {
      node: NODE,
      model: { path: model, tensorrt: settings },
      cameras: [{ id: 'belt', source: 'test:shapes?width=64&height=64&fps=50' }],
      mqtt: { url: broker.url },
      log: { level: 'fatal' },
      stateDir: join(directory, `state-${broker.port}`),
      ...changes,
    };
    const file = join(directory, `config-${broker.port}.yaml`);
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  async function create(model: string, settings: object = {}, deps: Partial<DaemonDeps> = {}): Promise<Daemon> {
    daemon = new Daemon({ config: await loadConfig(await writeConfig(model, settings)), log, ...deps });
    return daemon;
  }

  const online = () => observer.until(`${BASE}/availability`, (text) => text === 'online');

  const untilState = (passes: (message: StateMessage) => boolean) => observer.untilJson<StateMessage>(STATE, passes);

  /** What somebody who comes later finds. */
  async function retainedState(): Promise<StateMessage> {
    const late = await broker.observe(STATE);
    const { text, packet } = await late.until(STATE);
    expect(packet.retain).toBe(true);
    return stateMessageSchema.parse(JSON.parse(text));
  }

  it('is building-engine with how far it is, then ready', async () => {
    let build: EngineOptions['onBuild'];
    let built = () => {};
    const building = new Promise<void>((resolve) => {
      built = resolve;
    });
    const started = (
      await create(
        'm.onnx',
        {},
        {
          openEngine: async ({ onBuild }) => {
            build = onBuild;
            onBuild?.({ text: 'building m.fp16.engine: there is none yet', fraction: null });
            await building;
            return fakeEngine(async () => EMPTY);
          },
        },
      )
    ).start();
    const first = await untilState(({ state }) => state === 'building-engine');
    expect(stateMessageSchema.parse(first).reason).toBe('building m.fp16.engine: there is none yet');
    build?.({ text: 'Building Engine', fraction: 0.256 });
    await untilState(({ state, reason }) => state === 'building-engine' && reason === 'Building Engine: 25 %');
    build?.({ text: 'Building Engine', fraction: 1 });
    await untilState(({ state, reason }) => state === 'building-engine' && reason === 'Building Engine: 100 %');
    // As long as a path may be: a state stays one that others accept.
    build?.({ text: 'x'.repeat(5000), fraction: null });
    const long = await untilState(({ reason }) => reason?.startsWith('xxx') ?? false);
    expect(stateMessageSchema.parse(long).reason).toHaveLength(1000);
    expect(observer.received.some(({ topic, text }) => topic === STATE && JSON.parse(text).state === 'ready')).toBe(false);
    built();
    await started;
    expect(await untilState(({ state }) => state === 'ready')).not.toHaveProperty('reason');
  });

  it('is left degraded, with the reason, by a daemon that lost the GPU during a frame', async () => {
    const context = new FakeContext(3);
    gpu.addon = gpuOf(context, online());
    await (await create(await writeEngine(directory, 'lost.engine'))).start();
    await expect(daemon!.finished()).rejects.toBe(LOST);
    await observer.until(`${BASE}/availability`, (text) => text === 'offline');
    expect(await retainedState()).toMatchObject({ state: 'degraded', reason: LOST.message });
    expect(context).toMatchObject({ calls: 3, disposals: 1 });
  });

  it('is left degraded as well when the GPU is lost at the first inference', async () => {
    const context = new FakeContext();
    context.measure = () => Promise.reject(LOST);
    gpu.addon = gpuOf(context, online());
    await expect((await create(await writeEngine(directory, 'first.engine'))).start()).rejects.toBe(LOST);
    expect(await retainedState()).toMatchObject({ state: 'degraded', reason: LOST.message });
    expect(context).toMatchObject({ calls: 0, disposals: 1 });
  });

  it('ends as well when only a job meets the lost GPU, and leaves that job to another node', async () => {
    const context = new FakeContext(1);
    gpu.addon = gpuOf(context, online());
    const config = await writeConfig(
      await writeEngine(directory, 'job.engine'),
      {},
      { cameras: [], jobs: { queues: ['inspect'], concurrency: 1 } },
    );
    daemon = new Daemon({ config: await loadConfig(config), log });
    const jobs = await broker.observe('fastsam/v1/jobs/inspect/#');
    const worker = `fastsam/v1/jobs/inspect/workers/fastsamd-${NODE}-job-inspect-1`;
    await daemon.start();
    await jobs.until(worker, (text) => text === 'online');
    const picture = sharp({ create: { width: 32, height: 32, channels: 3, background: 'grey' } });
    const image = (await picture.jpeg().toBuffer()).toString('base64');
    await jobs.publish('fastsam/v1/jobs/inspect/request', JSON.stringify({ id: 'job-1', image }));
    await expect(daemon.finished()).rejects.toBe(LOST);
    expect(await retainedState()).toMatchObject({ state: 'degraded', reason: LOST.message });
    await jobs.until(worker, (text) => text === 'lost');
    expect(jobs.received.filter(({ topic }) => topic.endsWith('/response'))).toEqual([]);
  });

  it('a lost GPU ends the run command with an exit code that makes the service manager start another', async () => {
    gpu.addon = gpuOf(new FakeContext(1), online());
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
    const before = signals.map((signal) => process.listeners(signal));
    try {
      const config = await writeConfig(await writeEngine(directory, 'run.engine'));
      const error = await runCommandLine(['run', '--config', config]).catch((thrown: unknown) => thrown);
      expect(error).toBe(LOST);
      expect(exitCodeOf(error)).toBe(1);
    } finally {
      for (const [index, signal] of signals.entries()) {
        for (const listener of process.listeners(signal)) if (!before[index]!.includes(listener)) process.off(signal, listener);
      }
    }
    expect(await retainedState()).toMatchObject({ state: 'degraded', reason: LOST.message });
  });

  const failed: Verification = {
    verdict: 'fail',
    at: '2026-01-02T00:00:00.000Z',
    images: 3,
    agreement: 0.5,
    boxIou: 0.9,
    maskIou: 0.9,
    scoreDifference: 0.1,
  };
  it.each<[string, Verification | null]>([
    ['has not been verified', null],
    ['did not pass its verification', failed],
  ])('an int8 engine that %s is refused, or used with an alert where that is allowed', async (state, verification) => {
    const context = new FakeContext();
    gpu.addon = gpuOf(context, online());
    const engine = await writeEngine(directory, `int8-${state.length}.engine`, { precision: 'int8', verification });

    await expect((await create(engine)).start()).rejects.toMatchObject({
      code: 'ENGINE_UNVERIFIED',
      message: expect.stringMatching(new RegExp(`${state}; run "fastsamd engine verify .*allowUnverified`)),
    });
    expect(await retainedState()).toMatchObject({ state: 'stopping', reason: expect.stringContaining(state) });
    expect(context.calls).toBe(0);
    expect(observer.received.filter(({ topic }) => topic === ALERT)).toEqual([]);

    await (await create(engine, { allowUnverified: true })).start();
    const alert = alertMessageSchema.parse(await observer.untilJson(ALERT));
    expect(alert).toMatchObject({ severity: 'warning' });
    expect(alert.message).toMatch(new RegExp(`${state}; run "fastsamd engine verify .* --against m\\.onnx`));
    await observer.until(`${BASE}/cameras/belt/result`);
  });

  it('an unverified small model has an alert of its own', async () => {
    gpu.addon = gpuOf(new FakeContext(), online());
    const unverified = { precision: 'int8', verification: null } as const;
    const [large, small] = await Promise.all(['large', 'small'].map((name) => writeEngine(directory, `${name}.engine`, unverified)));
    const config = await writeConfig(large!, { allowUnverified: true }, { governor: { enabled: true, smallModel: small } });
    daemon = new Daemon({ config: await loadConfig(config), log });
    await daemon.start();
    expect((await observer.untilJson<Alert>(ALERT)).message).toContain(large);
    expect((await observer.untilJson<Alert>(`${BASE}/alert/small-engine-unverified`)).message).toContain(small);
  });

  it('an int8 engine that passed is used without an alert, and clears the one of before', async () => {
    gpu.addon = gpuOf(new FakeContext(), online());
    const engine = await writeEngine(directory, 'passed.engine', {
      precision: 'int8',
      verification: { ...failed, verdict: 'pass', agreement: 1 },
    });
    const stale = { severity: 'warning', message: 'from an earlier run', since: '2026-01-01T00:00:00.000Z' };
    await observer.publish(ALERT, JSON.stringify(stale), { retain: true });
    await (await create(engine)).start();
    await observer.until(ALERT, (text) => text === '');
    await observer.until(`${BASE}/cameras/belt/result`);
    const alerts = observer.received.filter(({ topic }) => topic === ALERT).map(({ text }) => text);
    expect(alerts).toEqual([JSON.stringify(stale), '']);
  });

  it.each([
    ['with an alert and in info where there is a GPU', true],
    ['without an alert where there is none', false],
  ])('runs on the processor when the GPU cannot be reached, %s', async (_, present) => {
    const why = 'looking for a GPU: unknown error (cudaErrorUnknown, 999); is this user in the groups video and render?';
    gpu.present = present;
    gpu.addon = { ...gpuOf(new FakeContext()), platform: () => Promise.reject(new FastsamError('ENGINE_UNAVAILABLE', why)) };
    const model = await writeTestModel(join(directory, 'cpu.onnx'));
    await (await create(model)).start();
    const info = await observer.untilJson<InfoMessage>(`${BASE}/info`, ({ model: loaded }) => loaded !== null);
    expect(info.model).toMatchObject({ backend: 'onnxruntime', fallback: why });
    await untilState(({ state }) => state === 'ready');
    const alert = `${BASE}/alert/gpu-unused`;
    if (present)
      expect((await observer.untilJson<Alert>(alert)).message).toBe(`the GPU is not used, the model runs on the processor: ${why}`);
    else expect(observer.received.filter(({ topic }) => topic === alert)).toEqual([]);
    gpu.present = true;
  });
});
