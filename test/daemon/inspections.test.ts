/** Changes of the cameras that inspect, against the end of the node. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { configSchema } from '../../src/config/schema.js';
import { Inspections } from '../../src/daemon/inspection/inspections.js';
import { StatusBoard } from '../../src/status/board.js';

let folder: string;
const sinks = new Set<string>();
let onSink: () => void;
let inspections: Inspections;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-inspections-'));
  sinks.clear();
  onSink = () => undefined;
  inspections = new Inspections({
    file: join(folder, 'verdicts.db'),
    maxVerdicts: 1000,
    evidence: { folder: join(folder, 'evidence'), maxBytes: 1e6, maxAgeS: 60 } as never,
    status: new StatusBoard({ bootId: 'b' }),
    publishEvent: () => undefined,
    addSink: (camera) => {
      sinks.add(camera);
      onSink();
      return async () => void sinks.delete(camera);
    },
    assertAnswerable: () => undefined,
    openFeatures: async () => {
      throw new Error('nothing is taught');
    },
    openTeachingNetwork: async () => {
      throw new Error('nothing is taught');
    },
    taught: join(folder, 'taught'),
    degraded: () => false,
    wanted: (camera) => camera === 'belt',
    streaming: () => true,
    showsPictures: () => false,
    log: pino({ level: 'silent' }),
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function cameras() {
  const recipe = join(folder, 'recipe.yaml');
  await writeFile(recipe, 'recipe: plates\nobjects: { plate: {} }\nchecks: [{ id: plates, count: plate, target: 1, tol: 0 }]\n');
  return configSchema.parse({
    model: { path: 'm.onnx' },
    mqtt: { url: 'mqtt://127.0.0.1' },
    cameras: [{ id: 'belt', source: 'test:shapes', inspection: { recipe } }],
  }).cameras;
}

it('stops while a change is under way: the change is done or left out, and fails in neither case', async () => {
  const wanted = await cameras();
  const prepared = inspections.prepare(wanted);
  const stopped = inspections.stop();
  const apply = await prepared;
  await apply();
  await stopped;
  expect(sinks).toEqual(new Set());
});

it('waits with its end for a change that has begun', async () => {
  const apply = await inspections.prepare(await cameras());
  let stopped: Promise<void> | undefined;
  onSink = () => {
    stopped = inspections.stop();
  };
  // Refused with OUTPUT_UNWRITABLE, were the record closed before the recipe is in it.
  await apply();
  await stopped;
  expect(sinks).toEqual(new Set(['belt']));
});

it('opens one record for two changes at once', async () => {
  const wanted = await cameras();
  const [first, second] = await Promise.all([inspections.prepare(wanted), inspections.prepare(wanted)]);
  await Promise.all([first(), second()]);
  expect(sinks).toEqual(new Set(['belt']));
  await inspections.stop();
});

it('removes pictures that are too old, also where no camera keeps any now', async () => {
  vi.spyOn(native(), 'clockSynced').mockReturnValue(true);
  const kept = join(folder, 'evidence', 'belt');
  await mkdir(kept, { recursive: true });
  await writeFile(join(kept, '20200101T000000000Z-NOK-00000001.original.jpg'), 'old');
  const young = `${new Date().toISOString().replace(/[-:.]/g, '')}-NOK-00000002.original.jpg`;
  await writeFile(join(kept, young), 'young');
  const apply = await inspections.prepare([]);
  await apply();
  await vi.waitFor(async () => expect(await readdir(kept)).toEqual([young]), { timeout: 20_000 });
  await inspections.stop();
  vi.restoreAllMocks();
});

it('says of a camera that is to inspect that it does not yet, and of another that it does not', async () => {
  await expect(inspections.recipes({ camera: 'belt' })).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: 'camera "belt" does not inspect yet: the node is starting; try again once its inspection state is published',
  });
  await expect(inspections.recipes({ camera: 'door' })).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: 'camera "door" does not inspect; expected one with "inspection" in its configuration',
  });
});
