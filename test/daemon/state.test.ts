/** The state directory of a running daemon: held by one, damaged, full, deleted; and a clock that jumps. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import type { StateMessage } from '../../src/contract/messages.js';
import { type RunningCommand, startWith } from '../helpers/command.js';
import { MachineFaults } from '../helpers/machine-faults.js';
import { Broker, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { Relay } from '../mqtt/network.js';

const NODE = 'state-node';
const BASE = `fastsam/v1/${NODE}`;
const PROMPTS = [{ type: 'box', box: [5, 5, 40, 40], id: 'station' }];

let directory = '';
let model = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-state-'));
  model = await writeTestModel(join(directory, 'small.onnx'), {
    width: 64,
    height: 64,
    objects: [{ cxcywh: [20, 20, 20, 20], score: 0.9 }],
  });
});
afterAll(() => rm(directory, { recursive: true }));

/** A broker, an observer and a state directory. */
class Site implements AsyncDisposable {
  readonly folder: string;
  readonly #daemons: RunningCommand[] = [];

  private constructor(
    readonly broker: Broker,
    readonly observer: Observer,
  ) {
    this.folder = join(this.stateDir, NODE);
    mkdirSync(this.folder, { recursive: true });
  }

  static async make(): Promise<Site> {
    const broker = await Broker.start();
    return new Site(broker, await broker.observe(`${BASE}/#`));
  }

  get stateDir(): string {
    return join(directory, `state-${this.broker.port}`);
  }

  async writeConfig(changes: Record<string, unknown> = {}): Promise<string> {
    const config = {
      node: NODE,
      model: { path: model },
      cameras: [{ id: 'belt', source: 'test:shapes?width=96&height=64&fps=10' }],
      mqtt: { url: this.broker.url, reconnect: { minMs: 50, maxMs: 500 } },
      events: { debounceMs: 0 },
      stateDir: this.stateDir,
      ...changes,
    };
    const path = join(directory, `config-${this.broker.port}.yaml`);
    await writeFile(path, stringify(config));
    return path;
  }

  /** Starts the daemon, which is killed at the end. */
  async run(changes: Record<string, unknown> = {}, environment: Readonly<Record<string, string>> = {}): Promise<RunningCommand> {
    const daemon = startWith(environment, 'run', '--config', await this.writeConfig(changes));
    this.#daemons.push(daemon);
    return daemon;
  }

  ready(): Promise<StateMessage> {
    return this.observer.untilJson<StateMessage>(`${BASE}/state`, ({ state }) => state === 'ready', 0);
  }

  async setPrompts(id: string, prompts: unknown = PROMPTS): Promise<Record<string, unknown>> {
    await this.observer.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id, prompts }));
    return this.observer.untilJson(`${BASE}/response/prompt/set`, (answer) => answer.id === id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons) await daemon[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
  }
}

