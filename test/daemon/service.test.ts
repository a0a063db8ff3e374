/** What systemd would hear, over a real datagram socket: readiness, the watchdog, and when its pings stop. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { parseConfig } from '../../src/config/load.js';
import { Daemon } from '../../src/daemon/daemon.js';
import type { DaemonDeps } from '../../src/daemon/parts.js';
import { ServiceManager } from '../../src/daemon/service.js';
import type { SegmentationEngine, Segmented } from '../../src/engine/engine.js';
import { isFastsamError } from '../../src/errors.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { freePort } from '../helpers/mosquitto.js';
import { NotifySocket } from '../helpers/notify-socket.js';

const INTERVAL_MS = 600;
const log = pino({}, { write: () => undefined });

let directory = '';
let address = '';
let systemd: NotifySocket;
let daemon: Daemon | undefined;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-notify-'));
  address = join(directory, 'notify');
  systemd = await NotifySocket.listen(address);
});
afterEach(async () => {
  await daemon?.stop('test is over');
  daemon = undefined;
  systemd.received.length = 0;
});
afterAll(async () => {
  systemd[Symbol.dispose]();
  await rm(directory, { recursive: true });
});

function environment(): Record<string, string> {
  return { NOTIFY_SOCKET: address, WATCHDOG_USEC: String(INTERVAL_MS * 1000), WATCHDOG_PID: String(process.pid) };
}

/** A daemon on a scene of moving shapes, without a broker. */
async function startDaemon(
  engine: SegmentationEngine,
  options: { source?: string; onResult?: DaemonDeps['onResult']; opening?: Promise<unknown> } = {},
): Promise<void> {
  const port = await freePort();
  const { source = 'test:shapes?width=64&height=64&fps=50', onResult, opening } = options;
  const config = parseConfig(
    `node: n\nmodel: { path: m.onnx }\ncameras: [{ id: belt, source: "${source}" }]\nmqtt: { url: "mqtt://127.0.0.1:${port}" }\n`,
    join(directory, 'config.yaml'),
  );
  daemon = new Daemon({
    config,
    log,
    service: new ServiceManager({ environment: environment(), log }),
    openEngine: async () => {
      await opening;
      return engine;
    },
    ...(onResult ? { onResult } : {}),
  });
  await daemon.start();
}

/** Whether pings have ceased: none comes within the time in which systemd expects two. */
async function pingsCease(): Promise<boolean> {
  const before = systemd.pings;
  await sleep(INTERVAL_MS);
  return systemd.pings === before;
}

async function untilPings(count: number): Promise<void> {
  while (systemd.pings < count) await systemd.until(/^WATCHDOG=1$/, systemd.received.length);
}

describe('notify socket', { timeout: 60_000 }, () => {
  it('takes paths and abstract names, and says why a message was not taken', async () => {
    expect(native().notify(address, 'A=1\nB=2')).toBeNull();
    await systemd.until(/^B=2$/);
    expect(systemd.received).toEqual(['A=1', 'B=2']);
    using abstract = await NotifySocket.listen(`@fastsamd-test-${process.pid}`);
    expect(native().notify(`@fastsamd-test-${process.pid}`, 'C=3')).toBeNull();
    await abstract.until(/^C=3$/);

    expect(native().notify(join(directory, 'nobody'), 'A=1')).toBe('No such file or directory');
    for (const wrong of ['relative', '', `/${'x'.repeat(200)}`])
      expect(() => native().notify(wrong, 'A=1')).toThrowError(expect.toSatisfy((error) => isFastsamError(error, 'MISUSE')));
  });

  it('without systemd all of it is silent', () => {
    const service = new ServiceManager({ environment: { WATCHDOG_USEC: '1000' }, log });
    service.ready('ready');
    service.startWatchdog(() => true);
    expect(service.pingMs).toBeUndefined();
  });

  it('pings are for the process that systemd watches', () => {
    const other = { ...environment(), WATCHDOG_PID: '1' };
    expect(new ServiceManager({ environment: other, log }).pingMs).toBeUndefined();
    expect(new ServiceManager({ environment: environment(), log }).pingMs).toBe(INTERVAL_MS / 2);
  });
});

