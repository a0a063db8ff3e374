/**
 * The SQLite file of verdicts: triggers, verdicts, recipes, and who changed them. Triggers are on the disk before they are
 * acknowledged, so that a process that is killed leaves no accepted trigger without a verdict. Each verdict and each audited change
 * carries the hash of the one before: nothing can be removed or edited in between without `verify` finding it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import type { VerdictMessage } from '../contract/inspection.js';
import type { Recipe } from '../domain/recipe.js';
import { demandWritableFormat, isDamagedDatabase, makeDirectorySync, putAside, putAsideUnlessUsable } from '../durable.js';
import { evidencePath, readEvidence } from './evidence-ring.js';
import type {
  Accepted,
  CheckValues,
  NewTrigger,
  NewVerdict,
  RecordCalls,
  RecordedTrigger,
  RecordSettings,
  StoredPicture,
  StoredRecipe,
  StoredVerdict,
  VerdictQuery,
  Verified,
} from './protocol.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS triggers (
    camera TEXT NOT NULL, inspection INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, part TEXT, meas TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (camera, inspection), UNIQUE (camera, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS counters (camera TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS verdicts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, inspection INTEGER NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL,
    verdict TEXT NOT NULL, part TEXT, body TEXT NOT NULL, hash TEXT NOT NULL, UNIQUE (camera, inspection)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS verdicts_part ON verdicts (part) WHERE part IS NOT NULL;
  CREATE TABLE IF NOT EXISTS checks (
    seq INTEGER NOT NULL REFERENCES verdicts (seq) ON DELETE CASCADE, camera TEXT NOT NULL, recipe TEXT NOT NULL, revision INTEGER NOT NULL,
    id TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (camera, recipe, revision, id, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS checks_seq ON checks (seq);
  CREATE TABLE IF NOT EXISTS pictures (
    seq INTEGER NOT NULL REFERENCES verdicts (seq) ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (seq, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS recipes (
    camera TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, sha256 TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (camera, id, revision)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS active (camera TEXT PRIMARY KEY, id TEXT NOT NULL, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL, what TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`;

/** A name that no camera and no trigger has. */
const PROBE = 'probe of the record';
/** The hash before the first. */
const GENESIS = '0'.repeat(64);
/** Removed at once when there are too many: each removal is a transaction. */
const REMOVAL = 100;
const READ_AT_ONCE = 1000;

interface VerdictRow {
  readonly seq: number;
  readonly camera: string;
  readonly inspection: number;
  readonly at: number;
  readonly event: string;
  readonly body: string;
  readonly hash: string;
}

