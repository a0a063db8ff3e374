/** The SQLite file of the events that wait. Nothing in it is trusted: a power cut, a bad block or somebody may have changed it. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import type { EventMessage } from '../contract/event.js';
import { DamagedDatabase, demandWritableFormat, isDamagedDatabase, makeDirectorySync, putAside, putAsideUnlessUsable } from '../durable.js';
import type { Appended, StoredEvent, StoreState } from './event-store.js';
import type { SpoolSettings } from './spool-protocol.js';

/** Rows by number; AUTOINCREMENT never gives a number twice, so the order holds over restarts and deletions. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    ts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    event TEXT NOT NULL
  ) STRICT`;

/** Far above what a node ever counts, and far below where numbers stop being exact. */
const MAX_NUMBER = 2 ** 52;
/** A database of so many times its bound, and this, has become something else. */
const MAX_GROWTH = 4;
const MAX_EXTRA_BYTES = 64 * 1024 * 1024;
/** A single event is far smaller. */
const MAX_EVENT_BYTES = 1_000_000;
/** So many of the newest numbers are looked up in a damaged file. */
const MAX_SALVAGE = 100_000;
const PROBE = 'x'.repeat(4096);

interface Row {
  readonly number: number;
  readonly event: string;
}

export class EventDatabase {
  readonly #settings: SpoolSettings;
  #database: Database.Database;
  #evicted = { bytes: 0, age: 0, unreadable: 0 };
  #depth = 0;
  #bytes = 0;
  readonly #openedAt = performance.now();
  /** The highest number that was given out before this run. */
  #lastOfEarlierRuns = 0;

  /**
   * Opens the file and checks that it can be written. One that is damaged is put aside as `FILE.unreadable`, and the
   * events that can still be read in it are kept. Errors: SQLite's, for a disk that is full or cannot be written.
   */
  constructor(settings: SpoolSettings) {
    this.#settings = settings;
    makeDirectorySync(dirname(settings.file));
    for (const suffix of ['', '-wal', '-shm']) putAsideUnlessUsable(`${settings.file}${suffix}`, this.#maxFileBytes);
    this.#database = this.#mended(() => this.#open());
    // Damage of free pages is met when one of them is taken.
    this.#mended(() => this.#probe());
    const { last } = this.#database.prepare('SELECT max(number) AS last FROM events').get() as { last: number | null };
    this.#lastOfEarlierRuns = last ?? 0;
  }

  get state(): StoreState {
    return { depth: this.#depth, bytes: this.#bytes, evicted: { ...this.#evicted } };
  }

  /** In one transaction, on the disk when it returns. */
  append(events: readonly EventMessage[]): Appended {
    return this.#transaction(() => {
      const now = this.#runningMs();
      const insert = this.#database.prepare('INSERT INTO events (ts, bytes, event) VALUES (?, ?, ?)');
      let last = 0;
      for (const event of events) {
        const text = JSON.stringify(event);
        const size = Buffer.byteLength(text);
        last = Number(insert.run(now, size, text).lastInsertRowid);
        this.#depth += 1;
        this.#bytes += size;
      }
      this.#evict();
      return { state: this.state, last };
    });
  }

