// From the network's result to the verdict in the registers of a PLC, in one process, alone and while four clients read without a pause: the
// demo model on drawn belts with few and many parts, a real record on disk. TRIGGERS (default 300) of each row, after 20 that do not count.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { native } from '../../dist/addon/addon.js';
import { Inspector } from '../../dist/daemon/inspection/inspector.js';
import { recipeSchema } from '../../dist/domain/recipe.js';
import { ModbusServer } from '../../dist/field/modbus.js';
import { COIL, PlcPort } from '../../dist/field/plc-port.js';
import { openEngine, SEGMENTATION_DEFAULTS } from '../../dist/index.js';
import { canonicalJson, sha256Of } from '../../dist/inspect/identity.js';
import { VerdictRecord } from '../../dist/record/record.js';

/** Reads all input registers, again and again, in a thread of its own. */
const hammer = `
const { connect } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const socket = connect(workerData, '127.0.0.1');
const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 124]);
let bytes = 0;
socket.on('connect', () => socket.write(request));
socket.on('data', (data) => {
  const before = Math.floor(bytes / 257);
  bytes += data.length;
  if (Math.floor(bytes / 257) > before) socket.write(request);
});
parentPort.on('message', () => { socket.destroy(); parentPort.postMessage(Math.floor(bytes / 257)); parentPort.close(); });
`;

const TRIGGERS = Number(process.env.TRIGGERS || 300);
const WARM_UP = 20;
const SIDE = 640;
const BELTS = [{ plates: true }, { plates: true, lanes: 2 }, {}];
const say = (line) => process.stdout.write(`${line}\n`);
const folder = await mkdtemp(join(tmpdir(), 'fastsamd-modbus-'));
const record = await VerdictRecord.open({ file: join(folder, 'verdicts.db'), maxVerdicts: 100_000 }, () => undefined);
const recipe = recipeSchema.parse({
  recipe: 'belt',
  objects: { parts: { minArea: 400 } },
  checks: [
    { id: 'some', count: 'parts', min: 1 },
    { id: 'size', measure: 'diameter', of: 'parts', each: true, max: 300 },
    { id: 'round', measure: 'circularity', of: 'parts', each: true, min: 0.1 },
  ],
});
let inspector;
let shownAt = 0;
const port = new PlcPort({
  trigger: async () => (await inspector.trigger({ name: undefined, wait: false, type: 'modbus' })).inspection,
  loadRecipe: () => Promise.reject(new Error('one recipe alone')),
});
const output = {
  setState: (state) => port.setState(state),
  show(verdict) {
    port.show(verdict);
    shownAt = performance.now();
  },
};
inspector = new Inspector({
  camera: 'belt',
  record,
  output,
  onVerdict: () => undefined,
  onState: () => undefined,
  onRecord: () => undefined,
  streaming: () => true,
  degraded: () => false,
  log: { error: (_, message) => say(message) },
});
const stored = await record.call('setRecipe', {
  camera: 'belt',
  recipe,
  sha256: sha256Of(canonicalJson(recipe)),
  activate: true,
  by: 'bench',
  atMs: Date.now(),
});
inspector.activate(stored.stored);
const server = new ModbusServer({ host: '127.0.0.1', port: 0, unit: 1, allow: ['127.0.0.1'] }, port);
const tcpPort = await server.start();
const engine = await openEngine({ model: 'models/demo.onnx' });
port.setCoil(COIL.triggerEnable, true);

say(
  '\n| parts: median, p95 | readers | trigger accepted: median, p95 | result to registers: median, p95, most | of it measured and judged: median, p95 | the rest: median, p95 | reads a second |',
);
say('|---|---|---|---|---|---|---|');
for (const [belt, readers] of BELTS.flatMap((each) => [0, 4].map((count) => [each, count]))) {
  const hammers = Array.from({ length: readers }, () => new Worker(hammer, { eval: true, workerData: tcpPort }));
  await Promise.all(hammers.map((each) => once(each, 'online')));
  const [parts, accepted, shown, judged] = [[], [], [], []];
  const began = performance.now();
  for (let k = -WARM_UP; k < TRIGGERS; k += 1) {
    if (k === 0) for (const each of [parts, accepted, shown, judged]) each.length = 0;
    const begin = performance.now();
    port.setCoil(COIL.trigger, true);
    while (!port.inputs()[2]) await new Promise((resolve) => setImmediate(resolve));
    accepted.push(performance.now() - begin);
    port.setCoil(COIL.trigger, false);
    const pixels = await native().renderConveyor(3 * (k + WARM_UP), { width: SIDE, height: SIDE, fps: 25, seed: 9_100_000, ...belt });
    const frame = { pixels, width: SIDE, height: SIDE };
    const captured = { wallMs: Date.now(), monotonicNs: process.hrtime.bigint() };
    const { segments, geometry } = await engine.segment(frame, { ...SEGMENTATION_DEFAULTS, snapToBorder: 0 });
    const result = { segments, geometry, model: engine.model, answers: [], captured, sequence: k + WARM_UP };
    const inferred = performance.now();
    await inspector.take(result, frame);
    shown.push(shownAt - inferred);
    const [row] = await record.call('verdicts', { camera: 'belt', limit: 1 });
    parts.push(row.verdict.checks[0].value);
    judged.push(row.verdict.latencyMs.measure + row.verdict.latencyMs.decide);
    port.setCoil(COIL.resultsAck, true);
    port.setCoil(COIL.resultsAck, false);
    pixels.release();
  }
  const rest = shown.map((ms, k) => ms - judged[k]);
  const seconds = (performance.now() - began) / 1000;
  let reads = 0;
  for (const each of hammers) {
    each.postMessage('stop');
    const [count] = await once(each, 'message');
    reads += count;
  }
  const at = (values, share, digits = 2) =>
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))].toFixed(digits);
  say(
    `| ${at(parts, 0.5, 0)}, ${at(parts, 0.95, 0)} | ${readers} | ${at(accepted, 0.5)}, ${at(accepted, 0.95)} ms | ${at(shown, 0.5)}, ${at(shown, 0.95)}, ${at(shown, 1)} ms | ${at(judged, 0.5)}, ${at(judged, 0.95)} ms | ${at(rest, 0.5)}, ${at(rest, 0.95)} ms | ${Math.round(reads / seconds)} |`,
  );
}
await inspector.close();
await server.stop();
await engine.stop();
await record.close();
await rm(folder, { recursive: true });