// Mostly waiting, for alerts and time limits of their own sites: together they take as long as the slowest.
describe.skipIf(!hasMosquitto)('the state directory (needs mosquitto)', { timeout: 90_000, concurrent: true }, () => {
  it('belongs to one daemon: a second one says who has it and ends', async () => {
    await using site = await Site.make();
    const { observer } = site;
    const first = await site.run();
    await site.ready();
    const { code, stderr } = await (await site.run()).outcome;
    expect(code).toBe(1);
    expect(stderr).toContain(`in use by node ${NODE}, process ${first.process.pid} on `);
    await first[Symbol.asyncDispose]();
    await site.run();
    await observer.untilJson(`${BASE}/cameras/belt/result`, () => true, observer.received.length);
  });

  it.each<[string, (file: string) => void]>([
    ['holds a time that no calendar has', (file) => writeFileSync(file, saved({ sinceMs: 1e300 }))],
    ['holds a time after the last one of JavaScript', (file) => writeFileSync(file, saved({ sinceMs: 9e15 }))],
    ['is a FIFO', (file) => void spawnSync('mkfifo', [file])],
    ['is a folder', (file) => mkdirSync(join(file, 'inner'), { recursive: true })],
    ['has 300 MB', (file) => void spawnSync('truncate', ['-s', '300M', file])],
  ])('a prompts.json that %s is put aside; the daemon is ready and saves again', async (_, damage) => {
    await using site = await Site.make();
    const { folder } = site;
    const file = join(folder, 'prompts.json');
    damage(file);
    symlinkSync(join(directory, 'elsewhere'), join(folder, 'prompts.json.1.part'));
    await site.run();
    await site.ready();
    expect(existsSync(`${file}.unreadable`)).toBe(true);
    expect(existsSync(join(folder, 'prompts.json.1.part'))).toBe(false);
    expect(await site.setPrompts('a1')).toMatchObject({ status: 'ok' });
    expect(JSON.parse(readFileSync(file, 'utf8')).cameras.belt.held.base).toMatchObject(PROMPTS);
    expect(existsSync(join(directory, 'elsewhere'))).toBe(false);
  });

  it('that is full costs nothing for good: alerts while it is, and everything is on the disk once there is room', async () => {
    await using site = await Site.make();
    const { folder, observer } = site;
    using machine = new MachineFaults(directory, folder);
    await site.run({}, machine.environment);
    await site.ready();
    machine.disk = 'full';
    expect(await site.setPrompts('a1')).toMatchObject({ status: 'ok' });
    await observer.until(`${BASE}/alert/prompts-unsaved`, (text) => text !== '');
    await observer.until(`${BASE}/alert/events-unsaved`, (text) => text !== '');
    const from = observer.received.length;
    machine.disk = 'works';
    await observer.until(`${BASE}/alert/prompts-unsaved`, (text) => text === '', from);
    await observer.until(`${BASE}/alert/events-unsaved`, (text) => text === '', from);
    expect(JSON.parse(readFileSync(join(folder, 'prompts.json'), 'utf8')).cameras.belt.held.base).toMatchObject(PROMPTS);
  });

  it('that is deleted is made again with what was in it, and an alert says so', async () => {
    await using site = await Site.make();
    const { broker, folder } = site;
    await site.run();
    await site.ready();
    expect(await site.setPrompts('a1')).toMatchObject({ status: 'ok' });
    await broker.kill();
    rmSync(folder, { recursive: true });
    const file = join(folder, 'prompts.json');
    while (!existsSync(file) || !existsSync(join(folder, 'events.db'))) await new Promise((resolve) => setTimeout(resolve, 50));
    await broker.restart();
    const later = await broker.observe(`${BASE}/#`);
    await later.untilJson(`${BASE}/alert/state-directory`, ({ message }) => String(message).includes('deleted'));
    expect(JSON.parse(readFileSync(file, 'utf8')).cameras.belt.held.base).toMatchObject(PROMPTS);
  });

  it('a time limit of prompts holds over a step of the clock, and what is announced moves with it', async () => {
    await using site = await Site.make();
    const { folder, observer } = site;
    using machine = new MachineFaults(directory, folder);
    machine.clockOffsetMs = Date.UTC(2001, 0, 1) - Date.now();
    machine.clockSynced = false;
    await site.run({}, machine.environment);
    await site.ready();
    await observer.publish(`${BASE}/request/prompt/set`, JSON.stringify({ id: 'a1', prompts: PROMPTS, ttlS: 8 }));
    const first = await observer.untilJson(`${BASE}/cameras/belt/prompts`, ({ revision }) => revision === 2);
    expect(first.expiresAt).toMatch(/^2001-/);
    machine.clockOffsetMs = 0;
    machine.clockSynced = true;
    const moved = await observer.untilJson(
      `${BASE}/cameras/belt/prompts`,
      ({ expiresAt }) => expiresAt !== undefined && String(expiresAt) > '2020',
    );
    await observer.untilJson(`${BASE}/cameras/belt/prompts`, ({ revision }) => revision === 3);
    expect(Math.abs(Date.now() - Date.parse(String(moved.expiresAt)))).toBeLessThan(2000);
  });

  it('an event of a clock that stood at 2001 arrives after it was set', async () => {
    await using site = await Site.make();
    const { broker, folder, observer } = site;
    using machine = new MachineFaults(directory, folder);
    machine.clockOffsetMs = Date.UTC(2001, 0, 1) - Date.now();
    machine.clockSynced = false;
    const relay = await Relay.start(broker.port);
    relay.open = false;
    const mqtt = { url: `mqtt://127.0.0.1:${relay.port}`, reconnect: { minMs: 50, maxMs: 500 } };
    const daemon = await site.run({ mqtt, cameras: [{ id: 'belt', source: 'file:/nowhere' }] }, machine.environment);
    await vi.waitFor(() => expect(storedEvents(join(folder, 'events.db'))).toBeGreaterThan(0), { timeout: 30_000, interval: 100 });
    machine.clockOffsetMs = 0;
    machine.clockSynced = true;
    relay.open = true;
    const event = await observer.untilJson(`${BASE}/cameras/belt/event`, ({ type }) => type === 'camera-lost');
    expect(event).toMatchObject({ replayed: true, ts: expect.stringMatching(/^2001-/) });
    daemon.process.kill('SIGKILL');
    await daemon.outcome;
    await relay.stop();
  });
});

/** Events on the disk of a daemon that runs. */
function storedEvents(file: string): number {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    return (database.prepare('SELECT count(*) AS events FROM events').get() as { events: number }).events;
  } finally {
    database.close();
  }
}

function saved(changes: { readonly sinceMs: number }): string {
  const camera = { configured: [], held: { base: [] }, revision: 1, ...changes };
  return JSON.stringify({ v: 1, revision: 1, cameras: { belt: camera } }).replace('1e+300', '1e300');
}
