/** Recipes of cameras in the record: every revision, which one is in force, and who changed that. */
import type Database from 'better-sqlite3';
import { note } from './chain.js';
import type { RecordCalls, StoredRecipe } from './protocol.js';
import { type RecipeRow, recipeOf } from './tables.js';

/** A recipe that differs from its newest revision becomes the next one. A conflict when the newest is not `ifRevision`. */
export function setRecipe(
  database: Database.Database,
  { camera, recipe, sha256, ifRevision, activate, by, atMs, lesson }: RecordCalls['setRecipe']['ask'],
): RecordCalls['setRecipe']['answer'] {
  const newest = recipeOfCamera(database, camera, recipe.recipe);
  if (ifRevision !== undefined && ifRevision !== (newest?.revision ?? 0)) return { conflict: newest?.revision ?? 0 };
  let revision = newest?.revision ?? 0;
  if (newest?.sha256 !== sha256) {
    revision += 1;
    database
      .prepare('INSERT INTO recipes (camera, id, revision, sha256, at, body) VALUES (?, ?, ?, ?, ?, ?)')
      .run(camera, recipe.recipe, revision, sha256, atMs, JSON.stringify(recipe));
    note(database, atMs, by, 'recipe-set', {
      camera,
      recipe: recipe.recipe,
      revision,
      sha256,
      before: newest?.recipe ?? null,
      after: recipe,
      ...(lesson ? { lesson } : {}),
    });
  }
  if (activate) putInForce(database, camera, recipe.recipe, revision, by, atMs);
  return { stored: recipeOfCamera(database, camera, recipe.recipe, revision)! };
}

/** Puts a revision in force, the newest when absent; null when there is none. */
export function activateRecipe(
  database: Database.Database,
  { camera, recipe, revision, by, atMs }: RecordCalls['activateRecipe']['ask'],
): StoredRecipe | null {
  const found = recipeOfCamera(database, camera, recipe, revision);
  if (!found) return null;
  putInForce(database, camera, recipe, found.revision, by, atMs);
  return { ...found, active: true };
}

function putInForce(database: Database.Database, camera: string, id: string, revision: number, by: string, atMs: number): void {
  const before = database.prepare('SELECT id, revision FROM active WHERE camera = ?').get(camera) ?? null;
  database
    .prepare(
      'INSERT INTO active (camera, id, revision) VALUES (?, ?, ?) ON CONFLICT (camera) DO UPDATE SET id = excluded.id, revision = excluded.revision',
    )
    .run(camera, id, revision);
  note(database, atMs, by, 'recipe-activated', { camera, before, after: { id, revision } });
}

/** A revision of a recipe, its newest when absent; without `id` the one in force. */
export function recipeOfCamera(database: Database.Database, camera: string, id?: string, revision?: number): StoredRecipe | null {
  const select =
    'SELECT r.*, a.camera IS NOT NULL AS active FROM recipes r LEFT JOIN active a ON a.camera = r.camera AND a.id = r.id AND a.revision = r.revision WHERE r.camera = ?';
  const row =
    id === undefined
      ? database.prepare(`${select} AND a.camera IS NOT NULL`).get(camera)
      : database
          .prepare(`${select} AND r.id = ? AND (? IS NULL OR r.revision = ?) ORDER BY r.revision DESC LIMIT 1`)
          .get(camera, id, revision ?? null, revision ?? null);
  return row ? recipeOf(row as RecipeRow) : null;
}

/** All revisions, the newest first, at most 200. */
export function recipesOfCamera(database: Database.Database, camera: string): StoredRecipe[] {
  const rows = database.prepare(
    'SELECT r.*, a.camera IS NOT NULL AS active FROM recipes r LEFT JOIN active a ON a.camera = r.camera AND a.id = r.id AND a.revision = r.revision WHERE r.camera = ? ORDER BY r.id, r.revision DESC LIMIT 200',
  );
  return (rows.all(camera) as RecipeRow[]).map(recipeOf);
}
