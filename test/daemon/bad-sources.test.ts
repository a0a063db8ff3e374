/** A healthy camera beside twenty that are wrong in different ways: each is lost for its own reason, the healthy one goes on. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { fastsamd, start } from '../helpers/command.js';
import { Broker, freePort, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const NODE = 'bad-sources';
const BASE = `fastsam/v1/${NODE}`;
const FPS = 5;

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

it.skipIf(!hasMosquitto).each([0, 10])(
  'ten bad sources, from number %i on, are lost or at their end, each for its reason, and the healthy camera goes on',
  async (from) => {
    await using broker = await Broker.start();
    const closed = await freePort();
    const { port } = rude.address() as { port: number };
    const all: Readonly<Record<string, { readonly source: string; readonly [key: string]: unknown }>> = {
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
    expect(Object.keys(all)).toHaveLength(20);
    // A node has sixteen cameras at most.
    const bad = Object.fromEntries(Object.entries(all).slice(from, from + 10));
    const config = {
      node: NODE,
      model: { path: model },
      cameras: [
        { id: 'healthy', source: `test:shapes?width=320&height=320&fps=${FPS}` },
        ...Object.entries(bad).map(([id, camera]) => ({ id, ...camera })),
      ],
      mqtt: { url: `mqtt://127.0.0.1:${broker.port}` },
      telemetry: { intervalMs: 500 },
      stateDir: at(`state-${from}`),
    };
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
