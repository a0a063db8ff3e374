import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerdictMessage } from '../../src/contract/inspection.js';
import { recipeSchema } from '../../src/domain/recipe.js';
import type { NewTrigger, NewVerdict } from '../../src/record/protocol.js';
import { VerdictDatabase } from '../../src/record/verdict-database.js';
import { figure } from '../helpers/figure.js';
import { random } from '../soak/faults.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fastsamd-record-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const trigger = (name: string, camera = 'belt'): NewTrigger => ({
  camera,
  trigger: name,
  type: 'mqtt',
  part: `SN-${name}`,
  atMs: 1_800_000_000_000,
});

function verdict(inspection: number, more: Partial<VerdictMessage> = {}, camera = 'belt'): NewVerdict {
  const message: VerdictMessage = {
    inspection,
    verdict: 'OK',
    reasons: [],
    trigger: { id: 't', type: 'mqtt', at: '2027-01-15T08:00:00.000Z' },
    recipe: { id: 'washer', revision: 1, sha256: 'a'.repeat(64) },
    model: null,
    frame: null,
    checks: [{ id: 'd', measure: 'diameter', value: 6 + inspection / 10, uncertainty: 0.01, usl: 7, result: 'ok' }],
    latencyMs: { acquire: 1, measure: 1, decide: 0, total: 2 },
    recorded: true,
    ...more,
  };
  return {
    camera,
    ts: '2027-01-15T08:00:00.100Z',
    eventId: `00000000-0000-4000-8000-${String(inspection).padStart(12, '0')}`,
    verdict: message,
  };
}

let files = 0;
function opened(maxVerdicts = 1000): { database: VerdictDatabase; file: string } {
  files += 1;
  const file = join(directory, `verdicts-${files}.db`);
  return { database: new VerdictDatabase({ file, maxVerdicts }), file };
}

