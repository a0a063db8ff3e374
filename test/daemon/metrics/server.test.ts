/** The metrics server over real sockets: what it says, and to whom. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.js';
import { metricsSchema } from '../../../src/config/sections/metrics.js';
import type { TelemetryMessage } from '../../../src/contract/messages.js';
import type { Finding } from '../../../src/daemon/health/assess.js';
import { MetricsServer } from '../../../src/daemon/metrics/server.js';
import { isFastsamError } from '../../../src/errors.js';
import { NO_READINGS } from '../../../src/telemetry/sensors/readings.js';
import { SystemSampler } from '../../../src/telemetry/system.js';
import { selfSigned } from '../../helpers/certificate.js';
import { figure } from '../../helpers/figure.js';
import { complaintsAbout } from '../../helpers/prometheus.js';

/** From Debian's package prometheus. */
const promtool = ['promtool', process.env.PROMTOOL ?? ''].find((path) => path !== '' && spawnSync(path, ['--version']).status === 0);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fastsamd-metrics-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let server: MetricsServer | undefined;
afterEach(() => server?.stop());

async function telemetry(): Promise<TelemetryMessage> {
  const system = await new SystemSampler({ sensors: { sample: async () => NO_READINGS } }).sample();
  return {
    v: 1,
    node: 'line-3',
    bootId: '0b7b5c0e-5d0a-4c5e-9d51-0c4f3a0f9f6e',
    ts: '2026-11-22T10:00:00.000Z',
    uptimeS: 12,
    cameras: [
      {
        id: 'belt',
        fpsIn: 30,
        fpsOut: 14.5,
        framesIn: 60,
        framesOut: 29,
        dropped: { busy: 3 },
        latencyMs: { infer: { p50: 9, p95: 10, p99: 11, count: 29, sum: 270 } },
        objects: 80,
        prompts: [{ id: 'station', matched: true, objects: 2, framesMatched: 20 }],
      },
    ],
    mqtt: {
      published: 7,
      dropped: {},
      queued: 0,
      reconnects: 1,
      connectedSince: null,
      spool: { depth: 4, bytes: 100, dropped: {} },
      requests: { answered: 5, failed: 2, ignored: 1 },
    },
    governor: { level: 1, levels: 3, setting: 'every 2nd frame (heat)' },
    system: { ...system, temperaturesC: { cpu: 51.5, gpu: null } },
  };
}

const wellHealth = { alive: true, ready: true, findings: [{ name: 'engine', ok: true }] as Finding[] };

async function serve(
  config: object,
  health: () => typeof wellHealth = () => wellHealth,
  system: Partial<TelemetryMessage['system']> = {},
): Promise<number> {
  const usual = await telemetry();
  const message = { ...usual, system: { ...usual.system, ...system } };
  const log = pino({ level: 'silent' });
  server = new MetricsServer({
    config: metricsSchema.parse({ enabled: true, port: 0, ...config }),
    telemetry: async () => message,
    version: '1.2.3',
    health,
    log,
  });
  await server.start();
  return server.port!;
}

