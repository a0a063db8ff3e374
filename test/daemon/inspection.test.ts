/** A daemon that inspects, asked through a real broker; killed and started again. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import {
  type EventMessage,
  eventMessageSchema,
  type InspectionMessage,
  inspectionMessageSchema,
  type ResponseMessage,
  responseMessageSchema,
  taughtDataSchema,
  teachDataSchema,
} from '../../src/contract/messages.js';
import { COIL, RECIPE_REGISTER, REGISTER } from '../../src/field/plc-port.js';
import { storedGolden, storedSurfaces } from '../../src/inspect/taught.js';
import { sha256OfFile } from '../../src/model/checksum.js';
import { fastsamd, type RunningCommand, startWith } from '../helpers/command.js';
import { GpioChip } from '../helpers/gpio-chip.js';
import { ModbusClient } from '../helpers/modbus-client.js';
import { Broker, freePort, hasMosquitto, type Observer } from '../helpers/mosquitto.js';
import { testModel, withPooledTaps } from '../helpers/onnx-model.js';

const NODE = 'station';
const BASE = `fastsam/v1/${NODE}`;
const EVENT = `${BASE}/cameras/belt/event`;
const INSPECTION = `${BASE}/cameras/belt/inspection`;

const recipe = (more: object = {}) => ({
  recipe: 'three',
  product: '4711-B',
  edge: 'mask',
  trigger: { type: 'mqtt', timeoutMs: 60_000, queue: 2 },
  objects: { parts: {} },
  checks: [{ id: 'some', count: 'parts', min: 1 }],
  ...more,
});

type VerdictEvent = Extract<EventMessage, { type: 'verdict' }>;

let directory = '';
let model = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-station-'));
  model = join(directory, 'three.onnx');
  await writeFile(model, withPooledTaps(testModel()));
});
afterAll(() => rm(directory, { recursive: true }));

describe.skipIf(!hasMosquitto)('a node that inspects (needs mosquitto)', { timeout: 120_000 }, () => {
  let broker: Broker;
  let observer: Observer;
  let daemon: RunningCommand | undefined;
  beforeEach(async () => {
    broker = await Broker.start();
    observer = await broker.observe(`${BASE}/#`);
  });
  afterEach(async () => {
    daemon?.process.kill('SIGKILL');
    await daemon?.outcome;
    await broker[Symbol.asyncDispose]();
  });

  /** Starts the daemon with this recipe, and returns its inspection once it is ready. */
  async function run(
    rules: object,
    from = 0,
    more: { inspection?: object; publish?: object; environment?: Record<string, string>; model?: string } = {},
  ): Promise<InspectionMessage> {
    await writeFile(join(directory, 'recipe.yaml'), stringify(rules));
    const config = {
      node: NODE,
      model: { path: more.model ?? model },
      cameras: [
        {
          id: 'belt',
          source: 'test:shapes?width=320&height=320&fps=20',
          inspection: { recipe: 'recipe.yaml', ...more.inspection },
          publish: more.publish,
        },
      ],
      mqtt: { url: broker.url, admin: true },
      stateDir: join(directory, `state-${broker.port}`),
    };
    const path = join(directory, 'config.yaml');
    await writeFile(path, stringify(config));
    daemon = startWith(more.environment ?? {}, 'run', '--config', path);
    return observer.untilJson<InspectionMessage>(INSPECTION, ({ state }) => state === 'ready', from);
  }

  async function ask(verb: string, request: object): Promise<ResponseMessage> {
    const from = observer.received.length;
    await observer.publish(`${BASE}/request/${verb}`, JSON.stringify(request));
    return responseMessageSchema.parse(await observer.untilJson(`${BASE}/response/${verb}`, () => true, from));
  }

  const verdictOf = (inspection: number, from = 0) =>
    observer.untilJson<VerdictEvent>(EVENT, (event) => event.type === 'verdict' && event.inspection === inspection, from);

  it('answers a trigger with its verdict, once for each name, and records and publishes it', async () => {
    const ready = inspectionMessageSchema.parse(await run(recipe()));
    expect(ready).toMatchObject({ recipe: { id: 'three', revision: 1 }, trigger: 'mqtt', counts: { triggers: 0 }, last: null });
    const trigger = { camera: 'belt', trigger: 't-981', part: 'SN-0042', meas: 'm-17' };
    const answer = await ask('inspect/trigger', { ...trigger, wait: true });
    expect(answer).toMatchObject({
      status: 'ok',
      data: {
        inspection: 1,
        verdict: { verdict: 'OK', part: 'SN-0042', meas: 'm-17', product: '4711-B', recorded: true, recipe: ready.recipe },
      },
    });
    const event = eventMessageSchema.parse(await verdictOf(1)) as VerdictEvent;
    expect(event).toMatchObject({
      verdict: 'OK',
      trigger: { id: 't-981', type: 'mqtt' },
      checks: [{ id: 'some', measure: 'count', result: 'ok' }],
    });
    expect(event.frame!.capturedAt >= event.trigger.at).toBe(true);
    expect((await ask('inspect/trigger', trigger)).data).toMatchObject({ inspection: 1, verdict: { part: 'SN-0042' } });
    const second = await ask('inspect/trigger', { id: 'request-7', camera: 'belt' });
    expect(second.data).toEqual({ inspection: 2 });
    expect(await verdictOf(2)).toMatchObject({ trigger: { id: 'request-7' } });
    expect((await ask('read/verdicts', { camera: 'belt' })).data).toMatchObject([{ inspection: 2 }, { inspection: 1, camera: 'belt' }]);
    expect((await ask('read/statistics', { camera: 'belt' })).data).toMatchObject([{ id: 'some', n: 2, lsl: 1 }]);
    expect(await observer.untilJson<InspectionMessage>(INSPECTION, ({ counts }) => counts.ok === 2)).toMatchObject({
      counts: { triggers: 2, ok: 2, nok: 0, unsure: 0, missed: 0 },
      last: { inspection: 2, verdict: 'OK' },
    });
    const counted = await observer.untilJson<InspectionMessage>(INSPECTION, ({ statistics }) => statistics?.[0]?.n === 2);
    expect(counted).toMatchObject({ statistics: [{ id: 'some', lsl: 1, nelson: [] }] });
  });

  it('changes recipes as a transaction, and says who did', async () => {
    await run(recipe());
    const many = recipe({ checks: [{ id: 'some', count: 'parts', min: 1000 }] });
    expect(await ask('recipe/set', { camera: 'belt', recipe: many, ifRevision: 0, activate: true })).toMatchObject({
      code: 'REVISION_CONFLICT',
    });
    expect(await ask('recipe/set', { camera: 'belt', recipe: { ...many, cheks: [] }, activate: true })).toMatchObject({
      code: 'REQUEST_INVALID',
    });
    const set = await ask('recipe/set', { camera: 'belt', recipe: many, ifRevision: 1, activate: true });
    expect(set).toMatchObject({ status: 'ok', revision: 2, data: { id: 'three', revision: 2, active: true } });
    const changed = await observer.untilJson<EventMessage>(
      EVENT,
      (event) => event.type === 'recipe-changed' && event.recipe.revision === 2,
    );
    expect(changed).toMatchObject({ by: 'mqtt (admin)', change: 'set' });
    const judged = await ask('inspect/trigger', { camera: 'belt', wait: true });
    expect(judged.data).toMatchObject({ verdict: { verdict: 'NOK', reasons: ['COUNT'], recipe: { revision: 2 } } });
    expect(await ask('recipe/activate', { camera: 'belt', recipe: 'three', revision: 1 })).toMatchObject({ revision: 1 });
    expect((await ask('inspect/trigger', { camera: 'belt', wait: true })).data).toMatchObject({
      verdict: { verdict: 'OK', recipe: { revision: 1 } },
    });
    expect((await ask('recipe/get', { camera: 'belt' })).data).toMatchObject({ revision: 1, active: true, recipe: { recipe: 'three' } });
    expect((await ask('recipe/list', { camera: 'belt' })).data).toMatchObject([{ revision: 2 }, { revision: 1 }]);
    expect(await ask('recipe/activate', { camera: 'belt', recipe: 'four' })).toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('after SIGKILL decides what it had accepted, keeps the recipe, and goes on counting', async () => {
    await run(recipe());
    await ask('recipe/set', { camera: 'belt', recipe: recipe({ product: 'changed' }), activate: true });
    await ask('admin/camera-pause', { camera: 'belt' });
    await observer.untilJson<{ state: string }>(`${BASE}/cameras/belt/state`, ({ state }) => state === 'paused');
    expect((await ask('inspect/trigger', { camera: 'belt', trigger: 'first', part: 'SN-1' })).data).toEqual({ inspection: 1 });
    expect((await ask('inspect/trigger', { camera: 'belt', trigger: 'second' })).data).toEqual({ inspection: 2 });
    // Two may wait: the third is a verdict at once, and counted.
    expect((await ask('inspect/trigger', { camera: 'belt', trigger: 'third' })).data).toMatchObject({
      inspection: 3,
      verdict: { verdict: 'UNSURE', reasons: ['MISSED_TRIGGER'] },
    });
    expect(await observer.untilJson<InspectionMessage>(INSPECTION, ({ counts }) => counts.missed === 1)).toMatchObject({
      state: 'inspecting',
    });
    expect(await ask('inspect/cancel', { camera: 'belt', trigger: 'third' })).toMatchObject({ code: 'REQUEST_INVALID' });
    expect((await ask('inspect/trigger', { camera: 'belt', trigger: 'first' })).data).toEqual({ inspection: 1 });
    const from = observer.received.length;
    daemon!.process.kill('SIGKILL');
    await daemon!.outcome;
    expect(await run(recipe(), from)).toMatchObject({ recipe: { revision: 2 } });
    expect(await verdictOf(1, from)).toMatchObject({ verdict: 'UNSURE', reasons: ['INTERRUPTED'], part: 'SN-1', frame: null });
    expect(await verdictOf(2, from)).toMatchObject({ reasons: ['INTERRUPTED'] });
    expect((await ask('inspect/trigger', { camera: 'belt', trigger: 'first' })).data).toMatchObject({
      inspection: 1,
      verdict: { reasons: ['INTERRUPTED'] },
    });
    expect((await ask('inspect/trigger', { camera: 'belt', wait: true })).data).toMatchObject({
      inspection: 4,
      verdict: { verdict: 'OK', product: 'changed' },
    });
  });

  it('keeps pictures of what is not OK, shows them, and finds one that was changed', async () => {
    await run(recipe({ checks: [{ id: 'many', count: 'parts', min: 1000 }] }), 0, {
      inspection: { evidence: {} },
      publish: { snapshots: true },
    });
    const { data } = await ask('inspect/trigger', { camera: 'belt', part: 'SN-7', wait: true });
    expect(data).toMatchObject({ inspection: 1, verdict: { verdict: 'NOK', evidence: expect.stringMatching(/-NOK-[0-9a-f]{8}$/) } });
    const config = ['--config', join(directory, 'config.yaml')];
    const out = join(directory, 'pictures');
    const show = () => fastsamd('verdicts', 'show', 'belt', '1', ...config, '--pictures', out);
    // The verdict does not wait for its pictures.
    await vi.waitFor(async () => expect(await show()).toMatchObject({ code: 0 }), { timeout: 60_000, interval: 200 });
    expect((await readdir(out)).sort()).toEqual(['belt-1-annotated.jpg', 'belt-1-original.jpg']);
    const original = await sharp(join(out, 'belt-1-original.jpg')).raw().toBuffer({ resolveWithObject: true });
    const annotated = await sharp(join(out, 'belt-1-annotated.jpg')).raw().toBuffer({ resolveWithObject: true });
    expect(original.info).toMatchObject({ width: 320, height: 320, channels: 3 });
    // The verdict is written into the upper left corner, in red.
    const corner = [...annotated.data.subarray(3 * (2 * 320 + 2)).subarray(0, 3)];
    expect(corner[0]! - Math.max(corner[1]!, corner[2]!)).toBeGreaterThan(80);

    const from = observer.received.length;
    const answer = await ask('read/evidence', { camera: 'belt', inspection: 1 });
    expect(answer.data).toMatchObject({ topic: `${BASE}/cameras/belt/evidence`, contentType: 'image/jpeg', width: 320, height: 320 });
    const { packet } = await observer.until(`${BASE}/cameras/belt/evidence`, () => true, from);
    expect(packet.payload).toEqual(await readFile(join(out, 'belt-1-annotated.jpg')));
    expect(await ask('read/evidence', { camera: 'belt', inspection: 9 })).toMatchObject({ code: 'REQUEST_INVALID' });

    expect(await fastsamd('verdicts', 'verify', ...config)).toMatchObject({
      code: 0,
      stdout: 'ok: 1 verdicts and 2 pictures, nothing removed or changed\n',
    });
    const folder = join(directory, `state-${broker.port}`, NODE, 'evidence', 'belt');
    const [name] = (await readdir(folder)).filter((each) => each.endsWith('.original.jpg'));
    await writeFile(join(folder, name!), await readFile(join(out, 'belt-1-annotated.jpg')));
    expect(await fastsamd('verdicts', 'verify', ...config)).toMatchObject({
      code: 1,
      stdout: 'NOT OK: the original picture of inspection 1 of belt was changed\n',
    });
    await rm(join(folder, name!));
    expect(await fastsamd('verdicts', 'verify', ...config)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 pictures') });
  });

  it('takes a trigger from a PLC, and shows the verdict in its registers', async () => {
    const port = await freePort();
    await run(recipe({ number: 42 }), 0, { inspection: { output: { modbus: { port } } } });
    const plc = await ModbusClient.connect(port);
    await plc.ask([16, 0, 0, 0, 4, 8, ...Buffer.from('SN-0042\0')]);
    await plc.set(COIL.triggerEnable, true);
    expect((await plc.inputs())('triggerReady')).toBe(true);
    await plc.set(COIL.trigger, true);
    await vi.waitFor(async () => expect((await plc.inputs())('resultsValid')).toBe(true), { timeout: 60_000, interval: 20 });
    const registers = await plc.registers();
    expect((await plc.inputs())('ok')).toBe(true);
    expect(registers.getUint16(2 * REGISTER.recipe)).toBe(42);
    expect(registers.getUint32(2 * REGISTER.acquisition)).toBe(1);
    expect(registers.getUint32(2 * REGISTER.inspection)).toBe(1);
    expect(registers.getFloat32(2 * REGISTER.values)).toBeGreaterThanOrEqual(1);
    expect(await verdictOf(1)).toMatchObject({ trigger: { type: 'modbus' }, part: 'SN-0042', verdict: 'OK' });
    plc.socket.destroy();
  });

  it('lets a PLC load the recipes that its configuration names, by their number', async () => {
    const port = await freePort();
    await run(recipe({ number: 42 }), 0, { inspection: { output: { modbus: { port, recipes: ['three', 'other'] } } } });
    await ask('recipe/set', { camera: 'belt', recipe: recipe({ recipe: 'other', number: 7 }) });
    await ask('recipe/set', { camera: 'belt', recipe: recipe({ recipe: 'secret', number: 8 }) });
    const plc = await ModbusClient.connect(port);
    const load = async (number: number, bit: 'recipeAck' | 'error') => {
      await plc.ask([6, 0, RECIPE_REGISTER, 0, number]);
      await plc.set(COIL.recipeLoad, true);
      await vi.waitFor(async () => expect((await plc.inputs())(bit)).toBe(true), { timeout: 30_000, interval: 20 });
      await plc.set(COIL.recipeLoad, false);
    };
    const from = observer.received.length;
    await load(7, 'recipeAck');
    expect((await plc.registers()).getUint16(2 * REGISTER.recipe)).toBe(7);
    expect(
      await observer.untilJson(EVENT, (event: EventMessage) => event.type === 'recipe-changed' && event.change === 'activated', from),
    ).toMatchObject({
      change: 'activated',
      recipe: { id: 'other', revision: 1 },
      by: 'modbus',
    });
    await load(8, 'error');
    await plc.set(COIL.clearError, true);
    expect((await ask('recipe/get', { camera: 'belt' })).data).toMatchObject({ recipe: { recipe: 'other' }, active: true });
    await load(42, 'recipeAck');
    expect((await ask('inspect/trigger', { camera: 'belt', wait: true })).data).toMatchObject({ verdict: { recipe: { id: 'three' } } });
    plc.socket.destroy();
  });

  it('takes triggers from a GPIO line at the time of their edge, and switches its outputs off when it is killed', async () => {
    using chip = new GpioChip(await mkdtemp(join(directory, 'gpio-')));
    const input = { gpio: { chip: chip.path, line: 7, debounceUs: 500 } };
    const output = { gpio: { chip: chip.path, ok: 12, nok: 13, busy: 14, pulseMs: 60_000 } };
    await run(recipe(), 0, { inspection: { input, output }, environment: chip.environment });
    await vi.waitFor(() => expect(chip.requests).toHaveLength(2), { timeout: 30_000 });
    expect(chip.requests.toSorted()).toEqual(['14 debounce 500 lines 7', '8 debounce 0 lines 12 13 14']);
    const before = Date.now();
    chip.edge(7, process.hrtime.bigint() - 5_000_000_000n);
    await chip.untilOutputs(1);
    const { trigger, verdict, latencyMs } = await verdictOf(1);
    expect({ type: trigger.type, verdict }).toEqual({ type: 'gpio', verdict: 'OK' });
    expect(latencyMs.total).toBeGreaterThan(5000);
    expect(Date.parse(trigger.at)).toBeLessThan(before - 4000);
    expect(chip.outputs).toContain(4);
    expect(chip.outputs.at(-1)).toBe(1);
    const changes = chip.outputs.length;
    daemon!.process.kill('SIGKILL');
    await chip.untilOutputs(0, changes);
    expect(chip.outputs.slice(changes)).toEqual([0]);
  });

  it('compares a part with the golden sample of its configuration, and names that in the verdict', async () => {
    const grey = { width: 320, height: 320, channels: 3 as const, background: '#808080' };
    const golden = storedGolden(new Map([['print', { at: [0, 0], degrees: 0 }]]), await sharp({ create: grey }).png().toBuffer());
    const file = { v: 1, recipe: 'three', parts: 20, at: '2027-01-01T00:00:00.000Z', golden };
    await writeFile(join(directory, 'three.taught'), JSON.stringify(file));
    const checks = [{ id: 'print', measure: 'difference', max: 10 }];
    await run(recipe({ checks }), 0, { inspection: { taught: 'three.taught' } });
    const { data } = await ask('inspect/trigger', { camera: 'belt', wait: true });
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
      await writeFile(join(directory, 'skin.taught'), JSON.stringify(file));
    }

    it('says how far a part is from good ones', async () => {
      await teach(await sha256OfFile(model));
      await run(recipe({ checks }), 0, { inspection: { taught: 'skin.taught' } });
      const { data } = await ask('inspect/trigger', { camera: 'belt', wait: true });
      expect(data).toMatchObject({
        verdict: {
          verdict: 'NOK',
          taught: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
          checks: [{ id: 'skin', measure: 'anomaly', uncertainty: 0.25, usl: 10, result: 'nok', code: 'ABOVE', at: expect.any(Array) }],
        },
      });
      const { data: other } = await ask('recipe/set', {
        camera: 'belt',
        activate: true,
        recipe: recipe({ checks: [{ ...checks[0], of: 'parts[0]' }] }),
      });
      expect(other).toMatchObject({ revision: 2 });
      const again = await ask('inspect/trigger', { camera: 'belt', wait: true });
      expect(again.data).toMatchObject({
        verdict: { verdict: 'UNSURE', checks: [{ id: 'skin', code: 'UNDEFINED', message: expect.stringContaining('teach again') }] },
      });
    });

    it('does not start with those of another model', async () => {
      await teach('0'.repeat(64));
      daemon = undefined;
      run(recipe({ checks }), 0, { inspection: { taught: 'skin.taught' } }).catch(() => undefined);
      await vi.waitFor(() => expect(daemon).toBeDefined());
      const { code, stderr } = await daemon!.outcome;
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
    const taughtFiles = () => readdir(join(directory, `state-${broker.port}`, NODE, 'taught', 'belt')).catch(() => []);

    it('makes a new revision from good parts as a transaction, on record, and judges by it after a crash too', async () => {
      await run(recipe({ checks }));
      expect(await ask('teach/add', belt)).toMatchObject({ status: 'error', code: 'TEACH_NOT_RUNNING' });
      expect(await ask('teach/abort', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
      const begun = await ask('teach/start', belt);
      expect(teachDataSchema.parse(begun.data)).toMatchObject({
        recipe: { id: 'three', revision: 1 },
        parts: 0,
        complete: false,
        limits: [],
        missing: expect.arrayContaining([{ message: '0 good parts; expected at least 5, better 20' }]),
      });
      expect(await ask('teach/start', { ...belt, recipe: 'three' })).toMatchObject({ code: 'TEACH_RUNNING' });
      expect(await ask('teach/add', { ...belt, verdict: 'NOK' })).toMatchObject({ code: 'REQUEST_INVALID' });
      for (let part = 1; part <= 4; part += 1) {
        expect((await ask('teach/add', { ...belt, verdict: 'OK', id: `part-${part}` })).data).toMatchObject({
          parts: part,
          complete: false,
        });
      }
      // A request that comes twice is one part.
      expect((await ask('teach/add', { ...belt, verdict: 'OK', id: 'part-4' })).data).toMatchObject({ parts: 4 });
      expect(await ask('teach/commit', belt)).toMatchObject({
        code: 'TEACH_INCOMPLETE',
        error: '4 good parts; expected at least 5, better 20',
      });
      const { data: fifth } = await ask('teach/add', belt);
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
      expect(await observer.untilJson<InspectionMessage>(INSPECTION, ({ teaching }) => teaching?.parts === 5)).toMatchObject({
        state: 'ready',
        teaching: { recipe: { revision: 1 } },
      });

      // Somebody else changes the recipe meanwhile.
      await ask('recipe/set', { ...belt, recipe: recipe({ checks, product: 'changed' }) });
      expect(await ask('teach/commit', { ...belt, activate: true })).toMatchObject({ code: 'REVISION_CONFLICT' });
      expect(await taughtFiles()).toEqual([]);
      const from = observer.received.length;
      const committed = await ask('teach/commit', { ...belt, ifRevision: 2, activate: true });
      expect(committed).toMatchObject({ status: 'ok', revision: 3 });
      const { taught, limits, ...stored } = taughtDataSchema.parse(committed.data);
      expect(stored).toMatchObject({ id: 'three', revision: 3, active: true, parts: 5 });
      expect(limits.map(({ check }) => check)).toEqual(['size', 'print', 'skin']);
      expect(await taughtFiles()).toEqual([`${taught}.taught`]);
      const isChange = (event: EventMessage) => event.type === 'recipe-changed' && event.recipe.revision === 3;
      expect(await observer.untilJson<EventMessage>(EVENT, isChange, from)).toMatchObject({ change: 'set', by: 'mqtt (admin)' });
      expect((await ask('recipe/get', belt)).data).toMatchObject({
        recipe: {
          taught,
          checks: [{ id: 'size', lsl: limits[0]!.lsl, usl: limits[0]!.usl }, { id: 'print' }, { id: 'skin', usl: limits[2]!.usl }],
        },
      });
      expect(await ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
      const judged = {
        verdict: {
          recipe: { revision: 3 },
          taught: { sha256: taught },
          checks: [{ result: 'ok' }, { value: expect.any(Number) }, { value: expect.any(Number) }],
        },
      };
      expect((await ask('inspect/trigger', { ...belt, wait: true })).data).toMatchObject(judged);

      await ask('teach/start', belt);
      const crashed = observer.received.length;
      daemon!.process.kill('SIGKILL');
      await daemon!.outcome;
      expect(await run(recipe({ checks }), crashed)).toMatchObject({ recipe: { revision: 3 } });
      expect(await ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
      expect((await ask('inspect/trigger', { ...belt, wait: true })).data).toMatchObject(judged);
      // The way back is open: that revision was not taught.
      await ask('recipe/activate', { ...belt, recipe: 'three', revision: 1 });
      const { data: untaught } = await ask('inspect/trigger', { ...belt, wait: true });
      expect(untaught).toMatchObject({ verdict: { checks: [{ result: 'ok' }, { code: 'TEACH_MISSING' }, { code: 'TEACH_MISSING' }] } });
      expect(untaught).not.toHaveProperty('verdict.taught');
      await ask('recipe/activate', { ...belt, recipe: 'three' });
      expect((await ask('inspect/trigger', { ...belt, wait: true })).data).toMatchObject(judged);
      const unknown = recipe({ checks, taught: '0'.repeat(64) });
      expect(await ask('recipe/set', { ...belt, recipe: unknown })).toMatchObject({
        code: 'REQUEST_INVALID',
        error: expect.stringContaining('teach it again'),
      });

      daemon!.process.kill('SIGTERM');
      await daemon!.outcome;
      const database = new Database(join(directory, `state-${broker.port}`, NODE, 'verdicts.db'), { readonly: true });
      const rows = database.prepare("SELECT * FROM audit WHERE what = 'recipe-set' ORDER BY number").all() as { body: string }[];
      database.close();
      expect(JSON.parse(rows.at(-1)!.body)).toMatchObject({
        revision: 3,
        lesson: { parts: 5, sigma: 4 },
        before: { product: 'changed' },
        after: { taught },
      });
      expect(await fastsamd('verdicts', 'verify', '--config', join(directory, 'config.yaml'))).toMatchObject({ code: 0 });
    });

    it('finds no part where there is none, gives up when told to, and says at its end what is lost', async () => {
      await run(recipe({ objects: { parts: { minArea: 100_000 } }, checks: checks.slice(0, 1) }));
      await ask('teach/start', belt);
      expect(await ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NO_PART', error: expect.stringContaining('(size: NO_PART)') });
      expect((await ask('teach/abort', belt)).data).toMatchObject({ parts: 0, recipe: { revision: 1 } });
      expect((await ask('recipe/list', belt)).data).toHaveLength(1);
      await ask('recipe/set', { ...belt, recipe: recipe({ recipe: 'counts' }) });
      expect(await ask('teach/start', { ...belt, recipe: 'counts' })).toMatchObject({
        code: 'REQUEST_INVALID',
        error: expect.stringContaining('measures nothing'),
      });
      await ask('teach/start', belt);
      daemon!.process.kill('SIGTERM');
      expect((await daemon!.outcome).stderr).toContain('the lesson of recipe three is lost, 0 good parts: fastsamd ends');
    });

    it('does not begin a lesson about surfaces with a model that has no feature maps', async () => {
      const plain = join(directory, 'plain.onnx');
      await writeFile(plain, testModel());
      await run(recipe({ checks }), 0, { model: plain });
      expect(await ask('teach/start', belt)).toMatchObject({ code: 'MODEL_UNSUPPORTED', error: expect.stringContaining('plain.onnx') });
      expect(await ask('teach/add', belt)).toMatchObject({ code: 'TEACH_NOT_RUNNING' });
    });
  });

  it('judges every frame without a request, and refuses requests then', async () => {
    await run(recipe({ trigger: { type: 'frame' } }));
    expect(await verdictOf(3)).toMatchObject({ trigger: { type: 'frame' }, verdict: 'OK' });
    expect(await ask('inspect/trigger', { camera: 'belt' })).toMatchObject({ code: 'REQUEST_INVALID' });
    const numbers = observer.received
      .filter(({ topic }) => topic === EVENT)
      .map(({ text }) => JSON.parse(text) as EventMessage)
      .flatMap((event) => (event.type === 'verdict' ? [event.inspection] : []));
    expect(numbers).toEqual(numbers.map((_, k) => k + 1));
  });
});
