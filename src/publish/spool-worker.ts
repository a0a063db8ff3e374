/**
 * The thread that owns the event database. SQLite writes on the calling thread, and a flash disk that is tidying up can
 * take seconds: the thread of frames and messages must not wait for that.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { messageOf } from '../errors.js';
import type { EventMessage } from '../wire/event.js';
import type { StoreState } from './event-store.js';
import type { SpoolAnswer, SpoolRequest, SpoolSettings } from './spool-protocol.js';

const settings = workerData as SpoolSettings;

/** Rows by number; AUTOINCREMENT never gives a number twice, so the order holds over restarts and deletions. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    ts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    event TEXT NOT NULL
  ) STRICT`;

function open(): Database.Database {
  mkdirSync(dirname(settings.file), { recursive: true });
  const database = new Database(settings.file);
  // A power cut may cost the last events, never the database; a deleted event's pages are used again.
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('journal_size_limit = 4000000');
  database.exec(SCHEMA);
  return database;
}

/** A file that is no database, or a broken one, is put aside: events to come matter more. */
function openOrReplace(): Database.Database {
  try {
    const database = open();
    database.prepare('SELECT count(*) FROM events').get();
    return database;
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !/^SQLITE_(NOTADB|CORRUPT)/.test(error.code)) throw error;
    renameSync(settings.file, `${settings.file}.unreadable`);
    return open();
  }
}

const database = openOrReplace();
const insert = database.prepare('INSERT INTO events (ts, bytes, event) VALUES (?, ?, ?)');
const select = database.prepare('SELECT number, event FROM events WHERE number > ? ORDER BY number LIMIT ?');
const remove = database.prepare('DELETE FROM events WHERE number = ?');
const oldest = database.prepare('SELECT number, ts, bytes FROM events ORDER BY number LIMIT 1');
const totals = database.prepare('SELECT count(*) AS depth, coalesce(sum(bytes), 0) AS bytes FROM events');

const first = totals.get() as { depth: number; bytes: number };
let { depth, bytes } = first;
const evicted = { bytes: 0, age: 0 };

function state(): StoreState {
  return { depth, bytes, evicted: { ...evicted } };
}

function drop(number: number, size: number): void {
  if (remove.run(number).changes === 0) return;
  depth -= 1;
  bytes -= size;
}

function evict(): void {
  const tooOld = Date.now() - settings.maxAgeS * 1000;
  for (;;) {
    const row = oldest.get() as { number: number; ts: number; bytes: number } | undefined;
    if (!row) return;
    const reason = row.ts < tooOld ? 'age' : bytes > settings.maxBytes ? 'bytes' : undefined;
    if (reason === undefined) return;
    evicted[reason] += 1;
    drop(row.number, row.bytes);
  }
}

const append = database.transaction((events: readonly EventMessage[]) => {
  for (const event of events) {
    const text = JSON.stringify(event);
    const size = Buffer.byteLength(text);
    insert.run(Date.parse(event.ts), size, text);
    depth += 1;
    bytes += size;
  }
  evict();
});

const sizeOf = database.prepare('SELECT bytes FROM events WHERE number = ?');
const removeAll = database.transaction((numbers: readonly number[]) => {
  for (const number of numbers) {
    const row = sizeOf.get(number) as { bytes: number } | undefined;
    if (row) drop(number, row.bytes);
  }
});

function answer(request: SpoolRequest): SpoolAnswer {
  switch (request.type) {
    case 'append':
      append(request.events);
      return { type: 'state', state: state() };
    case 'read': {
      evict();
      const rows = select.all(request.after, request.limit) as { number: number; event: string }[];
      return { type: 'events', events: rows.map(({ number, event }) => ({ number, event: JSON.parse(event) as EventMessage })) };
    }
    case 'remove':
      removeAll(request.numbers);
      return { type: 'state', state: state() };
    case 'close':
      database.close();
      return { type: 'state', state: state() };
  }
}

function send(message: SpoolAnswer): void {
  parentPort!.postMessage(message);
}

parentPort!.on('message', (request: SpoolRequest) => {
  const before = { depth, bytes };
  try {
    send(answer(request));
  } catch (error) {
    // The transaction was rolled back.
    ({ depth, bytes } = before);
    send({ type: 'failed', message: messageOf(error) });
  }
  if (request.type === 'close') parentPort!.close();
});
send({ type: 'state', state: state() });
