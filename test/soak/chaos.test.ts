/** Everything at once: `make chaos MINUTES=120 [SEED=…]` writes docs/chaos.md. What must hold is checked at the end. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { native } from '../../src/addon/addon.js';
import { MachineFaults } from '../helpers/machine-faults.js';
import { MjpegServer } from '../helpers/mjpeg-server.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { writeClip } from '../helpers/video-clip.js';
import { Relay } from '../mqtt/network.js';
import { type ChaosKind, planChaos } from './chaos.js';
import { BASE, Chaos, NODE } from './chaos-node.js';
import { chaosReport, growthOf } from './chaos-report.js';

const MINUTES = Number(process.env.CHAOS_MINUTES ?? 1);
const SEED = Number(process.env.CHAOS_SEED ?? 20_261_127);
const RUN_MS = MINUTES * 60_000;

describe.skipIf(!hasMosquitto || !native().features.gstreamer)(`${MINUTES} minutes of chaos (needs mosquitto and GStreamer)`, () => {
  it('loses nothing, keeps what it acknowledged, says what is wrong, and is well again', { timeout: RUN_MS + 600_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fastsamd-chaos-'));
    const stateDir = join(directory, 'state');
    mkdirSync(join(stateDir, NODE), { recursive: true });
    await using broker = await Broker.start({ config: ['max_queued_messages 100000'] });
    const relay = await Relay.start(broker.port);
    await using server = await MjpegServer.start();
    using machine = new MachineFaults(directory, join(stateDir, NODE));
    const clip = join(directory, 'clip.mkv');
    await writeClip(clip);
    const model = await writeTestModel(join(directory, 'small.onnx'), {
      width: 64,
      height: 64,
      objects: [{ cxcywh: [20, 20, 20, 20], score: 0.9 }],
    });
    const config = join(directory, 'config.yaml');
    await writeFile(
      config,
      stringify({
        node: NODE,
        model: { path: model },
        cameras: [
          { id: 'scene', source: 'test:shapes?width=96&height=64&fps=5' },
          { id: 'clip', source: `file:${clip}`, loop: true, realtime: true },
          { id: 'http', source: server.url, maxFps: 5 },
        ],
        mqtt: { url: `mqtt://127.0.0.1:${relay.port}`, keepaliveS: 5, reconnect: { minMs: 200, maxMs: 3000 } },
        telemetry: { intervalMs: 1000 },
        stateDir,
      }),
    );
    // Its session outlives its connections, so that it misses nothing that the broker has.
    const client = mqtt.connect(broker.url, {
      protocolVersion: 5,
      clientId: 'observer',
      clean: false,
      properties: { sessionExpiryInterval: 86_400 },
      reconnectPeriod: 100,
      connectTimeout: 5000,
      keepalive: 3600,
    });
    client.on('error', () => undefined);
    client.on('connect', ({ sessionPresent }) => {
      if (!sessionPresent) client.subscribe(`${BASE}/#`, { qos: 1 });
    });
    await once(client as never, 'connect');

    const chaos = new Chaos({ config, clip, machine, broker, relay, server, client });
    const plan = planChaos(SEED, RUN_MS);
    const faults: { kind: ChaosKind; begin: number; end: number }[] = [];
    chaos.launch();
    let round = 0;
    const everySecond = setInterval(() => {
      round += 1;
      chaos.second(round);
    }, 1000);
    const begin = performance.now();
    const pending = plan.map(async (fault) => {
      await sleep(fault.at);
      const started = performance.now();
      await chaos.happen(fault);
      faults.push({ kind: fault.kind, begin: started, end: performance.now() });
    });
    try {
      await Promise.all(pending);
      await sleep(Math.max(0, begin + RUN_MS - performance.now()));
      await chaos.recover();
    } finally {
      clearInterval(everySecond);
      await chaos.end();
      client.end(true);
      await relay.stop();
      await rm(directory, { recursive: true });
    }

    const lost = chaos.lostEvents();
    const telling = chaos.telling(faults);
    const report = chaosReport({ minutes: MINUTES, seed: SEED }, chaos, faults, lost, telling);
    process.stdout.write(report);
    if (process.env.CHAOS_REPORT) await writeFile(process.env.CHAOS_REPORT, report);

    expect(chaos.violations).toEqual([]);
    expect(lost.lost).toEqual([]);
    expect(Object.entries(telling).filter(([, { untold }]) => untold > 0)).toEqual([]);
    expect(chaos.prompts.looked).toBeGreaterThan(0);
    expect(growthOf(chaos)).toBeLessThan(30);
  });
});
