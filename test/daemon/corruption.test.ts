/**
 * State files with random damage: what is read from them is refused or usable, and a daemon starts and saves again. CORRUPTIONS=1000 for
 * so many rounds of the reader, and a fiftieth of them of a daemon.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { PromptRegister } from '../../src/prompt/register.js';
import { PromptStore } from '../../src/prompt/store.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { figure, medianOf } from '../helpers/figure.js';
import { random } from '../soak/faults.js';

const ROUNDS = Number(process.env.CORRUPTIONS ?? 100);
const STARTS = Math.ceil(ROUNDS / 50);
const DURABLE_MS = 60_000;
const log = pino({ level: 'silent' });

let directory = '';
let whole = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-corruption-'));
  whole = join(directory, 'whole');
  const { daemon } = await started();
  await setPrompt(daemon, 'first');
  await hasEvent();
  await daemon.stop('test');
  cpSync(stateFolder(), whole, { recursive: true });
}, 60_000);
afterAll(() => rm(directory, { recursive: true }));

const stateFolder = () => join(directory, 'state', 'n');

/** A daemon without a broker, whose only camera is lost at once: an event for the disk. */
async function started(): Promise<{ daemon: Daemon; ms: number }> {
  const config = {
    node: 'n',
    model: { path: 'm' },
    cameras: [{ id: 'belt', source: 'file:/nowhere/picture.png' }],
    mqtt: { url: 'mqtt://127.0.0.1:9' },
    events: { debounceMs: 0 },
    stateDir: join(directory, 'state'),
  };
  const daemon = new Daemon({
    config: parseConfig(JSON.stringify(config), 'c.json'),
    log,
    openEngine: async () => fakeEngine(async () => EMPTY),
  });
  const begin = performance.now();
  await daemon.start();
  return { daemon, ms: performance.now() - begin };
}

async function setPrompt(daemon: Daemon, id: string): Promise<void> {
  const request = { id, prompts: [{ type: 'box', box: [1, 1, 3, 3], id }] };
  const answer = await daemon.control.handle('prompt/set', Buffer.from(JSON.stringify(request)), { via: 'local', role: 'admin' });
  expect(answer).toMatchObject({ status: 'ok' });
}

/** Waits until an event of the lost camera is in the file. */
async function hasEvent(): Promise<void> {
  for (;;) {
    await delay(20);
    try {
      const database = new Database(join(stateFolder(), 'events.db'), { readonly: true });
      const { count } = database.prepare('SELECT count(*) AS count FROM events').get() as { count: number };
      database.close();
      if (count > 0) return;
    } catch {
      // Not there yet.
    }
  }
}

/** Some bytes changed, cut short, emptied, or something else in its place. */
function damaged(bytes: Buffer, next: () => number): Buffer {
  const kind = next();
  if (kind < 0.1) return Buffer.alloc(0);
  if (kind < 0.2) return Buffer.alloc(bytes.length);
  if (kind < 0.35) return bytes.subarray(0, Math.floor(next() * bytes.length));
  if (kind < 0.45) return Buffer.concat([bytes, bytes]);
  const changed = Buffer.from(bytes);
  for (let k = 0; k < 1 + next() * 20; k += 1) changed[Math.floor(next() * changed.length)] = Math.floor(next() * 256);
  // A digit in place of another one: still JSON, with numbers out of their ranges.
  for (let k = 0; kind > 0.7 && k < changed.length; k += 1) {
    if (changed[k]! >= 0x30 && changed[k]! <= 0x39 && next() < 0.2) changed[k] = 0x30 + Math.floor(next() * 10);
    else changed[k] = bytes[k]!;
  }
  return changed;
}

describe('state files with random damage', { timeout: 600_000 }, () => {
  it(`are put aside or read as something usable, ${ROUNDS} times prompts.json`, async () => {
    const next = random(24);
    const file = join(directory, 'prompts.json');
    const bytes = readFileSync(join(whole, 'prompts.json'));
    let usable = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      rmSync(`${file}.unreadable`, { force: true });
      writeFileSync(file, damaged(bytes, next));
      const store = new PromptStore(file, log);
      const saved = await store.load();
      const register = new PromptRegister({
        cameras: new Map([['belt', []]]),
        onApplied: (message) => JSON.stringify(message),
        save: (state) => store.save(state),
        prepare: async () => {},
        bind: () => [],
      });
      register.start(saved);
      if (saved) usable += 1;
      else expect(existsSync(`${file}.unreadable`)).toBe(true);
    }
    figure({ what: 'random damages of prompts.json after which it is used or put aside', value: ROUNDS });
    figure({ what: '… after which it is used', value: usable });
  });

  it(`do not keep a daemon from starting and saving, ${STARTS} times`, async () => {
    const next = random(25);
    const names = readdirSync(whole).filter((name) => name !== 'lock');
    const starts: number[] = [];
    const saves: number[] = [];
    for (let round = 0; round < STARTS; round += 1) {
      rmSync(stateFolder(), { recursive: true, force: true });
      mkdirSync(stateFolder(), { recursive: true });
      for (const name of names) {
        const bytes = readFileSync(join(whole, name));
        writeFileSync(join(stateFolder(), name), next() < 0.6 ? damaged(bytes, next) : bytes);
      }
      const { daemon, ms } = await started();
      starts.push(ms);
      const begin = performance.now();
      await setPrompt(daemon, `again-${round}`);
      await hasEvent();
      expect(readFileSync(join(stateFolder(), 'prompts.json'), 'utf8')).toContain(`again-${round}`);
      saves.push(performance.now() - begin);
      await daemon.stop('test');
    }
    figure({ what: 'starts of a daemon with a randomly damaged state directory', value: STARTS });
    figure({ what: '… until it is ready, median', value: medianOf(starts), unit: 'ms' });
    figure({ what: '… until it is ready, longest', value: Math.max(...starts), unit: 'ms', most: 5000 });
    figure({ what: '… until prompts and events are on the disk again, longest', value: Math.max(...saves), unit: 'ms', most: DURABLE_MS });
  });
});
