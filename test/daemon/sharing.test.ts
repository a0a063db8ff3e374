/** Four cameras before one real model, in a daemon: who got how much, how old, and where every frame went, as telemetry tells it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CameraTelemetry, type TelemetryMessage, telemetryMessageSchema } from '../../src/contract/messages.js';
import { start } from '../helpers/command.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';

const MODEL = fileURLToPath(new URL('../../models/demo.onnx', import.meta.url));
const CAMERAS = ['north', 'east', 'south', 'west'];
const FRAMES = 150;
const SCENE = `test:shapes?width=1280&height=720&fps=30&frames=${FRAMES}`;

/** All frames of the scene are accounted for: a result, or a drop with a reason. */
function isSettled({ framesIn, framesOut, dropped }: CameraTelemetry): boolean {
  return framesIn === FRAMES && framesIn === framesOut + Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

describe.skipIf(!hasMosquitto)('four cameras that share a model in a daemon (needs mosquitto)', { timeout: 120_000 }, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-sharing-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('get equal shares, and every frame is a result or a drop with a reason', async () => {
    await using broker = await Broker.start();
    const file = join(folder, 'config.json');
    const config = {
      node: 'n',
      model: { path: MODEL },
      stateDir: join(folder, 'state'),
      telemetry: { intervalMs: 1000 },
      cameras: CAMERAS.map((id) => ({ id, source: SCENE })),
      mqtt: { url: broker.url },
    };
    await writeFile(file, JSON.stringify(config));
    const observer = await broker.observe('fastsam/v1/n/#');
    const daemon = start('run', '--config', file);
    try {
      for (const id of CAMERAS) await observer.untilJson(`fastsam/v1/n/cameras/${id}/state`, ({ state }) => state === 'ended');
      // Its last frames may still be under way when a camera says that it has ended.
      const { cameras } = telemetryMessageSchema.parse(
        await observer.untilJson<TelemetryMessage>('fastsam/v1/n/telemetry', (message) => message.cameras.every(isSettled)),
      );
      const mean = cameras.reduce((sum, { framesOut }) => sum + framesOut, 0) / CAMERAS.length;
      // More than the model can do, or there would be nothing to share.
      expect(mean).toBeLessThan(FRAMES / 2);
      for (const { id, framesIn, framesOut, dropped, latencyMs } of cameras) {
        process.stdout.write(
          `${id}: in ${framesIn}, out ${framesOut}, dropped ${JSON.stringify(dropped)}, from capture to network ${JSON.stringify(latencyMs.wait)} ms\n`,
        );
        // A turn more or less at the beginning and the end counts on a machine that has time for a few only.
        expect(Math.abs(framesOut - mean)).toBeLessThanOrEqual(Math.max(mean / 10, 2));
      }
    } finally {
      daemon.process.kill('SIGTERM');
      expect((await daemon.outcome).code).toBe(0);
    }
  });
});
