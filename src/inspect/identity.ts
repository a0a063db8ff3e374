/** Which recipe decided: its canonical JSON and the hash of that. */
import { createHash } from 'node:crypto';
import type { RecipeIdentity } from '../contract/inspection.js';
import type { Recipe } from '../domain/recipe.js';

/** RFC 8785 for plain JSON values: keys in order of their UTF-16 units, numbers as ECMAScript writes them, no spaces. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join(',')}}`;
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function identityOf(recipe: Recipe, revision: number): RecipeIdentity {
  return { id: recipe.recipe, revision, sha256: sha256Of(canonicalJson(recipe)) };
}