describe('metrics server', () => {
  it('is off unless configured', async () => {
    server = new MetricsServer({
      config: metricsSchema.parse({}),
      telemetry: async () => undefined,
      version: '1.2.3',
      health: () => wellHealth,
      log: pino({ level: 'silent' }),
    });
    await server.start();
    expect(server.port).toBeUndefined();
  });

  it('exposes telemetry and health, and leaves out what is not known', async () => {
    const port = await serve({});
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const line of [
      'fastsamd_subsystem_ok{subsystem="engine"} 1',
      'fastsamd_camera_results_per_second{camera="belt"} 14.5',
      `fastsamd_build_info{version="1.2.3",node_version="${process.versions.node}"} 1`,
      'fastsamd_camera_frames_received_total{camera="belt"} 60',
      'fastsamd_camera_objects_total{camera="belt"} 80',
      'fastsamd_camera_frames_dropped_total{camera="belt",reason="busy"} 3',
      'fastsamd_camera_frames_dropped_total{camera="belt",reason="stale"} 0',
      'fastsamd_camera_latency_seconds{camera="belt",stage="infer",quantile="0.95"} 0.01',
      'fastsamd_camera_latency_seconds_sum{camera="belt",stage="infer"} 0.27',
      'fastsamd_camera_latency_seconds_count{camera="belt",stage="infer"} 29',
      'fastsamd_prompt_matched{camera="belt",prompt="station"} 1',
      'fastsamd_prompt_objects{camera="belt",prompt="station"} 2',
      'fastsamd_temperature_celsius{zone="cpu"} 51.5',
      'fastsamd_mqtt_connected 0',
      'fastsamd_spool_events 4',
      'fastsamd_mqtt_requests_total{outcome="failed"} 2',
      'fastsamd_governor_level 1',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).not.toMatch(/zone="gpu"|gpu_load_ratio \d|null|NaN/);
    expect(complaintsAbout(text)).toEqual([]);
  });

  it('is well-formed whatever the sensors of a machine are called', async () => {
    const names = ['a "quoted" one', 'back\\slash', 'two\nlines', '{a="b"} 1'];
    const port = await serve({}, undefined, { temperaturesC: Object.fromEntries(names.map((name, k) => [name, 40 + k])) });
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(complaintsAbout(text)).toEqual([]);
    expect(text.match(/^fastsamd_temperature_celsius\{/gm)).toHaveLength(names.length);
  });

  it('the reader that judges it finds what is wrong', () => {
    const head = (name: string, type: string) => `# HELP ${name} Help.\n# TYPE ${name} ${type}\n`;
    for (const [text, complaint] of [
      [`${head('a', 'counter')}a 1\n`, 'without _total'],
      [`${head('a_total', 'gauge')}a_total 1\n`, '_total is for counters'],
      [`${head('a_ms', 'gauge')}a_ms 1\n`, 'not a base unit'],
      [`${head('a', 'gauge')}${head('a', 'gauge')}a 1\n`, 'a second HELP'],
      [`${head('a', 'gauge')}a{x="1"} 1\na{x="1"} 2\n`, 'twice'],
      [`${head('a', 'gauge')}a 1\n${head('b', 'gauge')}b 1\na{x="1"} 1\n`, 'not together'],
      [`${head('a', 'gauge')}a{x="1"y="2"} 1\n`, 'not labels'],
      [`${head('a', 'gauge')}a{x="un"quoted"} 1\n`, 'not labels'],
      [`${head('a', 'gauge')}a null\n`, 'not a value'],
      [`${head('a', 'gauge')}a 1`, 'no line feed'],
      [`a 1\n`, 'HELP and TYPE expected'],
    ] as const)
      expect(complaintsAbout(text).join('\n'), text).toContain(complaint);
  });

  it.skipIf(promtool === undefined)('is what promtool finds nothing to say about', async () => {
    const port = await serve({});
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const check = spawnSync(promtool!, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect(check).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('says whether the daemon is alive and ready', async () => {
    const stuck = [{ name: 'engine', ok: false, reason: 'no inference has finished for 12 s' }];
    let health = { alive: true, ready: false, findings: stuck as Finding[] };
    const port = await serve({}, () => health);
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    expect([await status('/healthz'), await status('/readyz'), await status('/'), await status('/metrics?x')]).toEqual([
      200, 503, 404, 200,
    ]);
    health = { ...health, alive: false };
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([response.status, await response.json()]).toEqual([
      503,
      { ok: false, subsystems: { engine: { ok: false, reason: 'no inference has finished for 12 s' } } },
    ]);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('asks for the token where there is one', async () => {
    writeFileSync(join(folder, 'token'), 's3cret\n');
    const port = await serve({ tokenFile: join(folder, 'token') });
    const ask = async (authorization?: string) =>
      (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: authorization ? { authorization } : {} })).status;
    expect([await ask(), await ask('Bearer wrong'), await ask('Basic s3cret'), await ask('Bearer s3cret')]).toEqual([401, 401, 401, 200]);
  });

  it('takes client certificates of its authority, and no other client', async () => {
    for (const name of ['server', 'client', 'stranger']) await selfSigned(folder, name);
    const file = (name: string) => join(folder, name);
    const port = await serve({ tls: { certFile: file('server.crt'), keyFile: file('server.key'), clientCaFile: file('client.crt') } });
    const ask = (client?: string) =>
      new Promise<number | string>((resolve) => {
        const identity = client ? { cert: readFileSync(file(`${client}.crt`)), key: readFileSync(file(`${client}.key`)) } : {};
        https
          .get(
            { host: '127.0.0.1', port, path: '/readyz', ca: readFileSync(file('server.crt')), agent: false, ...identity },
            (response) => {
              response.resume();
              resolve(response.statusCode!);
            },
          )
          .once('error', () => resolve('refused'));
      });
    expect([await ask('client'), await ask('stranger'), await ask()]).toEqual([200, 'refused', 'refused']);
  });

  it('says what is wrong with its configuration', async () => {
    const port = await serve({});
    const first = server;
    await expect(serve({ port })).rejects.toSatisfy((error) => isFastsamError(error, 'CONFIG_INVALID'));
    first?.stop();
    await expect(serve({ tokenFile: join(folder, 'absent') })).rejects.toThrow(/metrics\.tokenFile: .*absent: no such file/);
    await expect(serve({ tls: { certFile: '/absent', keyFile: '/absent' } })).rejects.toThrow(/metrics\.tls: .*expected PEM files/);
    const parse = (metrics: string) =>
      parseConfig(`model: { path: m }\ncameras: [{ id: a, source: "test:shapes" }]\nmetrics: ${metrics}\n`, 'c.yaml');
    expect(() => parse('{ enabled: true, host: 0.0.0.0 }')).toThrow(/metrics\.host: expected 127\.0\.0\.1, or a tokenFile/);
    expect(() => parse('{ enabled: true, host: 0.0.0.0, tokenEnv: TOKEN }')).not.toThrow();
    expect(() => parse('{ tls: { certFile: a } }')).toThrow(/metrics\.tls: expected both certFile and keyFile/);
  });
});

describe('the metrics server under attack', { timeout: 30_000 }, () => {
  async function listening(tls: object = {}): Promise<number> {
    server = new MetricsServer({
      config: metricsSchema.parse({ enabled: true, port: 0, tls }),
      version: '1.2.3',
      telemetry: async () => undefined,
      health: () => ({ alive: true, ready: true, findings: [] }),
      log: pino({ level: 'silent' }),
    });
    await server.start();
    return server.port!;
  }

  function silent(port: number, first = ''): net.Socket {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    // The server may say that it waited in vain: a socket that leaves this unread never closes.
    socket.resume();
    socket.once('connect', () => socket.write(first));
    return socket;
  }

  it('answers a scrape beside 200 connections that say nothing or half of a request, and ends those', async () => {
    const port = await listening();
    const sockets = Array.from({ length: 200 }, (_, k) => silent(port, k % 2 === 0 ? '' : 'GET /metrics HTTP/1.1\r\nHost: x\r\n'));
    const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
    await Promise.all(closed.slice(0, 100));
    const begin = performance.now();
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    figure({ what: 'scrape, beside 200 silent connections', value: performance.now() - begin, unit: 'ms', most: 6000 });
    await Promise.all(closed);
    figure({ what: '… of which the last ended after', value: performance.now() - begin, unit: 'ms' });
  });

  it('ends handshakes that do not go on', async () => {
    const { cert, key } = await selfSigned(folder, 'handshake');
    const port = await listening({ certFile: cert, keyFile: key });
    const socket = silent(port);
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });

  it('refuses names of other machines in Host', async () => {
    const port = await listening();
    const status = (host: string) =>
      new Promise<number>((resolve) => {
        http.get({ port, host: '127.0.0.1', path: '/healthz', headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        });
      });
    expect(await status(`attacker.example:${port}`)).toBe(421);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) expect(await status(host), host).toBe(200);
  });
});
