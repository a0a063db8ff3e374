/** What is wrong with a configuration, in words an operator can act on. */
import type { z } from 'zod';
import { choicesOf, configJsonSchema, describeSchema, type JsonSchema, type KeyPath, keysOf, schemaAt } from './json-schema.js';
import { nearest } from './nearest.js';
import { redactUri } from './redact.js';
import { sourceName } from './source-name.js';

export interface Problem {
  /** The key concerned; an unknown key's own path. */
  readonly path: KeyPath;
  readonly message: string;
}

/** `cameras[0].source`. */
export function formatPath(path: KeyPath): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index > 0 ? `.${key}` : key)).join('');
}

/** A value as it is shown in a message: short, and without credentials. */
function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const text = /^[a-z][a-z0-9+.-]+:/i.test(value) ? sourceName(value) : redactUri(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | null | undefined)?.[key], root);
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === undefined ? `unknown key; expected one of ${known.join(', ')}` : `unknown key; did you mean "${meant}"?`;
}

function wrongValue(schema: JsonSchema, value: unknown): string {
  if (value === undefined) return `missing; expected ${describeSchema(schema)}`;
  const choices = choicesOf(schema).filter((choice) => typeof choice === 'string');
  const meant = typeof value === 'string' ? nearest(value, choices) : undefined;
  return `expected ${describeSchema(schema)}, got ${show(value)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}

/** Turns zod's issues with the document `value` into problems, one per key. `root`: the JSON Schema of the document. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], value: unknown, root: JsonSchema = configJsonSchema()): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path as KeyPath;
    const schema = schemaAt(root, path, value);
    const found = valueAt(value, path);
    if (issue.code === 'unrecognized_keys' && schema) {
      const known = keysOf(schema, found);
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
    }
    // Our own messages (rules between keys, patterns) say more than the schema does.
    if (issue.code === 'custom') return [{ path, message: issue.message }];
    if (issue.code === 'invalid_format') return [{ path, message: `${issue.message}, got ${show(found)}` }];
    return [{ path, message: schema ? wrongValue(schema, found) : issue.message }];
  });
}
