/**
 * SANDBOX_TRACE=1: what a whole run asks of the kernel, beside what the unit's sandbox allows: system calls, kinds of sockets, and files that are written
 * or devices that are opened. A run with cameras over GStreamer, MQTT, console, metrics, changed prompts, a reload and a stop.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { native } from '../../src/addon/addon.js';
import { figure } from '../helpers/figure.js';
import { MjpegServer } from '../helpers/mjpeg-server.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { NotifySocket } from '../helpers/notify-socket.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NODE = 'sandboxed';
const BASE = `fastsam/v1/${NODE}`;
/** Refused, and done without. */
const DISPENSABLE = {
  execve: 'the call of systemd itself, before the filter is in force',
  fchown: 'SQLite gives its journal the owner of the database when it runs as root, which the service does not',
  pkey_alloc: 'V8 protects its code with memory keys where it gets some',
} as const;
/** Not traced, or the run takes minutes. All are in @basic-io, @io-event, @network-io and @default, which every service may use. */
const FREQUENT = [
  ...[
    'read',
    'write',
    'writev',
    'readv',
    'futex',
    'clock_gettime',
    'clock_nanosleep',
    'epoll_wait',
    'epoll_pwait',
    'epoll_ctl',
    'poll',
    'ppoll',
  ],
  ...[
    'mmap',
    'munmap',
    'mprotect',
    'madvise',
    'brk',
    'gettid',
    'getpid',
    'sched_yield',
    'restart_syscall',
    'lseek',
    'close',
    'fstat',
    'pread64',
  ],
  ...['recvmsg', 'sendmsg', 'recvfrom', 'sendto', 'rt_sigprocmask', 'newfstatat', 'readlink', 'statx'],
];
/** Written by every process, and allowed by ProtectSystem=strict. */
const WRITABLE = [/^\/dev\/(null|zero|shm\/|pts\/|tty$)/, /^\/proc\/(self|\d+)\//];

/** A traced run takes a minute: for `make hostile SLICES=sandbox`. */
const canTrace =
  process.env.SANDBOX_TRACE === '1' &&
  spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 &&
  spawnSync('systemd-analyze', ['--version']).status === 0;

/** The names in a set of systemd's (`@…`), sets within it resolved; any other name is that of a call. */
function callsOf(set: string): string[] {
  if (!set.startsWith('@')) return [set];
  const text = execFileSync('systemd-analyze', ['syscall-filter', '--no-pager', set], { encoding: 'utf8' });
  const names = text.split('\n').map((line) => line.trim());
  return names.slice(1).flatMap((name) => (name === '' || name.startsWith('#') ? [] : callsOf(name)));
}

function settings(unit: string, key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, value]) => value!.split(' '));
}

