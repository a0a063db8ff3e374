/** A daemon that inspects by what good parts taught: a golden sample, surfaces, and lessons by requests. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import { type EventMessage, type InspectionMessage, taughtDataSchema, teachDataSchema } from '../../src/contract/messages.js';
import { storedGolden, storedSurfaces } from '../../src/inspect/taught.js';
import { sha256OfFile } from '../../src/model/checksum.js';
import { fastsamd } from '../helpers/command.js';
import { EVENT, INSPECTION, InspectingNode, recipe } from '../helpers/inspecting-node.js';
import { hasMosquitto } from '../helpers/mosquitto.js';
import { testModel } from '../helpers/onnx-model.js';

describe.skipIf(!hasMosquitto)('a node that was taught (needs mosquitto)', { timeout: 120_000 }, () => {
  const node = InspectingNode.forTests();

  it('compares a part with the golden sample of its configuration, and names that in the verdict', async () => {
    const grey = { width: 320, height: 320, channels: 3 as const, background: '#808080' };
    const golden = storedGolden(new Map([['print', { at: [0, 0], degrees: 0 }]]), await sharp({ create: grey }).png().toBuffer());
    const file = { v: 1, recipe: 'three', parts: 20, at: '2027-01-01T00:00:00.000Z', golden };
    await writeFile(join(node.directory, 'three.taught'), JSON.stringify(file));
    const checks = [{ id: 'print', measure: 'difference', max: 10 }];
    await node.run(recipe({ checks }), 0, { inspection: { taught: 'three.taught' } });
    const { data } = await node.ask('inspect/trigger', { camera: 'belt', wait: true });
    expect(data).toMatchObject({
      verdict: {
        verdict: 'NOK',
        taught: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        checks: [{ id: 'print', measure: 'difference', unit: 'px²', result: 'nok', code: 'ABOVE' }],
      },
    });
  });

  describe('with surfaces that were taught', () => {
    const checks = [{ id: 'skin', measure: 'anomaly', max: 10 }];
    /** A memory of one patch, which is black. */
    async function teach(sha256: string): Promise<void> {
      const [mean, sd, rows] = [new Float32Array(6), new Float32Array(6).fill(0.01), new Float32Array(6)];
      const skin = { side: null, uncertainty: 0.25, scores: [1, 2, 3, 4, 5], memory: { dims: 6, mean, sd, rows } };
      const surfaces = storedSurfaces({ name: 'three.onnx', sha256 }, new Map([['skin', skin]]));
      const file = { v: 1, recipe: 'three', parts: 5, at: '2027-01-01T00:00:00.000Z', surfaces };
      await writeFile(join(node.directory, 'skin.taught'), JSON.stringify(file));
    }

    it('says how far a part is from good ones', async () => {
      await teach(await sha256OfFile(node.model));
      await node.run(recipe({ checks }), 0, { inspection: { taught: 'skin.taught' } });
      const { data } = await node.ask('inspect/trigger', { camera: 'belt', wait: true });
      expect(data).toMatchObject({
        verdict: {
          verdict: 'NOK',
          taught: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
          checks: [{ id: 'skin', measure: 'anomaly', uncertainty: 0.25, usl: 10, result: 'nok', code: 'ABOVE', at: expect.any(Array) }],
        },
      });
      const { data: other } = await node.ask('recipe/set', {
        camera: 'belt',
        activate: true,
        recipe: recipe({ checks: [{ ...checks[0], of: 'parts[0]' }] }),
      });
      expect(other).toMatchObject({ revision: 2 });
      const again = await node.ask('inspect/trigger', { camera: 'belt', wait: true });
      expect(again.data).toMatchObject({
        verdict: { verdict: 'UNSURE', checks: [{ id: 'skin', code: 'UNDEFINED', message: expect.stringContaining('teach again') }] },
      });
    });

    it('does not start with those of another model', async () => {
      await teach('0'.repeat(64));
      node.daemon = undefined;
      node.run(recipe({ checks }), 0, { inspection: { taught: 'skin.taught' } }).catch(() => undefined);
      await vi.waitFor(() => expect(node.daemon).toBeDefined(), { timeout: 20_000 });
      const { code, stderr } = await node.daemon!.outcome;
      expect(code).toBe(3);
      expect(stderr).toContain('skin.taught: its surfaces were taught with the model three.onnx');
    });
  });

  describe('taught by requests', () => {
    /** A part of 80 × 80 pixels that is always there, on a picture that changes. */
    const checks = [
      { id: 'size', measure: 'diameter', of: 'parts[0]', target: 90, tol: 40, uncertainty: 1 },
      { id: 'print', measure: 'difference', max: 1e6 },
      { id: 'skin', measure: 'anomaly', of: 'parts[0]', max: 1000 },
    ];
    const belt = { camera: 'belt' };
    const taughtFiles = () => readdir(join(node.state, 'taught', 'belt')).catch(() => []);

    it('makes a new revision from good parts as a transaction, on record, and judges by it after a crash too', async () => {
      await node.run(recipe({ checks }));
      expect(await node.ask('teach/add', belt)).toMatchObject({ status: 'error', code: 'TEACH_NOT_RUNNING' });
      expect(await node.ask('teach/abort', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
      const begun = await node.ask('teach/start', belt);
      expect(teachDataSchema.parse(begun.data)).toMatchObject({
        recipe: { id: 'three', revision: 1 },
        parts: 0,
        complete: false,
        limits: [],
        missing: expect.arrayContaining([{ message: '0 good parts; expected at least 5, better 20' }]),
      });
      expect(await node.ask('teach/start', { ...belt, recipe: 'three' })).toMatchObject({ code: 'TEACH_RUNNING' });
      expect(await node.ask('teach/add', { ...belt, verdict: 'NOK' })).toMatchObject({ code: 'REQUEST_INVALID' });
      for (let part = 1; part <= 4; part += 1) {
        expect((await node.ask('teach/add', { ...belt, verdict: 'OK', id: `part-${part}` })).data).toMatchObject({
          parts: part,
          complete: false,
        });
      }
      // A request that comes twice is one part.
      expect((await node.ask('teach/add', { ...belt, verdict: 'OK', id: 'part-4' })).data).toMatchObject({ parts: 4 });
      expect(await node.ask('teach/commit', belt)).toMatchObject({
        code: 'TEACH_INCOMPLETE',
        error: '4 good parts; expected at least 5, better 20',
      });
      const { data: fifth } = await node.ask('teach/add', belt);
      expect(teachDataSchema.parse(fifth)).toMatchObject({
        parts: 5,
        complete: true,
        limits: expect.arrayContaining([
          {
            check: 'size',
            n: 5,
            sd: 1,
            outside: 0,
            outsideNow: 0,
            median: expect.any(Number),
            lsl: expect.any(Number),
            usl: expect.any(Number),
          },
        ]),
      });
      expect(await node.observer.untilJson<InspectionMessage>(INSPECTION, ({ teaching }) => teaching?.parts === 5)).toMatchObject({
        state: 'ready',
        teaching: { recipe: { revision: 1 } },
      });

      // Somebody else changes the recipe meanwhile.
      await node.ask('recipe/set', { ...belt, recipe: recipe({ checks, product: 'changed' }) });
      expect(await node.ask('teach/commit', { ...belt, activate: true })).toMatchObject({ code: 'REVISION_CONFLICT' });
      expect(await taughtFiles()).toEqual([]);
      const from = node.observer.received.length;
      const committed = await node.ask('teach/commit', { ...belt, ifRevision: 2, activate: true });
      expect(committed).toMatchObject({ status: 'ok', revision: 3 });
      const { taught, limits, ...stored } = taughtDataSchema.parse(committed.data);
      expect(stored).toMatchObject({ id: 'three', revision: 3, active: true, parts: 5 });
      expect(limits.map(({ check }) => check)).toEqual(['size', 'print', 'skin']);
      expect(await taughtFiles()).toEqual([`${taught}.taught`]);
      const isChange = (event: EventMessage) => event.type === 'recipe-changed' && event.recipe.revision === 3;
      expect(await node.observer.untilJson<EventMessage>(EVENT, isChange, from)).toMatchObject({ change: 'set', by: 'mqtt (admin)' });
      expect((await node.ask('recipe/get', belt)).data).toMatchObject({
        recipe: {
          taught,
          checks: [{ id: 'size', lsl: limits[0]!.lsl, usl: limits[0]!.usl }, { id: 'print' }, { id: 'skin', usl: limits[2]!.usl }],
        },
      });
      expect(await node.ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
      const judged = {
        verdict: {
          recipe: { revision: 3 },
          taught: { sha256: taught },
          checks: [{ result: 'ok' }, { value: expect.any(Number) }, { value: expect.any(Number) }],
        },
      };
      expect((await node.ask('inspect/trigger', { ...belt, wait: true })).data).toMatchObject(judged);

      await node.ask('teach/start', belt);
      const crashed = node.observer.received.length;
      await node.end('SIGKILL');
      expect(await node.run(recipe({ checks }), crashed)).toMatchObject({ recipe: { revision: 3 } });
      expect(await node.ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
      expect((await node.ask('inspect/trigger', { ...belt, wait: true })).data).toMatchObject(judged);
      // The way back is open: that revision was not taught.
      await node.ask('recipe/activate', { ...belt, recipe: 'three', revision: 1 });
      const { data: untaught } = await node.ask('inspect/trigger', { ...belt, wait: true });
      expect(untaught).toMatchObject({ verdict: { checks: [{ result: 'ok' }, { code: 'TEACH_MISSING' }, { code: 'TEACH_MISSING' }] } });
      expect(untaught).not.toHaveProperty('verdict.taught');
      await node.ask('recipe/activate', { ...belt, recipe: 'three' });
      expect((await node.ask('inspect/trigger', { ...belt, wait: true })).data).toMatchObject(judged);
      const unknown = recipe({ checks, taught: '0'.repeat(64) });
      expect(await node.ask('recipe/set', { ...belt, recipe: unknown })).toMatchObject({
        code: 'REQUEST_INVALID',
        error: expect.stringContaining('teach it again'),
      });

      await node.end('SIGTERM');
      const database = new Database(join(node.state, 'verdicts.db'), { readonly: true });
      const rows = database.prepare("SELECT * FROM audit WHERE what = 'recipe-set' ORDER BY number").all() as { body: string }[];
      database.close();
      expect(JSON.parse(rows.at(-1)!.body)).toMatchObject({
        revision: 3,
        lesson: { parts: 5, sigma: 4 },
        before: { product: 'changed' },
        after: { taught },
      });
      expect(await fastsamd('verdicts', 'verify', '--config', node.configFile)).toMatchObject({ code: 0 });
    });

    it('finds no part where there is none, gives up when told to, and says at its end what is lost', async () => {
      await node.run(recipe({ objects: { parts: { minArea: 100_000 } }, checks: checks.slice(0, 1) }));
      await node.ask('teach/start', belt);
      expect(await node.ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NO_PART', error: expect.stringContaining('(size: NO_PART)') });
      expect((await node.ask('teach/abort', belt)).data).toMatchObject({ parts: 0, recipe: { revision: 1 } });
      expect((await node.ask('recipe/list', belt)).data).toHaveLength(1);
      await node.ask('recipe/set', { ...belt, recipe: recipe({ recipe: 'counts' }) });
      expect(await node.ask('teach/start', { ...belt, recipe: 'counts' })).toMatchObject({
        code: 'REQUEST_INVALID',
        error: expect.stringContaining('measures nothing'),
      });
      await node.ask('teach/start', belt);
      expect((await node.end('SIGTERM'))!.stderr).toContain('the lesson of recipe three is lost, 0 good parts: fastsamd ends');
    });

    it('does not begin a lesson about surfaces with a model that has no feature maps', async () => {
      const plain = join(node.directory, 'plain.onnx');
      await writeFile(plain, testModel());
      await node.run(recipe({ checks }), 0, { model: plain });
      expect(await node.ask('teach/start', belt)).toMatchObject({
        code: 'MODEL_UNSUPPORTED',
        error: expect.stringContaining('plain.onnx'),
      });
      expect(await node.ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
    });
  });
});
