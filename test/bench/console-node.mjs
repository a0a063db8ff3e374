/**
 * The daemon of `make bench-console`, a process of its own so that its processor time is its own. Asked over IPC for figures: processor
 * time, frames encoded for viewers, results, and when each frame was sent. ENGINE=model runs the demo model; otherwise a stand-in answers
 * at once with masks that the model found on this scene beforehand, so that the console's share is not lost in the network's, on a
 * machine that says that it is idle: viewers get every frame, however busy the browser of the bench is.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { native } from '../../dist/addon/addon.js';
import { configSchema } from '../../dist/config/schema.js';
import { LEVELS } from '../../dist/console/quality.js';
import { encodeView } from '../../dist/console/view.js';
import { Viewer } from '../../dist/console/viewer.js';
import { Daemon } from '../../dist/daemon/daemon.js';
import { openEngine, SEGMENTATION_DEFAULTS } from '../../dist/index.js';
import { captureTime, SourceFrame } from '../../dist/source/source.js';

const MODEL = fileURLToPath(new URL('../../models/demo.onnx', import.meta.url));
const [WIDTH, HEIGHT] = [1280, 720];
const KEPT = 8;
const MAX_SENT = 20_000;
let encodeMs;

/** Processor time of the process for one frame as the first viewer gets it, ms: picture, map and message; the median of ten rounds. */
async function encodingCost(frames, kept, model) {
  const request = { channel: 1, level: 1, quality: LEVELS[1], pictures: true };
  const costs = [];
  for (let round = 0; round < 10; round += 1) {
    const before = process.cpuUsage();
    for (const [k, frame] of frames.entries()) {
      const { segments, timings } = kept[k];
      const result = { sequence: k, segments, timings, answers: [], model, captured: captureTime(), promptRevision: 1 };
      await encodeView(frame, result, request);
    }
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1000 / frames.length);
  }
  return costs.sort((a, b) => a - b)[5];
}

/** Masks of some pictures of the scene, over and over. */
async function standIn() {
  const engine = await openEngine({ model: MODEL });
  const kept = [];
  const frames = [];
  for (let k = 0; k < KEPT; k += 1) {
    const pixels = await native().renderConveyor(10 * k, { width: WIDTH, height: HEIGHT, fps: 15, seed: 1 });
    const frame = new SourceFrame(pixels, k, captureTime(), 'bench');
    kept.push(await engine.segment(frame, SEGMENTATION_DEFAULTS));
    frames.push(frame);
  }
  await engine.stop();
  encodeMs = await encodingCost(frames, kept, engine.model);
  for (const frame of frames) frame[Symbol.dispose]();
  return {
    model: engine.model,
    depth: 2,
    segment: async (frame) => kept[frame.sequence % KEPT],
    msUntilFree: () => 0,
    measureNetwork: async () => [],
    stop: async () => undefined,
  };
}

const folder = await mkdtemp(join(tmpdir(), 'fastsamd-bench-'));
const withModel = process.env.ENGINE === 'model';
const config = configSchema.parse({
  node: 'bench',
  model: { path: MODEL },
  cameras: [{ id: 'belt', source: process.env.SCENE || `test:conveyor?width=${WIDTH}&height=${HEIGHT}&fps=15` }],
  mqtt: { url: 'mqtt://127.0.0.1:9' },
  stateDir: folder,
  console: { enabled: true, port: 0 },
});
let results = 0;
/** By seq: when the frame was handed to the first viewer's socket, ms since the Unix epoch. */
const sent = new Map();
const { send } = Viewer.prototype;
Viewer.prototype.send = function timedSend(channel, seq, message) {
  if (!sent.has(seq)) sent.set(seq, performance.timeOrigin + performance.now());
  if (sent.size > MAX_SENT) sent.delete(sent.keys().next().value);
  send.call(this, channel, seq, message);
};
const daemon = new Daemon({
  config,
  log: pino({ level: 'error' }),
  onResult: () => {
    results += 1;
  },
  ...(withModel ? {} : { openEngine: standIn, idleTime: async () => 2 * performance.now() }),
});
await daemon.start();
process.on('message', async (question) => {
  if (question === 'figures') {
    const { user, system } = process.cpuUsage();
    process.send({
      at: performance.now(),
      cpuMs: (user + system) / 1000,
      encoded: daemon.console.encoded,
      results,
      rss: process.memoryUsage().rss,
    });
  } else if (question === 'sent') {
    process.send([...sent]);
    sent.clear();
  }
});
process.on('disconnect', async () => {
  await daemon.stop('the bench is over');
  await rm(folder, { recursive: true, force: true });
});
process.send({ port: daemon.console.port, encodeMs });
