/** A healthy camera beside twenty that are wrong in different ways: each is lost for its own reason, the healthy one goes on. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { fastsamd, start } from '../helpers/command.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const NODE = 'bad-sources';
const BASE = `fastsam/v1/${NODE}`;
const FPS = 5;
/** Seconds of each measurement of the long version. */
const SECONDS = Number(process.env.BAD_SOURCES_SECONDS ?? 0);

let directory = '';
let model = '';
let rude: Server;
const at = (...names: string[]) => join(directory, ...names);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-bad-'));
  model = await writeTestModel(at('three.onnx'));
  const good = sharp({ create: { width: 64, height: 64, channels: 3, background: '#446688' } });
  const jpeg = await good.jpeg().toBuffer();
  await writeFile(at('cut.jpg'), jpeg.subarray(0, jpeg.length / 2));
  await writeFile(at('text.jpg'), 'this is text');
  await writeFile(at('text.mp4'), 'this is no video\n'.repeat(1000));
  await writeFile(at('empty.mp4'), '');
  await sharp({ create: { width: 40_000, height: 2, channels: 3, background: 'red' } })
    .png()
    .toFile(at('wide.png'));
  for (const name of ['none', 'bad', 'mixed']) await mkdir(at(name));
  await writeFile(at('bad/1.jpg'), 'text');
  await writeFile(at('bad/2.png'), 'text');
  await writeFile(at('mixed/1.jpg'), jpeg);
  await writeFile(at('mixed/2.jpg'), 'text');
  await writeFile(at('mixed/3.jpg'), jpeg);
  const made = await fastsamd(
    'segment',
    'test:shapes?width=64&height=64&frames=30&realtime=false',
    '--model',
    model,
    '--out',
    at('cut.mp4'),
  );
  expect(made.code).toBe(0);
  const clip = await readFile(at('cut.mp4'));
  await writeFile(at('cut.mp4'), clip.subarray(0, clip.length / 2));
  // Answers everything with something that is neither RTSP nor HTTP.
  rude = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('go away\r\n\r\n'));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => rude.once('listening', resolve));
}, 60_000);
afterAll(async () => {
  rude.close();
  await rm(directory, { recursive: true, force: true });
});

interface Camera {
  readonly source: string;
  readonly [key: string]: unknown;
}

/** Twenty cameras, by what is wrong with each. */
async function badCameras(): Promise<Readonly<Record<string, Camera>>> {
  const closed = await freePort();
  const { port } = rude.address() as { port: number };
  return {
    percent: { source: 'file:///nowhere/100%.jpg' },
    missing: { source: at('missing.mp4') },
    'cut-picture': { source: at('cut.jpg') },
    'text-picture': { source: at('text.jpg') },
    'text-video': { source: at('text.mp4') },
    'empty-video': { source: at('empty.mp4') },
    'cut-video': { source: at('cut.mp4') },
    wide: { source: at('wide.png') },
    'no-pictures': { source: at('none') },
    'only-bad': { source: at('bad') },
    'one-bad': { source: at('mixed') },
    'no-folder': { source: at('nothing'), watch: true },
    'no-file': { source: '/dev/null' },
    'no-device': { source: 'v4l2:/dev/video99' },
    'no-serial': { source: 'v4l2:serial/none' },
    'rtsp-closed': { source: `rtsp://127.0.0.1:${closed}/x` },
    'rtsp-rude': { source: `rtsp://127.0.0.1:${port}/x` },
    'http-rude': { source: `http://127.0.0.1:${port}/x` },
    'no-element': { source: 'gst:nosuchelement' },
    ends: { source: 'gst:videotestsrc num-buffers=5' },
  };
}

function configOf(broker: Broker, fps: number, bad: Readonly<Record<string, Camera>>, more: object): object {
  return {
    node: NODE,
    model: { path: model },
    cameras: [
      { id: 'healthy', source: `test:shapes?width=320&height=320&fps=${fps}` },
      ...Object.entries(bad).map(([id, camera]) => ({ id, ...camera })),
    ],
    mqtt: { url: broker.url },
    telemetry: { intervalMs: 500 },
    ...more,
  };
}