interface RecipeRow {
  readonly id: string;
  readonly revision: number;
  readonly sha256: string;
  readonly at: number;
  readonly body: string;
  readonly active: number;
}

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
      this.#recipe(camera);
      this.#fact(`file ${camera}`);
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
        this.#setFact('published', String(upTo));
        return null;
      },
      verdicts: (query) => this.#verdicts(query),
      addPictures: (request) => this.#addPictures(request),
      pictures: (request) => this.#pictures(request),
      verify: ({ evidence }) => this.#verify(evidence),
      setRecipe: (request) => this.#setRecipe(request),
      activateRecipe: (request) => this.#activateRecipe(request),
      recipe: ({ camera, recipe, revision }) => this.#recipe(camera, recipe, revision),
      recipes: ({ camera }) => this.#recipes(camera),
      checkValues: (request) => this.#checkValues(request),
      fileHash: ({ camera, set }) => {
        if (set !== undefined) this.#setFact(`file ${camera}`, set);
        return this.#fact(`file ${camera}`) ?? null;
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
    // A counter of its own: numbers go on when old rows are removed.
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
    const hash = chained(this.#lastHash('verdicts', 'seq'), [camera, String(verdict.inspection), String(at), eventId, body]);
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
    return (rows.all(Number(this.#fact('published') ?? 0), READ_AT_ONCE) as VerdictRow[]).map(storedOf);
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

  /** False of a record that an older fastsamd wrote, and that is only read. */
  get #hasPictures(): boolean {
    return this.#database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").get() !== undefined;
  }

  #pictures({ camera, inspection }: RecordCalls['pictures']['ask']): StoredPicture[] {
    if (!this.#hasPictures) return [];
    const rows = this.#database.prepare(
      'SELECT kind, bytes, sha256 FROM pictures WHERE seq = (SELECT seq FROM verdicts WHERE camera = ? AND inspection = ?) ORDER BY kind DESC',
    );
    return rows.all(camera, inspection) as StoredPicture[];
  }

  /** Pictures that are no longer there were removed to make room: the record cannot tell that from somebody deleting them. */
  #verifyPictures(folder: string | undefined): Pick<Verified, 'pictures' | 'problem'> {
    let pictures = 0;
    if (!this.#hasPictures) return { pictures };
    const rows = this.#database.prepare(
      'SELECT v.camera, v.inspection, v.body, v.hash AS before, p.* FROM pictures p JOIN verdicts v ON v.seq = p.seq ORDER BY p.seq',
    );
    for (const row of rows.iterate() as IterableIterator<PictureRow>) {
      const { camera, inspection, kind, name, sha256 } = row;
      const which = `the ${kind} picture of inspection ${inspection} of ${camera}`;
      const isSame = row.hash === chained(row.before, [kind, name, sha256]) && (JSON.parse(row.body) as VerdictMessage).evidence === name;
      if (!isSame) return { pictures, problem: `what is recorded of ${which} was changed` };
      const path = folder === undefined ? undefined : evidencePath(folder, camera, name, kind);
      const picture = path === undefined ? undefined : readEvidence(path);
      if (!picture) continue;
      if (createHash('sha256').update(picture).digest('hex') !== sha256) return { pictures, problem: `${which} was changed` };
      pictures += 1;
    }
    return { pictures };
  }

  #verify(evidence: string | undefined): Verified {
    const { verdicts, problem } = this.#verifyChain();
    return problem === undefined ? { verdicts, ...this.#verifyPictures(evidence) } : { verdicts, pictures: 0, problem };
  }

  #verifyChain(): { verdicts: number; problem?: string } {
    let hash = this.#fact('anchor') ?? GENESIS;
    let expected = Number(this.#fact('anchor seq') ?? 0) + 1;
    let verdicts = 0;
    for (const row of this.#database.prepare('SELECT * FROM verdicts ORDER BY seq').iterate() as IterableIterator<
      VerdictRow & { verdict: string; part: string | null }
    >) {
      if (row.seq !== expected) return { verdicts, problem: `verdict ${expected} is missing` };
      const next = chained(hash, [row.camera, String(row.inspection), String(row.at), row.event, row.body]);
      const body = JSON.parse(row.body) as VerdictMessage;
      const isSame =
        next === row.hash && body.inspection === row.inspection && body.verdict === row.verdict && (body.part ?? null) === row.part;
      if (!isSame) return { verdicts, problem: `verdict ${row.seq} (inspection ${row.inspection} of ${row.camera}) was changed` };
      hash = next;
      expected += 1;
      verdicts += 1;
    }
    const { seq } = (this.#database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'verdicts'").get() as
      | { seq: number }
      | undefined) ?? { seq: 0 };
    if (seq >= expected) return { verdicts, problem: `verdicts ${expected} to ${seq} are missing` };
    let audit = GENESIS;
    let number = 1;
    for (const row of this.#database.prepare('SELECT * FROM audit ORDER BY number').iterate() as IterableIterator<AuditRow>) {
      audit = chained(audit, [String(row.at), row.by, row.what, row.body]);
      if (row.number !== number || row.hash !== audit) return { verdicts, problem: `the audit trail was changed at entry ${number}` };
      number += 1;
    }
    return { verdicts };
  }

  #setRecipe({
    camera,
    recipe,
    sha256,
    ifRevision,
    activate,
    by,
    atMs,
  }: RecordCalls['setRecipe']['ask']): RecordCalls['setRecipe']['answer'] {
    const newest = this.#recipe(camera, recipe.recipe);
    if (ifRevision !== undefined && ifRevision !== (newest?.revision ?? 0)) return { conflict: newest?.revision ?? 0 };
    let revision = newest?.revision ?? 0;
    if (newest?.sha256 !== sha256) {
      revision += 1;
      this.#database
        .prepare('INSERT INTO recipes (camera, id, revision, sha256, at, body) VALUES (?, ?, ?, ?, ?, ?)')
        .run(camera, recipe.recipe, revision, sha256, atMs, JSON.stringify(recipe));
      this.#note(atMs, by, 'recipe-set', {
        camera,
        recipe: recipe.recipe,
        revision,
        sha256,
        before: newest?.recipe ?? null,
        after: recipe,
      });
    }
    if (activate) this.#activate(camera, recipe.recipe, revision, by, atMs);
    return { stored: this.#recipe(camera, recipe.recipe, revision)! };
  }

  #activateRecipe({ camera, recipe, revision, by, atMs }: RecordCalls['activateRecipe']['ask']): StoredRecipe | null {
    const found = this.#recipe(camera, recipe, revision);
    if (!found) return null;
    this.#activate(camera, recipe, found.revision, by, atMs);
    return { ...found, active: true };
  }

  #activate(camera: string, id: string, revision: number, by: string, atMs: number): void {
    const before = this.#database.prepare('SELECT id, revision FROM active WHERE camera = ?').get(camera) ?? null;
    this.#database
      .prepare(
        'INSERT INTO active (camera, id, revision) VALUES (?, ?, ?) ON CONFLICT (camera) DO UPDATE SET id = excluded.id, revision = excluded.revision',
      )
      .run(camera, id, revision);
    this.#note(atMs, by, 'recipe-activated', { camera, before, after: { id, revision } });
  }

  #recipe(camera: string, id?: string, revision?: number): StoredRecipe | null {
    const select =
      'SELECT r.*, a.camera IS NOT NULL AS active FROM recipes r LEFT JOIN active a ON a.camera = r.camera AND a.id = r.id AND a.revision = r.revision WHERE r.camera = ?';
    const row =
      id === undefined
        ? this.#database.prepare(`${select} AND a.camera IS NOT NULL`).get(camera)
        : this.#database
            .prepare(`${select} AND r.id = ? AND (? IS NULL OR r.revision = ?) ORDER BY r.revision DESC LIMIT 1`)
            .get(camera, id, revision ?? null, revision ?? null);
    return row ? recipeOf(row as RecipeRow) : null;
  }

  #recipes(camera: string): StoredRecipe[] {
    const rows = this.#database.prepare(
      'SELECT r.*, a.camera IS NOT NULL AS active FROM recipes r LEFT JOIN active a ON a.camera = r.camera AND a.id = r.id AND a.revision = r.revision WHERE r.camera = ? ORDER BY r.id, r.revision DESC LIMIT 200',
    );
    return (rows.all(camera) as RecipeRow[]).map(recipeOf);
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

  #note(at: number, by: string, what: string, about: object): void {
    const body = JSON.stringify(about);
    const hash = chained(this.#lastHash('audit', 'number'), [String(at), by, what, body]);
    this.#database.prepare('INSERT INTO audit (at, by, what, body, hash) VALUES (?, ?, ?, ?, ?)').run(at, by, what, body, hash);
  }

  #lastHash(table: 'verdicts' | 'audit', key: string): string {
    const row = this.#database.prepare(`SELECT hash FROM ${table} ORDER BY ${key} DESC LIMIT 1`).get() as { hash: string } | undefined;
    return row?.hash ?? (table === 'verdicts' ? (this.#fact('anchor') ?? GENESIS) : GENESIS);
  }

  /** The chain then begins behind what was removed. */
  #removeOldest(newest: number): void {
    const { maxVerdicts } = this.#settings;
    const removed = Number(this.#fact('anchor seq') ?? 0);
    if (newest - removed < maxVerdicts + REMOVAL) return;
    const last = newest - maxVerdicts;
    const { hash } = this.#database.prepare('SELECT hash FROM verdicts WHERE seq = ?').get(last) as { hash: string };
    this.#database
      .prepare(
        'DELETE FROM triggers WHERE EXISTS (SELECT 1 FROM verdicts v WHERE v.camera = triggers.camera AND v.inspection = triggers.inspection AND v.seq <= ?)',
      )
      .run(last);
    this.#database.prepare('DELETE FROM verdicts WHERE seq <= ?').run(last);
    this.#setFact('anchor', hash);
    this.#setFact('anchor seq', String(last));
  }

  #fact(name: string): string | undefined {
    return (this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name) as { value: string } | undefined)?.value;
  }

  #setFact(name: string, value: string): void {
    this.#database
      .prepare('INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
      .run(name, value);
  }
}

