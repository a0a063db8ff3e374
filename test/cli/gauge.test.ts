/** `fastsamd gauge`: studies of tables as "verdicts export" writes them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { csvLine, parseCsv } from '../../src/cli/csv.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';

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
  expect(await fastsamdHere('gauge', 'rr', table, '--check', 'length', '--tolerance', '0.1')).toMatchObject({ code: 1 });
  const { code: wrong, stderr } = await fastsamdHere('gauge', 'rr', table);
  expect({ wrong, stderr }).toMatchObject({ wrong: 2, stderr: expect.stringContaining('expected one of length, bores') });
}, 60_000);

it('studies repeats of one part', async () => {
  const table = tableOf([9.99, 10, 10.01, 10.02].map((value) => ['p', '', value] as const));
  const args = ['gauge', 'repeat', table, '--check', 'length', '--tolerance', '2', '--reference', '10'] as const;
  const { code, stdout } = await fastsamdHere(...args);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      '4 values, mean 10.005, sd 0.0129099 (25 to 50 are usual)\nCg  5.16  good\nCgk 5.03  good\nfor the recipe: uncertainty: 0.0129099\n',
  });
  expect(JSON.parse((await fastsamdHere(...args, '--json')).stdout)).toMatchObject({ n: 4 });
}, 60_000);

/** A folder of plain grey pictures, and of one pixel that is `spot` levels brighter in every second one. */
async function greys(name: string, levels: readonly number[], spot = 0): Promise<string> {
  const pictures = join(folder, name);
  mkdirSync(pictures);
  for (const [k, level] of levels.entries()) {
    const pixels = new Uint8Array(3 * 20 * 10).fill(level);
    if (k % 2 === 1) pixels.fill(level + spot, 0, 3);
    const png = sharp(pixels, { raw: { width: 20, height: 10, channels: 3 } }).png();
    writeFileSync(join(pictures, `${k}.png`), await png.toBuffer());
  }
  return pictures;
}

it('says how still a picture is, and what to do about one that is not', async () => {
  const still = await fastsamdHere('gauge', 'stability', await greys('still', [100, 100, 100, 100], 20), '--json');
  expect(still).toMatchObject({ code: 0 });
  // One of 200 pixels has the standard deviation of 0, 20, 0, 20.
  expect(JSON.parse(still.stdout)).toMatchObject({
    frames: 4,
    noise: expect.closeTo(Math.sqrt(400 / 3) / 200, 6),
    noise99: 0.05,
    level: expect.closeTo(100.05, 6),
    drift: expect.closeTo(0.1, 6),
    good: true,
  });
  const drifting = await fastsamdHere('gauge', 'stability', await greys('drifting', [100, 101, 102, 104]));
  expect(drifting.code).toBe(1);
  expect(drifting.stdout).toMatch(/^4 frames, mean level 101\.8\nnoise {4}1\.71 /);
  expect(drifting.stdout).toContain('drift    +4.00 (last quarter less the first)  not below 2: fix exposure');
  const one = await fastsamdHere('gauge', 'stability', await greys('one', [100]));
  expect(one.code).toBe(2);
  expect(one.stderr).toContain('expected two frames or more');
});
