/**
 * The SQLite file of verdicts: triggers, verdicts, recipes, and who changed them. Triggers are on the disk before they are
 * acknowledged, so that a process that is killed leaves no accepted trigger without a verdict.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import type { VerdictMessage } from '../contract/inspection.js';
import { demandWritableFormat, isDamagedDatabase, makeDirectorySync, putAside, putAsideUnlessUsable } from '../durable.js';
import { chained, factOf, GENESIS, lastHash, setFact } from './chain.js';
import type {
  Accepted,
  CheckValues,
  NewTrigger,
  NewVerdict,
  RecordCalls,
  RecordedTrigger,
  RecordSettings,
  StoredPicture,
  StoredVerdict,
  VerdictQuery,
} from './protocol.js';
import { activateRecipe, recipeOfCamera, recipesOfCamera, setRecipe } from './recipe-table.js';
import { SCHEMA, storedOf, triggerOf, type VerdictRow } from './tables.js';
import { hasPictures, verify } from './verify.js';

/** A name that no camera and no trigger has. */
const PROBE = 'probe of the record';
/** Removed at once when there are too many: each removal is a transaction. */
const REMOVAL = 100;
const READ_AT_ONCE = 1000;

/** The calls, each a transaction that is on the disk when it returns. Errors: SQLite's. */
export class VerdictDatabase {
  readonly #settings: RecordSettings;
  readonly #onPutAside: (path: string) => void;
  #database!: Database.Database;

  /**
   * `readonly`: for looking at the record of a daemon that runs. Otherwise a file that turns out to be damaged, now or at work, is kept
   * under another name (told to `onPutAside`), and a new record is begun, which numbers inspections on from where the old one can still
   * be read. Errors: SQLite's, for a disk that is full or cannot be written.
   */
  constructor(settings: RecordSettings, options: { readonly readonly?: boolean; readonly onPutAside?: (path: string) => void } = {}) {
    this.#settings = settings;
    this.#onPutAside = options.onPutAside ?? (() => undefined);
    if (options.readonly) {
      this.#database = new Database(settings.file, { readonly: true, fileMustExist: true });
      return;
    }
    const { file } = settings;
    makeDirectorySync(dirname(file));
    for (const suffix of ['', '-wal', '-shm']) putAsideUnlessUsable(`${file}${suffix}`, Number.POSITIVE_INFINITY);
    let opened: Database.Database | undefined;
    try {
      opened = this.#open();
      this.#database = opened;
      this.#probe();
    } catch (error) {
      if (!isDamage(error)) throw error;
      opened?.close();
      this.#beginAgain();
    }
  }

  /** `work` in a transaction; when the file turns out to be damaged, once more with a new one. */
  #transaction<T>(work: () => T): T {
    try {
      return this.#database.transaction(work)();
    } catch (error) {
      if (!isDamagedDatabase(error) || this.#database.readonly) throw error;
      this.#database.close();
      this.#beginAgain();
      return this.#database.transaction(work)();
    }
  }

