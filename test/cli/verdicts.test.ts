import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VerdictDatabase } from '../../src/record/verdict-database.js';
import { fastsamd } from '../helpers/command.js';
import { fastsamdHere } from '../helpers/command-here.js';

let directory = '';
let file = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-verdicts-'));
  file = join(directory, 'verdicts.db');
  const database = new VerdictDatabase({ file, maxVerdicts: 1000 });
  for (const k of [1, 2]) {
    const [verdict, result, code] = k === 1 ? (['OK', 'ok', undefined] as const) : (['NOK', 'nok', 'ABOVE'] as const);
    database.call('acceptAndDecide', {
      trigger: { camera: 'belt', trigger: `t${k}`, type: 'mqtt', atMs: 1_800_000_000_000 },
      verdict: {
        camera: 'belt',
        ts: `2027-01-15T08:00:0${k}.000Z`,
        eventId: `00000000-0000-4000-8000-00000000000${k}`,
        verdict: {
          inspection: 0,
          verdict,
          reasons: code ? [code] : [],
          part: '=SN,1',
          trigger: { id: `t${k}`, type: 'mqtt', at: '2027-01-15T08:00:00.000Z' },
          recipe: { id: 'washer', revision: 3, sha256: 'a'.repeat(64) },
          model: null,
          frame: null,
          checks: [
            { id: 'd', measure: 'diameter', unit: 'mm', value: 5 + k, uncertainty: 0.01, usl: 6.5, result, ...(code ? { code } : {}) },
          ],
          latencyMs: { acquire: 1, measure: 1, decide: 0, total: 2 },
          recorded: true,
        },
      },
    });
  }
  database.close();
});
afterAll(() => rm(directory, { recursive: true }));

describe('fastsamd verdicts', () => {
  it('lists, shows and exports what is recorded', async () => {
    const { stdout: listed } = await fastsamd('verdicts', 'list', '--file', file, '--verdict', 'NOK');
    expect(listed).toBe('2027-01-15T08:00:02.000Z  belt  #2  NOK     =SN,1  washer r3  ABOVE\n');
    const { stdout: shown } = await fastsamdHere('verdicts', 'show', 'belt', '2', '--file', file);
    expect(shown).toMatch(
      /^NOK ABOVE\ninspection 2 of belt, .* part =SN,1\nrecipe washer, revision 3, .*\n {2}nok {4}d: 7 ± 0\.010 mm \[≤ 6\.5\] ABOVE\nhash [0-9a-f]{64}\n$/s,
    );
    const { stdout: csv } = await fastsamdHere('verdicts', 'export', '--file', file);
    expect(csv.split('\n')[1]).toBe('2027-01-15T08:00:01.000Z,belt,1,OK,,"\'=SN,1",,,washer,3,d,6,0.01,mm,,6.5,ok,');
    const { stdout: lines } = await fastsamdHere(
      'verdicts',
      'export',
      '--file',
      file,
      '--format',
      'ndjson',
      '--since',
      '2027-01-15T08:00:02Z',
    );
    expect(
      lines
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).inspection),
    ).toEqual([2]);
  });

  it('exports a table with types', async () => {
    const out = join(directory, 'verdicts.parquet');
    expect(await fastsamdHere('verdicts', 'export', '--file', file, '--format', 'parquet', '--out', out)).toMatchObject({ code: 0 });
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(out) });
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatchObject({
      ts: new Date('2027-01-15T08:00:02.000Z'),
      ...{ camera: 'belt', inspection: 2n, verdict: 'NOK', reasons: 'ABOVE', part: '=SN,1', recipe: 'washer', revision: 3n },
      ...{ check: 'd', value: 7, uncertainty: 0.01, unit: 'mm', usl: 6.5, result: 'nok', code: 'ABOVE' },
    });
    expect(rows[0]!.code ?? null).toBeNull();
    expect(rows[0]!.lsl ?? null).toBeNull();
    expect((await readdir(directory)).filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(await fastsamdHere('verdicts', 'export', '--file', file, '--format', 'parquet')).toMatchObject({ code: 2 });
  });

  it('says whether the record is whole, and what it needs', async () => {
    expect(await fastsamdHere('verdicts', 'verify', '--file', file)).toMatchObject({
      code: 0,
      stdout: 'ok: 2 verdicts, nothing removed or changed\n',
    });
    const stranger = new Database(file);
    stranger.exec("UPDATE verdicts SET body = replace(body, 'NOK', 'OK') WHERE seq = 2");
    stranger.close();
    expect(await fastsamdHere('verdicts', 'verify', '--file', file)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^NOT OK: verdict 2/),
    });
    expect(await fastsamdHere('verdicts', 'list')).toMatchObject({ code: 2 });
    await writeFile(join(directory, 'text.db'), 'no database');
    expect((await fastsamdHere('verdicts', 'list', '--file', join(directory, 'text.db'))).stderr).toMatch(/cannot be read as a record/);
  });
});
