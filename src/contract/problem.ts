/** What is wrong with something from the wire, for the client that sent it. */
import type { z } from 'zod';
import { wordsOf } from '../domain/schema-words.js';
import { FastsamError } from '../errors.js';

/** The first thing that is wrong with `value`: `prompts[0].box: expected x1 < x2 and y1 < y2`. REQUEST_INVALID or PROMPT_INVALID. */
export function firstProblem(issues: readonly z.core.$ZodIssue[], value: unknown): FastsamError {
  const [issue] = issues;
  const path = issue!.path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`)).join('');
  const code = issue!.path[0] === 'prompts' ? 'PROMPT_INVALID' : 'REQUEST_INVALID';
  const words = wordsOf(issue!, value);
  return new FastsamError(code, path === '' ? words : `${path}: ${words}`);
}
