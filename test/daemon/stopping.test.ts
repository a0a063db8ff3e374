/** SIGTERM ends the daemon within 5 s in every state, also while something in it hangs for good. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { native } from '../../src/addon/addon.js';
import { type RunningCommand, start, startWith } from '../helpers/command.js';
import { figure } from '../helpers/figure.js';
import { HangingDriver } from '../helpers/hanging-driver.js';
import { MachineFaults } from '../helpers/machine-faults.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const NODE = 'stopping-node';
const BASE = `fastsam/v1/${NODE}`;
const LIMIT_MS = 5000;
const SMALL = { width: 64, height: 64, objects: [{ cxcywh: [20, 20, 20, 20], score: 0.9 }] } as const;
const SCENE = 'test:shapes?width=96&height=64&fps=10';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-stopping-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(!hasMosquitto)('SIGTERM (needs mosquitto)', { timeout: 60_000 }, () => {
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

  async function writeConfig(model: string, source = SCENE): Promise<string> {
    const config = {
      node: NODE,
      model: { path: model },
      cameras: [{ id: 'belt', source }],
      mqtt: { url: broker.url },
      events: { debounceMs: 0 },
      stateDir: join(directory, 'state'),
    };
    const path = join(directory, 'config.yaml');
    await writeFile(path, stringify(config));
    return path;
  }

  /** Milliseconds from SIGTERM to the end of the process, in this state. */
  async function timeToEnd(state: string): Promise<number> {
    const ended = once(daemon!.process, 'exit');
    const begin = performance.now();
    daemon!.process.kill('SIGTERM');
    await ended;
    const time = performance.now() - begin;
    figure({ what: `SIGTERM to exit, ${state}`, value: time, unit: 'ms', most: LIMIT_MS });
    return time;
  }

  it('while everything works', async () => {
    daemon = start('run', '--config', await writeConfig(await writeTestModel(join(directory, 'works.onnx'), SMALL)));
    await observer.until(`${BASE}/cameras/belt/result`);
    expect(await timeToEnd('all well')).toBeLessThan(LIMIT_MS);
    expect((await daemon.outcome).code).toBe(0);
  });

  it('while the model hangs as it is loaded', async () => {
    const model = await writeTestModel(join(directory, 'loads.onnx'), { ...SMALL, hangs: 'always' });
    daemon = start('run', '--config', await writeConfig(model));
    await observer.untilJson(`${BASE}/info`, ({ model: known }) => known === null);
    expect(await timeToEnd('model load hangs')).toBeLessThan(LIMIT_MS);
    expect(JSON.parse((await observer.until(`${BASE}/state`, (text) => JSON.parse(text).state === 'stopping')).text).reason).toBe(
      'SIGTERM',
    );
  });

  it('while an inference hangs', async () => {
    const model = await writeTestModel(join(directory, 'infers.onnx'), { ...SMALL, hangs: 'on pictures' });
    daemon = start('run', '--config', await writeConfig(model));
    await observer.untilJson(`${BASE}/state`, ({ state }) => state === 'ready');
    await observer.untilJson(`${BASE}/cameras/belt/state`, ({ state }) => state === 'streaming');
    expect(await timeToEnd('inference hangs')).toBeLessThan(LIMIT_MS);
    await observer.until(`${BASE}/state`, (text) => JSON.parse(text).state === 'stopping');
  });

  it.skipIf(!native().features.gstreamer)('while the driver of a camera hangs', async () => {
    using driver = new HangingDriver(join(directory, 'frames'));
    const model = await writeTestModel(join(directory, 'works.onnx'), SMALL);
    daemon = start('run', '--config', await writeConfig(model, driver.uri));
    await observer.untilJson(`${BASE}/state`, ({ state }) => state === 'ready');
    driver.send();
    await observer.untilJson(`${BASE}/cameras/belt/state`, ({ state }) => state === 'streaming');
    expect(await timeToEnd('driver of a camera hangs')).toBeLessThan(LIMIT_MS);
  });

  it('while the disk of the state directory hangs', async () => {
    const folder = join(directory, 'state');
    await mkdir(folder, { recursive: true });
    using machine = new MachineFaults(directory, folder);
    const model = await writeTestModel(join(directory, 'works.onnx'), SMALL);
    daemon = startWith(machine.environment, 'run', '--config', await writeConfig(model));
    await observer.until(`${BASE}/cameras/belt/result`);
    machine.disk = 'hangs';
    const prompts = [{ type: 'box', box: [5, 5, 40, 40], id: 'station' }];
    await observer.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id: 'a1', prompts }));
    await observer.untilJson(`${BASE}/cameras/belt/prompts`, ({ revision }) => revision === 2);
    expect(await timeToEnd('disk of the state directory hangs')).toBeLessThan(LIMIT_MS);
  });

  it('while the broker is silent', async () => {
    daemon = start('run', '--config', await writeConfig(await writeTestModel(join(directory, 'works.onnx'), SMALL)));
    await observer.until(`${BASE}/cameras/belt/result`);
    broker.pause();
    expect(await timeToEnd('broker silent')).toBeLessThan(LIMIT_MS);
  });

  it('while the broker is away and a camera does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const model = await writeTestModel(join(directory, 'works.onnx'), SMALL);
    daemon = start('run', '--config', await writeConfig(model, `rtsp://127.0.0.1:${port}/cam`));
    await observer.untilJson(`${BASE}/state`, ({ state }) => state === 'ready' || state === 'degraded');
    await broker.kill();
    expect(await timeToEnd('no broker, camera silent')).toBeLessThan(LIMIT_MS);
    silent.close();
  });

  it.each([0, 50, 150, 300, 600, 1000])('%i ms after its start', async (ms) => {
    daemon = start('run', '--config', await writeConfig(await writeTestModel(join(directory, 'works.onnx'), SMALL)));
    await delay(ms);
    expect(await timeToEnd(`${ms} ms after the start`)).toBeLessThan(LIMIT_MS);
  });
});
