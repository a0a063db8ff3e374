import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJsonList } from '../../src/eval/json.js';

let directory = '';
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-json-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function read(text: string): Promise<unknown[]> {
  const path = join(directory, `${files++}.json`);
  await writeFile(path, text);
  const all: unknown[] = [];
  for await (const entries of readJsonList(path, 'a list')) for (const entry of entries) all.push(entry);
  return all;
}

describe('readJsonList', () => {
  it('gives what JSON.parse gives, for any list and either indentation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 2), async (list, indent) => {
        const text = JSON.stringify(list, null, indent);
        expect(await read(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 100 },
    );
  });

  it('cuts a file of many chunks between entries, also where a chunk ends within an escape', async () => {
    // Each entry is a prime number of bytes, so that chunks end at every place of it.
    const entry = '"\\\\\\\\\\"]},{[","\\\\\\\\"';
    const list = Array.from({ length: 200_000 }, (_, k) => (k % 2 === 0 ? entry.slice(0, 21) : '\\\\\\"x'));
    expect(await read(JSON.stringify(list))).toEqual(list);
  });

  it.each([
    ['an object', '{"a": [1]}', /expected a list/],
    ['a number', '1', /expected a list/],
    ['a list without an end', '[1, 2', /not JSON: the list has no end/],
    ['nothing', '', /not JSON: the list has no end/],
    ['something behind the list', '[1] 2', /expected a list/],
    ['a word that is none of JSON', '[1, NaN]', /not JSON.*JSON has no NaN/],
    ['a comma too many', '[1,]', /not JSON/],
    ['a bracket of another kind', '[1}', /not JSON|expected/],
  ])('refuses %s', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  it('refuses a file that is not there', async () => {
    await expect(readJsonList(join(directory, 'absent.json'), 'a list').next()).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });
});