it.skipIf(!hasMosquitto).each([0, 10])(
  'ten bad sources, from number %i on, are lost or at their end, each for its reason, and the healthy camera goes on',
  async (from) => {
    await using broker = await Broker.start();
    const all = await badCameras();
    expect(Object.keys(all)).toHaveLength(20);
    // A node has sixteen cameras at most.
    const bad = Object.fromEntries(Object.entries(all).slice(from, from + 10));
    const config = configOf(broker, FPS, bad, { stateDir: at(`state-${from}`) });
    await writeFile(at('config.yaml'), stringify(config));
    const observer = await broker.observe(`${BASE}/#`);
    const daemon = start('run', '--config', at('config.yaml'));
    try {
      await daemon.line(/camera healthy: streaming/);
      for (const id of Object.keys(bad)) {
        const { state, reason } = await observer.untilJson(
          `${BASE}/cameras/${id}/state`,
          ({ state }) => state === 'lost' || state === 'ended',
        );
        if (state === 'lost') expect(reason, id).toMatch(/\S/);
        else expect(['one-bad', 'only-bad', 'cut-video', 'ends']).toContain(id);
      }
      if ('one-bad' in bad) {
        const event = await observer.untilJson(`${BASE}/cameras/one-bad/event`, ({ type }) => type === 'input-corrupt');
        expect(event.source).toBe(at('mixed/2.jpg'));
        interface Telemetry {
          readonly cameras: readonly { readonly id: string; readonly framesOut: number; readonly lastCorrupt?: object }[];
        }
        const oneBad = ({ cameras }: Telemetry) => cameras.find(({ id }) => id === 'one-bad');
        const telemetry = await observer.untilJson<Telemetry>(`${BASE}/telemetry`, (message) => oneBad(message)?.framesOut === 2);
        expect(oneBad(telemetry)).toMatchObject({ dropped: { corrupt: 1 }, lastCorrupt: { source: at('mixed/2.jpg') } });
      }
      // Whole seconds of the healthy camera, after all the others have failed.
      const results = () => observer.untilJson<{ seq: number }>(`${BASE}/cameras/healthy/result`, ({ seq }) => seq >= wanted);
      let wanted = 0;
      wanted = (await results()).seq + 4 * FPS;
      await results();
      expect(daemon.process.exitCode).toBeNull();
    } finally {
      daemon.process.kill('SIGTERM');
      const { code, stderr } = await daemon.outcome;
      expect(code, stderr).toBe(0);
    }
  },
  120_000,
);

it.skipIf(!hasMosquitto || SECONDS === 0)(
  'the healthy camera keeps its rate beside each of the twenty (make bad-sources)',
  async () => {
    const fps = 5;
    await using broker = await Broker.start();
    const file = at('reloaded.yaml');
    const write = (bad: Readonly<Record<string, Camera>>) =>
      writeFile(file, stringify(configOf(broker, fps, bad, { stateDir: at('state-reloaded') })));
    await write({});
    const observer = await broker.observe(`${BASE}/#`);
    let frames = 0;
    observer.client.on('message', (topic) => {
      if (topic === `${BASE}/cameras/healthy/result`) frames += 1;
    });
    /** Results a second while `act` takes place at some moment of it. */
    const rateOf = async (act: () => Promise<void>, moment: number) => {
      const before = frames;
      const began = performance.now();
      await delay(moment * SECONDS * 1000);
      await act();
      await delay(Math.max(0, SECONDS * 1000 - (performance.now() - began)));
      return ((frames - before) / (performance.now() - began)) * 1000;
    };
    const daemon = start('run', '--config', file);
    try {
      await daemon.line(/camera healthy: streaming/);
      const ratios: number[] = [];
      let k = 0;
      for (const [id, camera] of Object.entries(await badCameras())) {
        const alone = await rateOf(async () => undefined, 0);
        // Each begins at another moment, and has the rest of the time to be bad.
        const moment = ((k++ * 0.618) % 1) / 2;
        const beside = await rateOf(async () => {
          await write({ [id]: camera });
          daemon.process.kill('SIGHUP');
          await observer.untilJson(`${BASE}/cameras/${id}/state`, ({ state }) => state === 'lost' || state === 'ended');
        }, moment);
        ratios.push(beside / alone);
        process.stdout.write(
          `${id}: ${alone.toFixed(2)} fps alone, ${beside.toFixed(2)} beside it, ratio ${(beside / alone).toFixed(3)}\n`,
        );
        await write({});
        daemon.process.kill('SIGHUP');
        await observer.until(`${BASE}/cameras/${id}/state`, (text) => text === '');
      }
      const sorted = ratios.toSorted((a, b) => a - b);
      process.stdout.write(`bad sources: ratio median ${sorted[10]!.toFixed(3)}, least ${sorted[0]!.toFixed(3)}\n`);
      expect(sorted[0]).toBeGreaterThan(0.9);
    } finally {
      daemon.process.kill('SIGTERM');
      await daemon.outcome;
    }
  },
  120_000 + SECONDS * 80_000,
);
