/** The file of the events that wait, when it was damaged, and the ages of events when the clock was wrong. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventMessage } from '../../src/contract/event.js';
import { EventDatabase } from '../../src/events/event-database.js';
import { figure } from '../helpers/figure.js';
import { random } from '../soak/faults.js';

const DAY_MS = 86_400_000;

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-events-'));
  file = join(folder, 'events.db');
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

function event(k: number): EventMessage {
  const base = { v: 1, node: 'line-3', camera: 'belt', bootId: '2b1f7c1e-5ad1-4d2c-9f0e-000000000000', replayed: false } as const;
  return { ...base, eventId: `event-${k}`, ts: new Date().toISOString(), type: 'camera-lost', reason: 'x'.repeat(300) };
}

function open(maxAgeS = 3600): EventDatabase {
  return new EventDatabase({ file, maxBytes: 10_000_000, maxAgeS });
}

function ids(database: EventDatabase): string[] {
  return database.read(0, 10_000).map((each) => each.event.eventId);
}

function fill(count: number): string[] {
  const database = open();
  const { last } = database.append(Array.from({ length: count }, (_, k) => event(k)));
  expect(last).toBe(count);
  database.close();
  return Array.from({ length: count }, (_, k) => `event-${k}`);
}

describe('the file of the events', () => {
  it.each([
    ['no JSON', 'broken'],
    ['no event', '{"eventId":5}'],
    ['null', 'null'],
  ])('a row that is %s is skipped and counted; the good ones beside it are read', (_, text) => {
    const good = fill(20);
    const raw = new Database(file);
    raw.prepare('UPDATE events SET event = ? WHERE number = 8').run(text);
    raw.prepare('INSERT INTO events (ts, bytes, event) VALUES (0, 9000000000000000, ?)').run(text);
    raw.close();
    const database = open(1e9);
    expect(ids(database)).toEqual(good.filter((id) => id !== 'event-7'));
    expect(database.state).toMatchObject({ depth: 19, evicted: { bytes: 0, unreadable: expect.any(Number) } });
    database.close();
  });

  it('with a number that no node counts up to is put aside, and its events kept', () => {
    const good = fill(20);
    const raw = new Database(file);
    raw.prepare("UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'events'").run();
    raw.close();
    const database = open();
    expect(ids(database)).toEqual(good);
    expect(existsSync(`${file}.unreadable`)).toBe(true);
    expect(database.append([event(20)]).last).toBeGreaterThan(20);
    database.close();
  });

  it('with a damaged page is put aside, and the events on its other pages are kept', () => {
    const good = fill(200);
    const raw = new Database(file);
    raw.pragma('wal_checkpoint(TRUNCATE)');
    raw.close();
    const damaged = openSync(file, 'r+');
    writeSync(damaged, Buffer.alloc(4096, 0xa5), 0, 4096, 4096 * 6);
    closeSync(damaged);
    const database = open();
    const kept = ids(database);
    expect(kept.length).toBeGreaterThan(150);
    expect(good).toEqual(expect.arrayContaining(kept));
    database.close();
  });

  it('with damaged free pages is put aside, and every event is kept', () => {
    const good = fill(20);
    const raw = new Database(file);
    raw.pragma('wal_checkpoint(TRUNCATE)');
    raw.close();
    // The header says that the list of free pages begins at a page beyond the end, and has five.
    const list = Buffer.alloc(8);
    list.writeUInt32BE(9_999, 0);
    list.writeUInt32BE(5, 4);
    const damaged = openSync(file, 'r+');
    writeSync(damaged, list, 0, 8, 32);
    closeSync(damaged);
    const database = open();
    expect(ids(database)).toEqual(good);
    expect(existsSync(`${file}.unreadable`)).toBe(true);
    database.close();
  });

  it.each<[string, () => void]>([
    ['text', () => writeFileSync(file, 'no database')],
    ['another database', () => void new Database(file).exec('CREATE TABLE events (other TEXT)').close()],
    ['a FIFO', () => void spawnSync('mkfifo', [file])],
    ['a folder', () => mkdirSync(join(file, 'inner'), { recursive: true })],
    ['a link', () => symlinkSync('/etc/hostname', file)],
    [
      'far too large',
      () => {
        writeFileSync(file, '');
        truncateSync(file, 5e9);
      },
    ],
    ['beside a journal that is a folder', () => mkdirSync(`${file}-wal`)],
  ])('that is %s is put aside', (_, damage) => {
    damage();
    const database = open();
    database.append([event(1)]);
    expect(ids(database)).toEqual(['event-1']);
    database.close();
    expect(readFileSync('/etc/hostname', 'utf8').length).toBeLessThan(100);
  });

  it('opens after any damage, takes events and gives them back', () => {
    const next = random(22);
    fill(60);
    const whole = readFileSync(file);
    const rounds = Number(process.env.CORRUPTIONS ?? 40);
    for (let round = 0; round < rounds; round += 1) {
      const bytes = Buffer.from(whole);
      for (let k = 0; k < 1 + next() * 30; k += 1) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
      rmAll();
      writeFileSync(file, next() < 0.2 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes);
      const database = open();
      database.append([event(1000 + round)]);
      expect(ids(database)).toContain(`event-${1000 + round}`);
      database.close();
    }
    figure({ what: 'random damages of events.db after which it opens and takes events', value: rounds });
  }, 300_000);

  function rmAll(): void {
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(`${file}${suffix}`)) spawnSync('rm', ['-rf', `${file}${suffix}`]);
  }
});

describe('the age of events', () => {
  const toFake = ['Date', 'performance'] as ('Date' | 'performance')[];

  it.each([3_600_000, -3_600_000, 365 * DAY_MS, -365 * DAY_MS, Date.UTC(2001, 0, 1) - Date.UTC(2026, 0, 1)])(
    'is not changed by a step of the clock by %d ms, in a run or between two',
    (step) => {
      vi.useFakeTimers({ toFake, now: Date.UTC(2026, 0, 1) });
      const database = open();
      database.append([event(1)]);
      vi.setSystemTime(Date.now() + step);
      database.append([event(2)]);
      expect(ids(database)).toEqual(['event-1', 'event-2']);
      database.close();
      vi.setSystemTime(Date.now() + step);
      const again = open();
      again.append([event(3)]);
      expect(ids(again)).toEqual(['event-1', 'event-2', 'event-3']);
      vi.advanceTimersByTime(3_601_000);
      expect(ids(again)).toEqual([]);
      expect(again.state.evicted).toMatchObject({ age: 3 });
      again.close();
    },
  );

  it('is the time that a node ran: the time that it was off counts for nothing', () => {
    vi.useFakeTimers({ toFake, now: Date.UTC(2026, 0, 1) });
    fill(3);
    vi.advanceTimersByTime(2 * 3_600_000);
    const database = open();
    expect(ids(database)).toHaveLength(3);
    vi.advanceTimersByTime(3_601_000);
    database.append([event(9)]);
    expect(ids(database)).toEqual(['event-9']);
    database.close();
    expect(statSync(file).isFile()).toBe(true);
  });
});