describe('VerdictDatabase', () => {
  it('gives each camera its numbers from 1 without gaps, over restarts, and the same trigger the same number', () => {
    const { database, file } = opened();
    expect(['a', 'b', 'c'].map((name) => database.call('accept', trigger(name)).trigger.inspection)).toEqual([1, 2, 3]);
    expect(database.call('accept', trigger('a', 'gate')).trigger.inspection).toBe(1);
    expect(database.call('accept', trigger('b'))).toMatchObject({ known: true, trigger: { inspection: 2 } });
    database.call('decide', verdict(2, { verdict: 'NOK', reasons: ['ABOVE'] }));
    database.close();
    const again = new VerdictDatabase({ file, maxVerdicts: 1000 });
    expect(again.call('accept', trigger('b'))).toMatchObject({ known: true, verdict: { inspection: 2, verdict: 'NOK' } });
    expect(again.call('accept', trigger('d'))).toMatchObject({ known: false, trigger: { inspection: 4 } });
    expect(again.call('pending', null).map(({ camera, trigger: name }) => `${camera} ${name}`)).toEqual([
      'belt a',
      'gate a',
      'belt c',
      'belt d',
    ]);
    again.close();
  });

  it('never has two verdicts for one inspection', () => {
    const { database } = opened();
    database.call('accept', trigger('a'));
    database.call('decide', verdict(1));
    expect(() => database.call('decide', verdict(1))).toThrow('inspection 1 of camera belt already has a verdict');
    expect(database.call('verify', {})).toEqual({ verdicts: 1, pictures: 0 });
    database.close();
  });

  it.each([
    [
      'edited',
      'UPDATE verdicts SET body = replace(body, \'"OK"\', \'"NOK"\') WHERE seq = 3',
      /verdict 3 \(inspection 3 of belt\) was changed/,
    ],
    ['given another verdict in its column', "UPDATE verdicts SET verdict = 'NOK' WHERE seq = 2", /verdict 2 .* was changed/],
    ['removed', 'DELETE FROM verdicts WHERE seq = 2', /verdict 2 is missing/],
    ['removed from the end', 'DELETE FROM verdicts WHERE seq = 5', /verdicts 5 to 5 are missing/],
    ['audited otherwise', "UPDATE audit SET by = 'somebody' WHERE number = 1", /audit trail was changed at entry 1/],
  ])('finds in its chain what was %s', (_, sql, problem) => {
    const { database, file } = opened();
    const recipe = recipeSchema.parse({ recipe: 'washer', objects: { part: {} }, checks: [{ id: 'n', count: 'part', min: 1 }] });
    database.call('setRecipe', { camera: 'belt', recipe, sha256: 'b'.repeat(64), activate: true, by: 'mqtt (admin)', atMs: 1 });
    for (let k = 1; k <= 5; k += 1) database.call('acceptAndDecide', { trigger: trigger(`t${k}`), verdict: verdict(0) });
    expect(database.call('verify', {})).toEqual({ verdicts: 5, pictures: 0 });
    database.close();
    const stranger = new Database(file);
    stranger.exec(sql);
    stranger.close();
    const again = new VerdictDatabase({ file, maxVerdicts: 1000 });
    expect(again.call('verify', {}).problem).toMatch(problem);
    again.close();
  });

  it('removes the oldest beyond its bound, keeps numbering, and its chain begins behind them', () => {
    const { database } = opened(20);
    for (let k = 1; k <= 150; k += 1) database.call('acceptAndDecide', { trigger: trigger(`t${k}`), verdict: verdict(0) });
    const { verdicts, problem } = database.call('verify', {});
    expect(problem).toBeUndefined();
    expect(verdicts).toBeGreaterThanOrEqual(20);
    expect(verdicts).toBeLessThan(120);
    expect(database.call('verdicts', { limit: 1 })[0]!.verdict.inspection).toBe(150);
    // A trigger that was removed with its verdict is a new one.
    expect(database.call('accept', trigger('t1'))).toMatchObject({ known: false, trigger: { inspection: 151 } });
    database.close();
  });

  it('numbers the revisions of a recipe, refuses a stale one, and audits each change', () => {
    const { database, file } = opened();
    const recipe = (min: number) =>
      recipeSchema.parse({ recipe: 'washer', objects: { part: {} }, checks: [{ id: 'n', count: 'part', min }] });
    const set = (min: number, ifRevision?: number, activate = false) =>
      database.call('setRecipe', {
        camera: 'belt',
        recipe: recipe(min),
        sha256: String(min).repeat(64),
        ifRevision,
        activate,
        by: 'mqtt (admin)',
        atMs: 7,
      });
    expect(set(1, 0, true)).toMatchObject({ stored: { revision: 1, active: true } });
    expect(set(1)).toMatchObject({ stored: { revision: 1 } });
    expect(set(2, 0)).toEqual({ conflict: 1 });
    expect(set(2, 1)).toMatchObject({ stored: { revision: 2, active: false } });
    expect(database.call('recipe', { camera: 'belt' })).toMatchObject({ revision: 1, active: true });
    expect(database.call('activateRecipe', { camera: 'belt', recipe: 'washer', by: 'mqtt (admin)', atMs: 8 })).toMatchObject({
      revision: 2,
      active: true,
    });
    expect(database.call('activateRecipe', { camera: 'belt', recipe: 'nut', by: 'mqtt (admin)', atMs: 9 })).toBeNull();
    expect(database.call('recipes', { camera: 'belt' }).map(({ revision, active }) => [revision, active])).toEqual([
      [2, true],
      [1, false],
    ]);
    database.close();
    const file_ = new Database(file, { readonly: true });
    expect(file_.prepare('SELECT by, what FROM audit').raw().all()).toEqual([
      ['mqtt (admin)', 'recipe-set'],
      ['mqtt (admin)', 'recipe-activated'],
      ['mqtt (admin)', 'recipe-set'],
      ['mqtt (admin)', 'recipe-activated'],
    ]);
    file_.close();
  });

  it('hands out verdicts by page, part and verdict, and the values of each check', () => {
    const { database } = opened();
    for (let k = 1; k <= 7; k += 1) {
      database.call('acceptAndDecide', { trigger: trigger(`t${k}`), verdict: verdict(0, k === 4 ? { verdict: 'NOK', part: 'SN-4' } : {}) });
    }
    const numbers = (query: object) => database.call('verdicts', { limit: 3, ...query }).map(({ verdict: { inspection } }) => inspection);
    expect(numbers({})).toEqual([7, 6, 5]);
    expect(numbers({ before: 5 })).toEqual([4, 3, 2]);
    expect(numbers({ verdict: 'NOK' })).toEqual([4]);
    expect(numbers({ part: 'SN-4' })).toEqual([4]);
    expect(numbers({ afterSeq: 2 })).toEqual([3, 4, 5]);
    expect(database.call('checkValues', { camera: 'belt', recipe: 'washer', revision: 1, limit: 5 })).toMatchObject([
      { id: 'd', usl: 7, values: [6, 6, 6, 6, 6] },
    ]);
    expect(database.call('unpublished', null)).toHaveLength(7);
    database.call('published', { upTo: 5 });
    expect(database.call('unpublished', null).map(({ seq }) => seq)).toEqual([6, 7]);
    database.close();
  });

  it.each<[string, (file: string) => void, number]>([
    ['text', (file) => writeFileSync(file, 'no database'.repeat(1000)), 1],
    ['another database', (file) => void new Database(file).exec('DROP TABLE triggers; CREATE TABLE triggers (other TEXT)').close(), 4],
    ['a verdict that is no JSON', (file) => void new Database(file).exec("UPDATE verdicts SET body = '{' WHERE seq = 2").close(), 4],
    ['a page of noise', (file) => spoil(file, 4096 * 3), 4],
  ])('that holds %s is kept under another name, and inspections go on', (_, damage, least) => {
    const { database, file } = opened();
    for (let k = 1; k <= 3; k += 1) database.call('acceptAndDecide', { trigger: trigger(`t${k}`), verdict: verdict(0) });
    database.close();
    damage(file);
    const aside: string[] = [];
    const again = new VerdictDatabase({ file, maxVerdicts: 1000 }, { onPutAside: (path) => aside.push(path) });
    const { trigger: next } = again.call('accept', trigger('t4'));
    expect(next.inspection).toBeGreaterThanOrEqual(least);
    // Not every page that is spoilt is in use at the start, or for one trigger.
    expect(aside.every((path) => existsSync(path))).toBe(true);
    again.close();
  });

  it.each<[string, (file: string) => void]>([
    ['a FIFO', (file) => void spawnSync('mkfifo', [file])],
    ['a folder', (file) => mkdirSync(join(file, 'inner'), { recursive: true })],
  ])('that is %s is put aside', (_, make) => {
    const file = join(directory, `strange-${files++}.db`);
    make(file);
    const database = new VerdictDatabase({ file, maxVerdicts: 1000 });
    expect(database.call('accept', trigger('t1'))).toMatchObject({ trigger: { inspection: 1 } });
    expect(existsSync(`${file}.unreadable`)).toBe(true);
    database.close();
  });

  it('that turns out to be damaged at work is kept under another name, and the inspection is recorded in a new one', () => {
    const { database, file } = opened();
    for (let k = 1; k <= 3; k += 1) database.call('acceptAndDecide', { trigger: trigger(`t${k}`), verdict: verdict(0) });
    database.close();
    // The next number is one that the record has already.
    new Database(file).exec("UPDATE counters SET last = 1 WHERE camera = 'belt'").close();
    const aside: string[] = [];
    const again = new VerdictDatabase({ file, maxVerdicts: 1000 }, { onPutAside: (path) => aside.push(path) });
    expect(aside).toEqual([]);
    const { verdict: recorded } = again.call('acceptAndDecide', { trigger: trigger('t4'), verdict: verdict(0) });
    expect(recorded.inspection).toBe(4);
    expect(aside).toEqual([expect.stringMatching(/unreadable-/)]);
    expect(existsSync(aside[0]!)).toBe(true);
    again.close();
  });

  it('opens after any damage and takes inspections', { timeout: 300_000 }, () => {
    const { database, file } = opened();
    for (let k = 1; k <= 40; k += 1) database.call('acceptAndDecide', { trigger: trigger(`t${k}`), verdict: verdict(0) });
    database.close();
    const whole = readFileSync(file);
    const next = random(23);
    const folder = join(directory, 'damaged');
    const rounds = Number(process.env.CORRUPTIONS ?? 20);
    for (let round = 0; round < rounds; round += 1) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      const damaged = join(folder, 'verdicts.db');
      const bytes = Buffer.from(whole);
      for (let k = 0; k < 1 + next() * 30; k += 1) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
      writeFileSync(damaged, next() < 0.2 ? bytes.subarray(0, Math.floor(next() * bytes.length)) : bytes);
      const mended = new VerdictDatabase({ file: damaged, maxVerdicts: 1000 });
      mended.call('acceptAndDecide', { trigger: trigger(`new ${round}`), verdict: verdict(0) });
      mended.call('unpublished', null);
      mended.close();
    }
    figure({ what: 'random damages of verdicts.db after which it opens and takes inspections', value: rounds });
  });
});

/** Noise in place of a page. */
function spoil(file: string, at: number): void {
  const opened = openSync(file, 'r+');
  writeSync(opened, Buffer.alloc(4096, 0xa5), 0, 4096, at);
  closeSync(opened);
}