  #beginAgain(): void {
    const { file } = this.#settings;
    const counters = countersIn(file);
    // Never in place of one that was put aside before: it is the record of what was inspected.
    const aside = `${file}.unreadable-${new Date().toISOString().replaceAll(':', '')}`;
    for (const suffix of ['-wal', '-shm']) if (existsSync(`${file}${suffix}`)) putAside(`${file}${suffix}`, `${aside}${suffix}`);
    putAside(file, aside);
    this.#database = this.#open();
    const insert = this.#database.prepare('INSERT INTO counters (camera, last) VALUES (?, ?)');
    for (const [camera, last] of counters) insert.run(camera, last);
    this.#onPutAside(aside);
  }

  #open(): Database.Database {
    const database = new Database(this.#settings.file);
    try {
      demandWritableFormat(this.#settings.file);
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
      database.pragma('journal_size_limit = 4000000');
      database.exec(SCHEMA);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** What the daemon asks for at its start, and what every inspection writes, undone. Errors: SQLite's and JSON's, for a damaged file. */
  #probe(): void {
    this.#pending();
    this.#unpublished();
    const cameras = this.#database.prepare('SELECT camera FROM active').all() as { camera: string }[];
    for (const { camera } of cameras) {
      recipeOfCamera(this.#database, camera);
      factOf(this.#database, `file ${camera}`);
    }
    const undone = new Error('undone');
    try {
      this.#database.transaction(() => {
        const at = Date.now();
        const camera = cameras[0]?.camera ?? PROBE;
        const { trigger } = this.#accept({ camera, trigger: `${PROBE} ${at}`, type: 'mqtt', atMs: at });
        this.#decide(probeVerdict(camera, trigger.inspection, new Date(at).toISOString()));
        throw undone;
      })();
    } catch (error) {
      if (error !== undone) throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  call<N extends keyof RecordCalls>(name: N, ask: RecordCalls[N]['ask']): RecordCalls[N]['answer'] {
    const calls: { readonly [K in keyof RecordCalls]: (ask: RecordCalls[K]['ask']) => RecordCalls[K]['answer'] } = {
      accept: (trigger) => this.#accept(trigger),
      decide: (verdict) => {
        this.#demandUndecided(verdict);
        return this.#decide(verdict);
      },
      acceptAndDecide: ({ trigger, verdict }) => {
        const { trigger: accepted } = this.#accept(trigger);
        return this.#decide({ ...verdict, verdict: { ...verdict.verdict, inspection: accepted.inspection } });
      },
      pending: () => this.#pending(),
      unpublished: () => this.#unpublished(),
      published: ({ upTo }) => {
        setFact(this.#database, 'published', String(upTo));
        return null;
      },
      verdicts: (query) => this.#verdicts(query),
      addPictures: (request) => this.#addPictures(request),
      pictures: (request) => this.#pictures(request),
      verify: ({ evidence }) => verify(this.#database, evidence),
      setRecipe: (request) => setRecipe(this.#database, request),
      activateRecipe: (request) => activateRecipe(this.#database, request),
      recipe: ({ camera, recipe, revision }) => recipeOfCamera(this.#database, camera, recipe, revision),
      recipes: ({ camera }) => recipesOfCamera(this.#database, camera),
      checkValues: (request) => this.#checkValues(request),
      fileHash: ({ camera, set }) => {
        if (set !== undefined) setFact(this.#database, `file ${camera}`, set);
        return factOf(this.#database, `file ${camera}`) ?? null;
      },
    };
    return this.#transaction(() => calls[name](ask));
  }

  #accept(trigger: NewTrigger): Accepted {
    const { camera, trigger: name, type, part, meas, atMs } = trigger;
    const known = this.#database.prepare('SELECT * FROM triggers WHERE camera = ? AND name = ?').get(camera, name);
    if (known) {
      const accepted = triggerOf(known);
      const row = this.#database.prepare('SELECT * FROM verdicts WHERE camera = ? AND inspection = ?').get(camera, accepted.inspection);
      return { trigger: accepted, known: true, ...(row ? { verdict: storedOf(row as VerdictRow).verdict } : {}) };
    }
    // A separate counter: numbers go on when old rows are removed.
    const count = 'INSERT INTO counters (camera, last) VALUES (?, 1) ON CONFLICT (camera) DO UPDATE SET last = last + 1 RETURNING last';
    const { last } = this.#database.prepare(count).get(camera) as { last: number };
    this.#database
      .prepare('INSERT INTO triggers (camera, inspection, name, type, part, meas, at) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(camera, last, name, type, part ?? null, meas ?? null, Math.round(atMs));
    return { trigger: { ...trigger, inspection: last }, known: false };
  }

  /** A second verdict is a mistake of the caller. Once this has passed, a number that is taken is damage of the file. */
  #demandUndecided({ camera, verdict: { inspection } }: NewVerdict): void {
    const decided = this.#database.prepare('SELECT 1 FROM verdicts WHERE camera = ? AND inspection = ?').get(camera, inspection);
    if (decided) throw new Error(`inspection ${inspection} of camera ${camera} already has a verdict`);
  }

  #decide({ camera, ts, eventId, verdict }: NewVerdict): StoredVerdict {
    const body = JSON.stringify(verdict);
    const at = Date.parse(ts);
    const hash = chained(lastHash(this.#database, 'verdicts', 'seq'), [camera, String(verdict.inspection), String(at), eventId, body]);
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO verdicts (camera, inspection, at, event, verdict, part, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(camera, verdict.inspection, at, eventId, verdict.verdict, verdict.part ?? null, body, hash);
    const seq = Number(lastInsertRowid);
    const insert = this.#database.prepare('INSERT INTO checks (seq, camera, recipe, revision, id, value) VALUES (?, ?, ?, ?, ?, ?)');
    if (verdict.recipe) {
      for (const { id, value } of verdict.checks)
        if (value !== null) insert.run(seq, camera, verdict.recipe.id, verdict.recipe.revision, id, value);
    }
    this.#removeOldest(seq);
    return { seq, camera, ts, eventId, verdict, hash };
  }

  #pending(): RecordedTrigger[] {
    const rows = this.#database.prepare(
      'SELECT t.* FROM triggers t LEFT JOIN verdicts v ON v.camera = t.camera AND v.inspection = t.inspection WHERE v.seq IS NULL ORDER BY t.at, t.inspection',
    );
    return rows.all().map(triggerOf);
  }

  #unpublished(): StoredVerdict[] {
    const rows = this.#database.prepare('SELECT * FROM verdicts WHERE seq > ? ORDER BY seq LIMIT ?');
    return (rows.all(Number(factOf(this.#database, 'published') ?? 0), READ_AT_ONCE) as VerdictRow[]).map(storedOf);
  }

  #verdicts({ camera, part, verdict, before, sinceMs, afterSeq, limit }: VerdictQuery): StoredVerdict[] {
    const where: string[] = [];
    const values: (string | number)[] = [];
    const and = (condition: string, value: string | number | undefined) => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    and('camera = ?', camera);
    and('part = ?', part);
    and('verdict = ?', verdict);
    and('inspection < ?', before);
    and('at >= ?', sinceMs);
    and('seq > ?', afterSeq);
    const order = afterSeq === undefined ? 'DESC' : 'ASC';
    const query = `SELECT * FROM verdicts ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY seq ${order} LIMIT ?`;
    return (this.#database.prepare(query).all(...values, limit) as VerdictRow[]).map(storedOf);
  }

  #addPictures({ camera, inspection, name, pictures }: RecordCalls['addPictures']['ask']): null {
    const verdict = this.#database.prepare('SELECT seq, hash FROM verdicts WHERE camera = ? AND inspection = ?').get(camera, inspection) as
      | Pick<VerdictRow, 'seq' | 'hash'>
      | undefined;
    // Removed meanwhile, to make room for newer ones.
    if (!verdict) return null;
    const insert = this.#database.prepare('INSERT INTO pictures (seq, kind, name, bytes, sha256, hash) VALUES (?, ?, ?, ?, ?, ?)');
    for (const { kind, bytes, sha256 } of pictures)
      insert.run(verdict.seq, kind, name, bytes, sha256, chained(verdict.hash, [kind, name, sha256]));
    return null;
  }

  #pictures({ camera, inspection }: RecordCalls['pictures']['ask']): StoredPicture[] {
    if (!hasPictures(this.#database)) return [];
    const rows = this.#database.prepare(
      'SELECT kind, bytes, sha256 FROM pictures WHERE seq = (SELECT seq FROM verdicts WHERE camera = ? AND inspection = ?) ORDER BY kind DESC',
    );
    return rows.all(camera, inspection) as StoredPicture[];
  }

  #checkValues({ camera, recipe, revision, limit }: RecordCalls['checkValues']['ask']): CheckValues[] {
    const newest = this.#database
      .prepare('SELECT body FROM verdicts WHERE seq = (SELECT max(seq) FROM checks WHERE camera = ? AND recipe = ? AND revision = ?)')
      .get(camera, recipe, revision) as { body: string } | undefined;
    if (!newest) return [];
    const rows = this.#database.prepare(
      'SELECT value FROM checks WHERE camera = ? AND recipe = ? AND revision = ? AND id = ? ORDER BY seq DESC LIMIT ?',
    );
    return (JSON.parse(newest.body) as VerdictMessage).checks.map(({ id, unit, lsl, usl }) => ({
      id,
      unit,
      lsl,
      usl,
      values: (rows.all(camera, recipe, revision, id, limit) as { value: number }[]).map(({ value }) => value).reverse(),
    }));
  }

  /** The chain then begins behind what was removed. */
  #removeOldest(newest: number): void {
    const { maxVerdicts } = this.#settings;
    const removed = Number(factOf(this.#database, 'anchor seq') ?? 0);
    if (newest - removed < maxVerdicts + REMOVAL) return;
    const last = newest - maxVerdicts;
    const { hash } = this.#database.prepare('SELECT hash FROM verdicts WHERE seq = ?').get(last) as { hash: string };
    this.#database
      .prepare(
        'DELETE FROM triggers WHERE EXISTS (SELECT 1 FROM verdicts v WHERE v.camera = triggers.camera AND v.inspection = triggers.inspection AND v.seq <= ?)',
      )
      .run(last);
    this.#database.prepare('DELETE FROM verdicts WHERE seq <= ?').run(last);
    setFact(this.#database, 'anchor', hash);
    setFact(this.#database, 'anchor seq', String(last));
  }
}

/** At the start: of SQLite, or of rows that hold something else than what is written into them. */
function isDamage(error: unknown): boolean {
  return isDamagedDatabase(error) || error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError;
}

/** The last inspection of each camera, as far as a damaged file still says. */
function countersIn(file: string): Map<string, number> {
  const counters = new Map<string, number>();
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true });
    for (const table of ['counters', 'triggers', 'verdicts']) {
      try {
        const last = table === 'counters' ? 'last' : 'inspection';
        for (const row of database.prepare(`SELECT camera, ${last} AS last FROM ${table}`).iterate()) {
          const { camera, last } = row as { camera: unknown; last: unknown };
          if (typeof camera !== 'string' || !Number.isSafeInteger(last)) continue;
          counters.set(camera, Math.max(counters.get(camera) ?? 0, last as number));
        }
      } catch {
        // The rest of this table is on a damaged page.
      }
    }
  } catch {
    // Not even its list of tables can be read.
  }
  database?.close();
  return counters;
}

/** A verdict with one check, which touches every table that an inspection writes. */
function probeVerdict(camera: string, inspection: number, ts: string): NewVerdict {
  return {
    camera,
    ts,
    eventId: PROBE,
    verdict: {
      inspection,
      verdict: 'UNSURE',
      reasons: [],
      part: PROBE,
      trigger: { id: PROBE, type: 'mqtt', at: ts },
      recipe: { id: PROBE, revision: 0, sha256: GENESIS },
      model: null,
      frame: null,
      checks: [{ id: PROBE, measure: 'area', value: 0, uncertainty: null, result: 'unsure' }],
      latencyMs: { acquire: 0, measure: 0, decide: 0, total: 0 },
      recorded: true,
    },
  };
}
