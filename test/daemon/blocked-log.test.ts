/**
 * The daemon where its log cannot go: standard error is a pipe that nobody reads any more, or a full disk. BLOCKED_SECONDS=60 for so
 * long each, with figures.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { systemCodeOf } from '../../src/errors.js';
import { figure } from '../helpers/figure.js';
import { killed } from '../helpers/killed.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { NotifySocket } from '../helpers/notify-socket.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));
const NODE = 'quiet-node';
const BASE = `fastsam/v1/${NODE}`;
const SECONDS = Number(process.env.BLOCKED_SECONDS ?? 0);
const PING_MS = 2000;

/** A pipe as a shell makes one, full, with a reader that has stopped. */
class FullPipe implements Disposable {
  readonly writer: number;
  readonly #reader: number;

  constructor(path: string) {
    spawnSync('mkfifo', [path]);
    this.#reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      for (;;) writeSync(filler, Buffer.alloc(4096, 'x'));
    } catch (error) {
      if (systemCodeOf(error) !== 'EAGAIN') throw error;
    }
    closeSync(filler);
    this.writer = openSync(path, constants.O_WRONLY);
  }

  /** What is in it at present. */
  read(): string {
    const buffer = Buffer.alloc(1 << 20);
    try {
      return buffer.toString('utf8', 0, readSync(this.#reader, buffer));
    } catch (error) {
      if (systemCodeOf(error) === 'EAGAIN') return '';
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.writer);
    closeSync(this.#reader);
  }
}

describe.skipIf(!hasMosquitto)('a log that cannot be written (needs mosquitto)', { timeout: 60_000 + SECONDS * 6000 }, () => {
  let directory = '';
  let broker: Broker;
  let observer: Observer;
  let daemon: ChildProcess | undefined;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fastsamd-blocked-log-'));
    const config = {
      node: NODE,
      model: { path: await writeTestModel(join(directory, 'small.onnx'), { width: 64, height: 64, objects: [] }) },
      cameras: [{ id: 'belt', source: 'test:shapes?width=96&height=64&fps=20' }],
      log: { level: 'trace' },
    };
    broker = await Broker.start();
    await writeFile(
      join(directory, 'config.yaml'),
      stringify({ ...config, mqtt: { url: broker.url }, stateDir: join(directory, 'state') }),
    );
  });
  beforeEach(async () => {
    observer = await broker.observe(`${BASE}/#`);
  });
  afterEach(async () => {
    await killed(daemon);
    observer.client.end(true);
  });
  afterAll(async () => {
    await broker[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  function run(stderr: number, environment: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn(process.execPath, [BIN, 'run', '--config', join(directory, 'config.yaml')], {
      stdio: ['ignore', 'ignore', stderr],
      env: { ...process.env, ...environment },
    });
  }

  it('a pipe that nobody reads holds up neither results nor the watchdog nor the end, and its lines come when it is read again', async () => {
    using pipe = new FullPipe(join(directory, 'stderr'));
    using systemd = await NotifySocket.listen(join(directory, 'notify'));
    daemon = run(pipe.writer, { NOTIFY_SOCKET: join(directory, 'notify'), WATCHDOG_USEC: '1000000' });
    await systemd.until(/^READY=1$/);
    const from = observer.received.length;
    for (let pings = systemd.pings + 3; systemd.pings < pings; ) await systemd.until(/^WATCHDOG=1$/, systemd.received.length);
    await observer.untilJson(`${BASE}/cameras/belt/result`, ({ seq }) => Number(seq) > 10, from);

    let text = '';
    while (!text.includes('camera belt: streaming')) {
      text += pipe.read();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('a full disk costs lines, which health counts, and nothing else', async () => {
    const full = openSync('/dev/full', 'w');
    daemon = run(full);
    closeSync(full);
    await observer.untilJson<{ seq: number }>(`${BASE}/cameras/belt/result`, ({ seq }) => seq > 10);
    const health = await observer.untilJson<{ subsystems: Record<string, { ok: boolean; reason: string }> }>(
      `${BASE}/health`,
      ({ subsystems }) => subsystems.log?.ok === false,
    );
    expect(health.subsystems.log!.reason).toMatch(/^[1-9]\d* lines of the log were lost since the start/);
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  /** A daemon of its own for a while: results a second, the longest time between pings, and how long it takes to end. */
  async function measured(node: string, stderr: number): Promise<{ rate: number; gapMs: number; endMs: number; lost: number }> {
    const base = `fastsam/v1/${node}`;
    const file = join(directory, `${node}.yaml`);
    const config = parse(await readFile(join(directory, 'config.yaml'), 'utf8'));
    const cameras = [{ id: 'belt', source: 'test:shapes?width=96&height=64&fps=5' }];
    await writeFile(file, stringify({ ...config, node, cameras, stateDir: join(directory, node) }));
    const seen = await broker.observe(`${base}/#`);
    using systemd = await NotifySocket.listen(`@${directory}-${node}`);
    const child = spawn(process.execPath, [BIN, 'run', '--config', file], {
      stdio: ['ignore', 'ignore', stderr],
      env: { ...process.env, NOTIFY_SOCKET: `@${directory}-${node}`, WATCHDOG_USEC: String(2000 * PING_MS) },
    });
    try {
      await systemd.until(/^READY=1$/);
      await systemd.until(/^WATCHDOG=1$/);
      const results = () => seen.received.filter(({ topic }) => topic === `${base}/cameras/belt/result`).length;
      const before = results();
      const begin = performance.now();
      await delay(SECONDS * 1000);
      const end = performance.now();
      const rate = ((results() - before) / (end - begin)) * 1000;
      const gapMs = systemd.longestGapMs(begin, end);
      const health = seen.received.findLast(({ topic }) => topic === `${base}/health`)?.text ?? '';
      const lost = Number(/(\d+) lines of the log were lost/.exec(health)?.[1] ?? 0);
      const ended = once(child, 'exit');
      const asked = performance.now();
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      return { rate, gapMs, endMs: performance.now() - asked, lost };
    } finally {
      await killed(child);
      seen.client.end(true);
    }
  }

  it.skipIf(SECONDS === 0)('for long costs neither results nor pings nor a late end, beside a daemon whose log is taken', async () => {
    using pipe = new FullPipe(join(directory, 'stopped-reader'));
    const full = openSync('/dev/full', 'w');
    const taken = openSync('/dev/null', 'w');
    // At the same time: whatever else the machine does, it does to all three.
    const [nominal, ...blocked] = await Promise.all([measured('taken', taken), measured('pipe', pipe.writer), measured('full', full)]);
    closeSync(full);
    closeSync(taken);
    figure({ what: 'a log that is read, at the same time: results a second, of 5', value: nominal.rate });
    figure({ what: 'a log that is read: longest time between pings', value: nominal.gapMs, unit: 'ms' });
    for (const [k, { rate, gapMs, endMs, lost }] of blocked.entries()) {
      const name = ['a full pipe', '/dev/full'][k]!;
      figure({
        what: `${name} for ${SECONDS} s: results, of those with a log that is read`,
        value: (100 * rate) / nominal.rate,
        unit: '%',
        least: 95,
      });
      figure({ what: `${name}: longest time between pings, nominal ${PING_MS} ms`, value: gapMs, unit: 'ms', most: PING_MS + 1000 });
      figure({ what: `${name}: SIGTERM to exit`, value: endMs, unit: 'ms', most: 5000 });
      // 2 MiB of lines wait for the reader of a pipe; a full disk takes none.
      figure({ what: `${name}: lines lost, by the count of health`, value: lost, ...(k === 1 ? { least: 1 } : {}) });
    }
  });
});
