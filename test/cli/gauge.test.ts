/** `fastsamd gauge`: studies of tables as "verdicts export" writes them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { csvLine, parseCsv } from '../../src/cli/csv.js';
import { fastsamd } from '../helpers/command.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fastsamd-gauge-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function tableOf(rows: readonly (readonly [part: string, meas: string, value: number])[]): string {
  const file = join(folder, 'study.csv');
  const lines = rows.flatMap(([part, meas, value]) => [csvLine([part, meas, 'length', value]), csvLine([part, meas, 'bores', 4])]);
  writeFileSync(file, `${['part,meas,check,value', ...lines].join('\r\n')}\r\n`);
  return file;
}

it('reads what csvLine writes', () => {
  const cells = [
    ['a', 'b "c", d', 'e\nf', ''],
    ['1', '', '2', '-3.5'],
  ];
  expect(parseCsv(`\ufeff${cells.map((line) => csvLine(line)).join('\r\n')}\r\n\r\n`)).toEqual(cells);
  expect(parseCsv('a,b\n1,')).toEqual([
    ['a', 'b'],
    ['1', ''],
  ]);
  expect(parseCsv('')).toEqual([]);
});

it('studies parts under conditions, and says whether that is good enough', async () => {
  const rows = ['p1', 'p2', 'p3'].flatMap((part, p) =>
    ['early', 'late'].flatMap((meas, b) => [0, 1, 2].map((k) => [part, meas, 100 + 10 * p + 0.1 * b + 0.01 * k] as const)),
  );
  const table = tableOf(rows);
  const { code, stdout } = await fastsamd('gauge', 'rr', table, '--check', 'length', '--tolerance', '10');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^3 parts, 2 conditions, 3 trials$/m);
  expect(stdout).toMatch(/^GRR 4\.\d %: good; ndc \d+$/m);
  expect(await fastsamd('gauge', 'rr', table, '--check', 'length', '--tolerance', '0.1')).toMatchObject({ code: 1 });
  const { code: wrong, stderr } = await fastsamd('gauge', 'rr', table);
  expect({ wrong, stderr }).toMatchObject({ wrong: 2, stderr: expect.stringContaining('expected one of length, bores') });
}, 60_000);

it('studies repeats of one part', async () => {
  const table = tableOf([9.99, 10, 10.01, 10.02].map((value) => ['p', '', value] as const));
  const args = ['gauge', 'repeat', table, '--check', 'length', '--tolerance', '2', '--reference', '10'] as const;
  const { code, stdout } = await fastsamd(...args);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      '4 values, mean 10.005, sd 0.0129099 (25 to 50 are usual)\nCg  5.16  good\nCgk 5.03  good\nfor the recipe: uncertainty: 0.0129099\n',
  });
  expect(JSON.parse((await fastsamd(...args, '--json')).stdout)).toMatchObject({ n: 4 });
}, 60_000);