describe('the daemon under systemd', { timeout: 60_000 }, () => {
  it('asks for patience while the engine loads, is ready after the first inference only, and says when it stops', async () => {
    let loaded = () => {};
    let inferred = () => {};
    const engine = fakeEngine(async () => EMPTY);
    const first = new Promise<number[]>((resolve) => {
      inferred = () => resolve([1]);
    });
    const opening = new Promise<void>((resolve) => {
      loaded = resolve;
    });
    const started = startDaemon({ ...engine, measureNetwork: () => first }, { opening });
    await systemd.until(/^EXTEND_TIMEOUT_USEC=\d+$/);
    await systemd.until(/^STATUS=loading the model$/);
    loaded();
    await sleep(INTERVAL_MS);
    expect(systemd.received.filter((field) => /^(READY|WATCHDOG)=/.test(field))).toEqual([]);
    inferred();
    await started;
    await systemd.until(/^READY=1$/);
    await systemd.until(/^STATUS=.*1 of 1 camera streaming$/);
    await untilPings(3);

    await daemon!.stop('SIGTERM');
    await systemd.until(/^STOPPING=1$/);
    await systemd.until(/^STATUS=stopping: SIGTERM$/);
    expect(await pingsCease()).toBe(true);
  });

  it('says when it reads its configuration again, with the time, and when it is done', async () => {
    await startDaemon(fakeEngine(async () => EMPTY));
    await systemd.until(/^READY=1$/);
    const from = systemd.received.length;
    const before = process.hrtime.bigint() / 1000n;
    await daemon!.reload(daemon!.config);
    await systemd.until(/^READY=1$/, from);
    const fields = systemd.received.slice(from);
    expect(fields.indexOf('RELOADING=1')).toBeLessThan(fields.indexOf('READY=1'));
    const monotonic = BigInt(fields.find((field) => field.startsWith('MONOTONIC_USEC='))!.split('=')[1]!);
    expect(monotonic >= before && monotonic <= process.hrtime.bigint() / 1000n).toBe(true);
  });

  it('stops pinging within one interval when an inference never returns', async () => {
    const hung = new Promise<Segmented>(() => undefined);
    let frames = 0;
    await startDaemon(
      fakeEngine(async () => {
        frames += 1;
        return frames > 20 ? hung : EMPTY;
      }),
    );
    await untilPings(2);
    while (frames <= 20) await sleep(5);
    // Results that were under way are out, and the ping that was due with them.
    await sleep(INTERVAL_MS);
    expect(await pingsCease()).toBe(true);
  });

  it('stops pinging within one interval when a result is never taken', async () => {
    let results = 0;
    await startDaemon(
      fakeEngine(async () => EMPTY),
      {
        onResult: () => {
          results += 1;
          return results > 20 ? new Promise<void>(() => undefined) : undefined;
        },
      },
    );
    await untilPings(2);
    while (results <= 20) await sleep(5);
    await sleep(INTERVAL_MS);
    expect(await pingsCease()).toBe(true);
  });

  it('goes on pinging while the camera is away', async () => {
    await startDaemon(
      fakeEngine(async () => EMPTY),
      { source: 'v4l2:/dev/video99' },
    );
    await systemd.until(/^STATUS=degraded \(camera belt: .*no such device.*\); 0 of 1 camera streaming$/);
    await untilPings(systemd.pings + 6);
  });

  it('stops pinging when the event loop is blocked', async () => {
    const script = `
      import { pino } from 'pino';
      import { ServiceManager } from '${new URL('../../dist/daemon/service.js', import.meta.url)}';
      const service = new ServiceManager({ environment: process.env, log: pino({ level: 'silent' }) });
      service.startWatchdog(() => true);
      process.on('SIGUSR1', () => {
        require('node:fs').writeSync(1, 'blocked');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`;
    const { WATCHDOG_PID: _, ...env } = environment();
    const prelude = `import { createRequire } from 'node:module'; const require = createRequire('${import.meta.url}');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script], {
      cwd: new URL('../..', import.meta.url),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await untilPings(2);
      child.kill('SIGUSR1');
      await once(child.stdout, 'data');
      // One that was sent before may still be on its way.
      await sleep(INTERVAL_MS);
      expect(await pingsCease()).toBe(true);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
