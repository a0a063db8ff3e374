/** Problems that a schema finds, in words for the person who wrote the value. The schema library's own words name its types. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Longer values are cut in messages. */
const MAX_SHOWN = 60;
const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};
const UNITS: Readonly<Record<string, readonly [one: string, more: string]>> = {
  string: [' character', ' characters'],
  array: [' entry', ' entries'],
  object: [' key', ' keys'],
};

/** What is wrong, as in `expected a list, got 5`. `root`: the value that was checked; the issue's path leads into it. */
export function wordsOf(issue: Issue, root: unknown): string {
  const found = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], root);
  const expected = expectedBy(issue);
  if (issue.code === 'unrecognized_keys')
    return `unknown key ${orList(issue.keys.slice(0, 3).map((key) => JSON.stringify(key.slice(0, MAX_SHOWN))))}`;
  if (expected === undefined) return issue.message;
  if (found === undefined) return `missing; ${expected}`;
  return `${expected}, got ${shown(found)}`;
}

/** `expected …`; undefined where the issue's own message says more. */
function expectedBy(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${orList(issue.values.map((value) => JSON.stringify(value)))}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${counted(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${counted(issue.maximum, issue.origin)}`;
    case 'invalid_union': {
      const each = issue.errors.flatMap(([first]) => (first ? (expectedBy(first) ?? []) : []));
      return each.length === 0
        ? /^expected /.exec(issue.message)?.input
        : `expected ${orList([...new Set(each.map((text) => text.replace(/^expected /, '')))])}`;
    }
    default:
      return undefined;
  }
}

function counted(limit: number | bigint, origin: string): string {
  return `${limit}${UNITS[origin]?.[Number(limit) === 1 ? 0 : 1] ?? ''}`;
}

function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
