/** docs/faults.md: every line that was reported is there, and names a test that exists. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const rows = readFileSync(new URL('docs/faults.md', root), 'utf8')
  .split('\n')
  .map((line) => /^\| ([\d, ]+) \|(.*)\| ([^|]*) \|$/.exec(line))
  .filter((row) => row !== null);
const isThere = (name: string) => existsSync(new URL(`test/${name}.test.ts`, root)) || existsSync(new URL(`native/test/${name}.cc`, root));

it('has all eighteen lines', () => {
  const numbers = new Set(rows.flatMap(([, numbers = '']) => numbers.split(', ').map(Number)));
  expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 18 }, (_, k) => k + 1));
});

it.each(rows.map(([line, , , tests = '']) => [line.slice(0, 60), tests] as const))('names a test that exists: %s', (_, tests) => {
  const names = [...tests.matchAll(/`([a-z0-9/_-]+)`/g)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !isThere(name))).toEqual([]);
});

it('names targets of make that exist', () => {
  const targets = rows.flatMap(([line]) => [...line.matchAll(/`make ([a-z-]+)/g)].map(([, target]) => target!));
  const makefile = readFileSync(new URL('Makefile', root), 'utf8');
  for (const target of targets) expect(makefile).toMatch(new RegExp(`^${target}:`, 'm'));
});
