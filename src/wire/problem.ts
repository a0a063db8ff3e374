/** What is wrong with something from the wire, for whoever sent it. */
import type { z } from 'zod';
import { FastsamError } from '../errors.js';

/** The first thing that is wrong: `prompts[0].box: expected x1 < x2 and y1 < y2`. REQUEST_INVALID or PROMPT_INVALID. */
export function firstProblem(issues: readonly z.core.$ZodIssue[]): FastsamError {
  const [issue] = issues;
  const path = issue!.path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`)).join('');
  const code = issue!.path[0] === 'prompts' ? 'PROMPT_INVALID' : 'REQUEST_INVALID';
  return new FastsamError(code, path === '' ? issue!.message : `${path}: ${issue!.message}`);
}