  /** The oldest events above `after`. Rows that are none are removed and counted. */
  read(after: number, limit: number): StoredEvent[] {
    return this.#transaction(() => {
      this.#evict();
      const select = this.#database.prepare('SELECT number, event FROM events WHERE number > ? ORDER BY number LIMIT ?');
      const found: StoredEvent[] = [];
      for (let from = after; found.length < limit; ) {
        const rows = select.all(from, limit - found.length) as Row[];
        if (rows.length === 0) break;
        for (const row of rows) {
          const event = eventIn(row.event);
          if (event) found.push({ number: row.number, event });
          else {
            this.#drop(row.number);
            this.#evicted.unreadable += 1;
          }
          from = row.number;
        }
      }
      return found;
    });
  }

  remove(numbers: readonly number[]): StoreState {
    return this.#transaction(() => {
      for (const number of numbers) this.#drop(number);
      return this.state;
    });
  }

  close(): void {
    this.#database.close();
  }

  get #maxFileBytes(): number {
    return this.#settings.maxBytes * MAX_GROWTH + MAX_EXTRA_BYTES;
  }

  #open(): Database.Database {
    const database = new Database(this.#settings.file);
    try {
      demandWritableFormat(this.#settings.file);
      database.pragma('journal_mode = WAL');
      // Synced at every commit: a power cut costs no event that was stored. A deleted event's pages are used again.
      database.pragma('synchronous = FULL');
      database.pragma('journal_size_limit = 4000000');
      database.exec(SCHEMA);
      // Rows out of order would be stored and never found again. The file is bounded, and its pages are read below anyway.
      if (database.pragma('quick_check(1)', { simple: true }) !== 'ok') throw new DamagedDatabase('pages that do not fit together');
      const columns = database.prepare('SELECT count(number) + count(ts) + count(bytes) + count(event) AS entries FROM events');
      columns.get();
      const { last } = database.prepare("SELECT max(seq) AS last FROM sqlite_sequence WHERE name = 'events'").get() as {
        last: number | null;
      };
      const { most } = database.prepare('SELECT max(number) AS most FROM events').get() as { most: number | null };
      if (Math.max(last ?? 0, most ?? 0) > MAX_NUMBER) throw new DamagedDatabase('a number that no node counts up to');
      const totals = database.prepare('SELECT count(*) AS depth, coalesce(sum(octet_length(event)), 0) AS bytes FROM events');
      const { depth, bytes } = totals.get() as { depth: number; bytes: number };
      this.#depth = depth;
      this.#bytes = bytes;
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** `work`; when the file turns out to be damaged, once more with a new one that holds what could be read of it. */
  #mended<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!isDamagedDatabase(error)) throw error;
      const { file } = this.#settings;
      this.#database?.close();
      const events = salvage(file);
      for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true, recursive: true });
      putAside(file);
      this.#database = this.#open();
      this.#lastOfEarlierRuns = 0;
      this.#evicted.unreadable += 1;
      if (events.length > 0) this.append(events);
      return work();
    }
  }

  #transaction<T>(work: () => T): T {
    const before = { depth: this.#depth, bytes: this.#bytes, evicted: { ...this.#evicted } };
    return this.#mended(() => {
      try {
        return this.#database.transaction(work)();
      } catch (error) {
        // It was rolled back.
        this.#depth = before.depth;
        this.#bytes = before.bytes;
        this.#evicted = before.evicted;
        throw error;
      }
    });
  }

  /** Errors: SQLITE_FULL and its kin, before anything is entrusted to the file. */
  #probe(): void {
    this.#database.transaction(() => {
      this.#database.exec('CREATE TABLE probe (text TEXT)');
      this.#database.prepare('INSERT INTO probe (text) VALUES (?)').run(PROBE);
      this.#database.exec('DROP TABLE probe');
    })();
  }

  #drop(number: number): void {
    const size = this.#database.prepare('SELECT octet_length(event) AS bytes FROM events WHERE number = ?');
    const row = size.get(number) as { bytes: number } | undefined;
    if (!row) return;
    this.#database.prepare('DELETE FROM events WHERE number = ?').run(number);
    this.#depth -= 1;
    this.#bytes -= row.bytes;
  }

  #evict(): void {
    const { maxAgeS, maxBytes } = this.#settings;
    const tooOld = this.#runningMs() - maxAgeS * 1000;
    const oldest = this.#database.prepare('SELECT number, ts FROM events ORDER BY number LIMIT 1');
    for (;;) {
      const row = oldest.get() as { number: number; ts: number } | undefined;
      if (!row) return;
      // An event of an earlier run has waited since this run began: how long the node was off only a clock could tell.
      const since = row.number <= this.#lastOfEarlierRuns ? 0 : row.ts;
      const reason = since < tooOld ? 'age' : this.#bytes > maxBytes ? 'bytes' : undefined;
      if (reason === undefined) return;
      this.#evicted[reason] += 1;
      this.#drop(row.number);
    }
  }

  /** Of this run. Clocks are set, also by years and by kernels that call them synchronised: no event may be lost by that. */
  #runningMs(): number {
    return Math.round(performance.now() - this.#openedAt);
  }
}

function eventIn(text: unknown): EventMessage | undefined {
  if (typeof text !== 'string' || text.length > MAX_EVENT_BYTES) return undefined;
  try {
    const event = JSON.parse(text) as Partial<EventMessage> | null;
    const whole =
      typeof event?.eventId === 'string' &&
      typeof event.type === 'string' &&
      typeof event.camera === 'string' &&
      typeof event.ts === 'string' &&
      !Number.isNaN(Date.parse(event.ts));
    return whole ? (event as EventMessage) : undefined;
  } catch {
    return undefined;
  }
}

/** What can still be read, row by row: a damaged page takes only its own rows with it. */
function salvage(file: string): EventMessage[] {
  const events: EventMessage[] = [];
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true });
    const at = database.prepare('SELECT event FROM events WHERE number = ?');
    const last = Math.min(highest(database), MAX_NUMBER);
    for (let number = Math.max(1, last - MAX_SALVAGE); number <= last; number += 1) {
      try {
        const event = eventIn((at.get(number) as { event: unknown } | undefined)?.event);
        if (event) events.push(event);
      } catch {
        // This row is on the damaged page.
      }
    }
  } catch {
    // Not even its list of tables can be read.
  }
  database?.close();
  return events;
}

/** The highest number that may be in use: one of the two answers can be damaged. */
function highest(database: Database.Database): number {
  const numbers = ['SELECT max(number) AS number FROM events', "SELECT max(seq) AS number FROM sqlite_sequence WHERE name = 'events'"].map(
    (query) => {
      try {
        return Number((database.prepare(query).get() as { number: number | null }).number ?? 0);
      } catch {
        return 0;
      }
    },
  );
  return Math.max(...numbers.filter((number) => number <= MAX_NUMBER), 0);
}
