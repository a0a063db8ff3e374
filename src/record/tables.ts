/** The tables of the SQLite file of verdicts, and what their rows stand for. */
import type { VerdictMessage } from '../contract/inspection.js';
import type { Recipe } from '../domain/recipe.js';
import type { NewTrigger, RecordedTrigger, StoredPicture, StoredRecipe, StoredVerdict } from './protocol.js';

export const SCHEMA = `
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

export interface VerdictRow {
  readonly seq: number;
  readonly camera: string;
  readonly inspection: number;
  readonly at: number;
  readonly event: string;
  readonly body: string;
  readonly hash: string;
}

export interface RecipeRow {
  readonly id: string;
  readonly revision: number;
  readonly sha256: string;
  readonly at: number;
  readonly body: string;
  readonly active: number;
}

export interface PictureRow extends StoredPicture {
  readonly camera: string;
  readonly inspection: number;
  readonly body: string;
  readonly name: string;
  /** Of the verdict. */
  readonly before: string;
  readonly hash: string;
}

export interface AuditRow {
  readonly number: number;
  readonly at: number;
  readonly by: string;
  readonly what: string;
  readonly body: string;
  readonly hash: string;
}

export function storedOf({ seq, camera, at, event, body, hash }: VerdictRow): StoredVerdict {
  return { seq, camera, ts: new Date(at).toISOString(), eventId: event, verdict: JSON.parse(body) as VerdictMessage, hash };
}

export function triggerOf(row: unknown): RecordedTrigger {
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

export function recipeOf({ revision, sha256, at, body, active }: RecipeRow): StoredRecipe {
  return { recipe: JSON.parse(body) as Recipe, revision, sha256, atMs: at, active: active === 1 };
}
