/** Each verdict and each audited change carries the hash of the one before: none can be removed or edited unnoticed. */
import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';

/** The hash before the first. */
export const GENESIS = '0'.repeat(64);

/** Lengths in front: no two lists of parts hash alike. */
export function chained(before: string, parts: readonly string[]): string {
  const hash = createHash('sha256').update(before);
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

/** Audits a change. `by`: who made it. */
export function note(database: Database.Database, at: number, by: string, what: string, about: object): void {
  const body = JSON.stringify(about);
  const hash = chained(lastHash(database, 'audit', 'number'), [String(at), by, what, body]);
  database.prepare('INSERT INTO audit (at, by, what, body, hash) VALUES (?, ?, ?, ?, ?)').run(at, by, what, body, hash);
}

/** The hash that the next verdict or audited change follows. */
export function lastHash(database: Database.Database, table: 'verdicts' | 'audit', key: string): string {
  const row = database.prepare(`SELECT hash FROM ${table} ORDER BY ${key} DESC LIMIT 1`).get() as { hash: string } | undefined;
  return row?.hash ?? (table === 'verdicts' ? (factOf(database, 'anchor') ?? GENESIS) : GENESIS);
}

/** A value that the record keeps under a name. */
export function factOf(database: Database.Database, name: string): string | undefined {
  return (database.prepare('SELECT value FROM facts WHERE name = ?').get(name) as { value: string } | undefined)?.value;
}

export function setFact(database: Database.Database, name: string, value: string): void {
  database
    .prepare('INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
    .run(name, value);
}