interface PictureRow extends StoredPicture {
  readonly camera: string;
  readonly inspection: number;
  readonly body: string;
  readonly name: string;
  /** Of the verdict. */
  readonly before: string;
  readonly hash: string;
}

interface AuditRow {
  readonly number: number;
  readonly at: number;
  readonly by: string;
  readonly what: string;
  readonly body: string;
  readonly hash: string;
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

/** Lengths in front: no two lists of parts hash alike. */
function chained(before: string, parts: readonly string[]): string {
  const hash = createHash('sha256').update(before);
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

function storedOf({ seq, camera, at, event, body, hash }: VerdictRow): StoredVerdict {
  return { seq, camera, ts: new Date(at).toISOString(), eventId: event, verdict: JSON.parse(body) as VerdictMessage, hash };
}

function triggerOf(row: unknown): RecordedTrigger {
  const { camera, inspection, name, type, part, meas, at } = row as Record<string, string | number | null>;
  return {
    camera: camera as string,
    inspection: inspection as number,
    trigger: name as string,
    type: type as NewTrigger['type'],
    ...(part === null ? {} : { part: part as string }),
    ...(meas === null ? {} : { meas: meas as string }),
    atMs: at as number,
  };
}

function recipeOf({ revision, sha256, at, body, active }: RecipeRow): StoredRecipe {
  return { recipe: JSON.parse(body) as Recipe, revision, sha256, atMs: at, active: active === 1 };
}
