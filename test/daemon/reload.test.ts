/** Cameras come, change and go while others run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import type { Config } from '../../src/config/schema.js';
import type { ResultMessage } from '../../src/contract/messages.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { segmentsOf } from '../helpers/dense-masks.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';

const BASE = 'fastsam/v1/n';
/** Not live: every frame counts, none may be dropped. */
const scene = (width: number) => `test:shapes?width=${width}&height=32&realtime=false`;

describe.skipIf(!hasMosquitto)('a reload (needs mosquitto)', { timeout: 60_000 }, () => {
  let folder = '';
  let broker: Broker;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-reload-'));
    broker = await Broker.start();
  });
  afterAll(async () => {
    await broker[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  function configOf(cameras: readonly object[], more: object = {}): Config {
    const config = { node: 'n', model: { path: 'm.onnx' }, stateDir: join(folder, 'state'), cameras, mqtt: { url: broker.url }, ...more };
    return parseConfig(JSON.stringify(config), join(folder, 'config.yaml'));
  }

  it('adds, changes and removes cameras while another one runs and loses no frame; a bad key changes nothing', async () => {
    const results: ResultMessage[] = [];
    let came: () => void = () => undefined;
    const of = (camera: string) => results.filter((result) => result.camera === camera);
    const until = async (condition: () => boolean) => {
      while (!condition()) {
        await new Promise<void>((resolve) => {
          came = resolve;
        });
      }
    };
    const steady = { id: 'steady', source: scene(32) };
    const belt = { id: 'belt', source: scene(40) };
    const daemon = new Daemon({
      config: configOf([steady, belt]),
      log: pino({}, { write: () => undefined }),
      openEngine: async () => ({
        ...fakeEngine(async () => EMPTY),
        segment: async ({ width, height }) => ({ ...EMPTY, segments: segmentsOf(width, height, []) }),
      }),
      onResult: (message) => {
        results.push(message);
        came();
      },
    });
    const observer = await broker.observe(`${BASE}/#`);
    const retained = new Map<string, string>();
    observer.client.on('message', (topic, payload) => void retained.set(topic, payload.toString()));
    await daemon.start();
    try {
      await until(() => of('steady').length > 3 && of('belt').length > 3);

      // Added and changed.
      const gate = { id: 'gate', source: scene(48), publish: { maskEncoding: 'bbox' } };
      const moved = { ...belt, source: scene(56) };
      expect(await daemon.reload(configOf([steady, moved, gate], { segmentation: { conf: 0.7 } }))).toEqual({
        applied: expect.arrayContaining(['segmentation.conf', 'cameras[belt].source', 'cameras[gate]']),
        restart: [],
      });
      let from = results.length;
      const since = (camera: string) => results.slice(from).filter((result) => result.camera === camera);
      await until(() => since('gate').length > 3 && since('belt').length > 3 && since('steady').length > 3);
      expect(since('belt').at(-1)!.frame.width).toBe(56);
      await observer.untilJson(`${BASE}/cameras/gate/state`, ({ state }: { state: string }) => state === 'streaming');

      // One camera that may come, one that may go, and prompts that cannot hold on the third: nothing of it happens.
      const outside = { ...steady, prompts: [{ type: 'box', box: [100, 100, 200, 200] }] };
      const refused = daemon.reload(
        configOf([outside, gate, { id: 'roof', source: scene(64) }], { segmentation: { conf: 0.1 }, log: { level: 'debug' } }),
      );
      await expect(refused).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
      expect(daemon.config.segmentation.conf).toBe(0.7);
      expect(daemon.config.log.level).toBe('info');
      expect(daemon.config.cameras.map(({ id }) => id)).toEqual(['steady', 'belt', 'gate']);
      from = results.length;
      await until(() => since('gate').length > 3 && since('belt').length > 3 && since('steady').length > 3);
      expect(new Set(results.slice(from).map(({ camera }) => camera))).toEqual(new Set(['steady', 'belt', 'gate']));

      // Nor with a recipe that is not there: what goes with it is not applied either.
      const inspecting = { ...steady, tracking: { enabled: true }, inspection: { recipe: join(folder, 'none.yaml') } };
      await expect(daemon.reload(configOf([inspecting, gate], { segmentation: { conf: 0.2 } }))).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      });
      expect(daemon.config.segmentation.conf).toBe(0.7);
      expect(daemon.config.cameras.map(({ id }) => id)).toEqual(['steady', 'belt', 'gate']);

      // Removed: with its retained topics.
      await daemon.reload(configOf([steady, gate]));
      from = results.length;
      await until(() => since('gate').length > 3 && since('steady').length > 3);
      expect(since('belt')).toEqual([]);
      await observer.until(`${BASE}/cameras/belt/state`, (text) => text === '');
      expect(retained.get(`${BASE}/cameras/belt/prompts`)).toBe('');
      expect(JSON.parse(retained.get(`${BASE}/cameras/gate/prompts`)!)).toMatchObject({ camera: 'gate' });

      // From its first frame to its last.
      expect(of('steady').map(({ seq }) => seq)).toEqual(of('steady').map((_, k) => k));
      expect(of('steady').every(({ dropped }) => Object.keys(dropped).length === 0)).toBe(true);
    } finally {
      await daemon.stop('test');
    }
  });
});
