import { readFile } from 'node:fs/promises';
import { FastsamError, messageOf } from '../errors.js';

/** Parses a JSON file. Errors: SOURCE_NOT_FOUND; DATASET_INVALID when it is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    // Decoded in one go: a stream of chunks takes several times as long.
    text = (await readFile(path)).toString('utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return parsed(text, path);
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const hint = /\b(NaN|Infinity)\b/.test(text) ? ' (JSON has no NaN and no Infinity)' : '';
    throw new FastsamError('DATASET_INVALID', `${path}: not JSON: ${messageOf(cause)}${hint}`, { cause });
  }
}

function unreadable(path: string, cause: unknown): FastsamError {
  return new FastsamError('SOURCE_NOT_FOUND', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
}
