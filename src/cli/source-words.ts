/** The words of a command line that stand for many sources. */
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { FastsamError } from '../errors.js';

/**
 * The sources that `words` name: a pattern that is no file itself ("photos/*.jpg", quoted, so that the shell left it alone)
 * is every file that fits, in natural order. Errors: SOURCE_NOT_FOUND when none does.
 */
export async function expandSources(words: readonly string[]): Promise<string[]> {
  const natural = new Intl.Collator('en', { numeric: true });
  const expanded: string[] = [];
  for (const word of words) {
    if (/^[a-z][a-z0-9+.-]+:/i.test(word) || existsSync(word)) {
      expanded.push(word);
      continue;
    }
    const { glob, isDynamicPattern } = await import('tinyglobby');
    if (!isDynamicPattern(word)) {
      expanded.push(word);
      continue;
    }
    const found = await glob(word, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(word) });
    if (found.length === 0) throw new FastsamError('SOURCE_NOT_FOUND', `${word}: no file fits this pattern`);
    expanded.push(...found.sort(natural.compare));
  }
  return expanded;
}