it.skipIf(!canTrace || !hasMosquitto || !native().features.gstreamer)(
  'a whole run asks for nothing that the unit does not allow (needs strace, systemd-analyze, mosquitto)',
  { timeout: 600_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fastsamd-sandbox-'));
    try {
      await using broker = await Broker.start();
      await using camera = await MjpegServer.start();
      using systemd = await NotifySocket.listen(`@${directory}`);
      const observer = await broker.observe(`${BASE}/#`);
      const state = join(directory, 'state');
      await mkdir(state);
      const config = {
        node: NODE,
        model: { path: await writeTestModel(join(directory, 'model.onnx'), { width: 64, height: 64 }) },
        cameras: [
          { id: 'scene', source: 'test:shapes?width=96&height=64&fps=5', publish: { snapshots: true } },
          { id: 'http', source: camera.url, maxFps: 2 },
          { id: 'usb', source: 'v4l2:/dev/video9' },
          { id: 'rtsp', source: 'rtsp://127.0.0.1:9/cam' },
        ],
        mqtt: { url: broker.url, admin: true },
        metrics: { enabled: true, port: await freePort() },
        console: { enabled: true, port: await freePort() },
        telemetry: { intervalMs: 1000 },
        stateDir: state,
      };
      const file = join(directory, 'config.yaml');
      await writeFile(file, stringify(config));
      const trace = join(directory, 'trace');
      const command = [
        '-f',
        '-qq',
        '--seccomp-bpf',
        '-s',
        '256',
        '-o',
        trace,
        '-e',
        `trace=!${FREQUENT.join(',')}`,
        process.execPath,
        join(root, 'bin/fastsamd'),
        'run',
        '--config',
        file,
      ];
      const traced = spawn('strace', command, {
        stdio: 'ignore',
        env: { ...process.env, HOME: state, NOTIFY_SOCKET: `@${directory}`, WATCHDOG_USEC: '2000000' },
      });
      await systemd.until(/^READY=1$/);
      const daemon = Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(traced.pid)], { encoding: 'utf8' }));
      await observer.until(`${BASE}/cameras/scene/result`);
      await observer.until(`${BASE}/cameras/http/result`);
      await observer.until(`${BASE}/telemetry`);
      await observer.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id: 'a', prompts: [{ type: 'box', box: [1, 1, 9, 9] }] }));
      await observer.untilJson(`${BASE}/response/prompt/set`);
      await fetch(`http://127.0.0.1:${config.metrics.port}/metrics`);
      await fetch(`http://127.0.0.1:${config.console.port}/api/me`);
      camera.cut();
      process.kill(daemon, 'SIGHUP');
      await systemd.until(/^WATCHDOG=1$/, systemd.received.length);
      const ended = once(traced, 'exit');
      process.kill(daemon, 'SIGTERM');
      await ended;

      const unit = readFileSync(join(root, 'systemd/fastsamd.service'), 'utf8');
      const text = readFileSync(trace, 'utf8');
      const allowed = new Set<string>();
      // In their order: what a later line takes away or gives again counts.
      for (const each of settings(unit, 'SystemCallFilter')) {
        for (const name of callsOf(each.replace('~', ''))) {
          if (each.startsWith('~')) allowed.delete(name);
          else allowed.add(name);
        }
      }
      expect(FREQUENT.filter((name) => !allowed.has(name))).toEqual([]);
      const used = new Set([...text.matchAll(/^\d+ +([a-z0-9_]+)\(/gm)].map(([, name]) => name!));
      const refused = [...used].filter((name) => !allowed.has(name) && !(name in DISPENSABLE)).sort();
      const families = new Set([...text.matchAll(/ socket(?:pair)?\((AF_\w+)/g)].map(([, family]) => family!));
      const strange = [...families].filter((family) => !settings(unit, 'RestrictAddressFamilies').includes(family));
      const opened = [...text.matchAll(/ open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", ([A-Z_|]+)[^\n]*\) = (\d+)/g)].map(([, path, flags]) => ({
        path: path!,
        flags: flags!,
      }));
      const isWritable = (path: string) => path.startsWith(state) || WRITABLE.some((each) => each.test(path));
      const written = new Set(
        opened.filter(({ path, flags }) => /O_(WRONLY|RDWR|CREAT)/.test(flags) && !isWritable(path)).map(({ path }) => path),
      );
      const changed = [...text.matchAll(/ (?:mkdir|unlink|rename|rmdir|symlink|chmod)(?:at2?)?\((?:AT_FDCWD, )?"([^"]+)"[^\n]*\) = 0/g)];
      for (const [, path] of changed) if (!isWritable(path!)) written.add(path!);
      const devices = new Set(
        opened.map(({ path }) => path).filter((path) => /^\/dev\/(?!null|zero|random|urandom|shm|pts|tty$)/.test(path)),
      );

      figure({ what: 'different system calls of a whole run', value: used.size });
      figure({
        what: `… that SystemCallFilter refuses${refused.length > 0 ? ` (${refused.join(', ')})` : ''}`,
        value: refused.length,
        most: 0,
      });
      figure({
        what: `kinds of sockets that RestrictAddressFamilies refuses (of ${[...families].sort().join(', ')})`,
        value: strange.length,
        most: 0,
      });
      figure({ what: 'files written outside the state directory', value: written.size, most: 0 });
      figure({ what: 'devices opened beyond those open to every service', value: devices.size, most: 0 });
      expect({ refused, strange, written: [...written], devices: [...devices] }).toEqual({
        refused: [],
        strange: [],
        written: [],
        devices: [],
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
