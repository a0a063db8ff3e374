/** A camera whose driver hangs, beside one that works. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import { parseConfig } from '../../src/config/load.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { start } from '../helpers/command.js';
import { EMPTY, fakeEngine } from '../helpers/fakes.js';
import { HangingDriver } from '../helpers/hanging-driver.js';
import { freePort } from '../helpers/mosquitto.js';

const MODEL = fileURLToPath(new URL('../../models/demo.onnx', import.meta.url));

describe.skipIf(!native().features.gstreamer)('a daemon with a camera whose driver hangs (needs GStreamer)', { timeout: 60_000 }, () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-wedged-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function configOf(driver: HangingDriver, onWedged: 'keep-going' | 'restart-process'): Promise<string> {
    return JSON.stringify({
      node: 'n',
      model: { path: MODEL },
      stateDir: join(folder, onWedged),
      cameras: [
        { id: 'hanging', source: driver.uri, stallTimeoutMs: 500, onWedged },
        { id: 'good', source: 'test:shapes?width=64&height=64&fps=20' },
      ],
      mqtt: { url: `mqtt://127.0.0.1:${await freePort()}` },
    });
  }

  it('says so and goes on with the other camera, and stops in time', async () => {
    using driver = new HangingDriver(join(folder, 'keep-going.fifo'));
    let wedged = false;
    let goesOn = () => {};
    const wentOn = new Promise<void>((resolve) => {
      goesOn = resolve;
    });
    const log = pino(
      {},
      {
        write: (line: string) => {
          const { camera, level, msg } = JSON.parse(line);
          if (camera === 'hanging' && msg === 'camera hanging: wedged') wedged = level === pino.levels.values.error;
        },
      },
    );
    const daemon = new Daemon({
      config: parseConfig(await configOf(driver, 'keep-going'), join(folder, 'config.yaml')),
      log,
      openEngine: async () => fakeEngine(async () => EMPTY),
      onResult: ({ camera }) => {
        if (wedged && camera === 'good') goesOn();
      },
    });
    try {
      driver.send();
      await daemon.start();
      await wentOn;
      await daemon.stop('test');
    } finally {
      driver.letGo();
      await daemon.stop('test is over');
    }
  });

  it('ends with an error where the process is to be restarted, though the driver still hangs', async () => {
    using driver = new HangingDriver(join(folder, 'restart.fifo'));
    const file = join(folder, 'restart.json');
    await writeFile(file, await configOf(driver, 'restart-process'));
    const command = start('run', '--config', file);
    driver.send();
    const { code, stderr, stdout } = await command.outcome;
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).toContain('does not stop; its thread is abandoned; fastsamd must be restarted');
  });
});
