import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';

const ADDON = new URL('../../build/Release/fastsamd.node', import.meta.url).pathname;
const LIVE = 'videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240 ! appsink name=sink sync=false';

const preamble = `
const addon = require(${JSON.stringify(ADDON)});
class FastsamError extends Error { constructor(code, message) { super(message); this.code = code; } }
addon.setErrorClass(FastsamError);
const live = () => addon.openCapture({ pipeline: ${JSON.stringify(LIVE)}, live: true, startTimeoutMs: 10000 });
`;

function run(script: string, env: NodeJS.ProcessEnv = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', `${preamble}(async () => {${script}})()`], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, ...env },
  });
  return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() };
}

const exits = (stdout: string, status = 0) => ({ status, signal: null, stdout, stderr: '' });

describe('several environments', () => {
  it('load the addon at once, each with its own error class', async () => {
    const script = `${preamble}
      const { parentPort } = require('node:worker_threads');
      (async () => {
        const frame = await addon.renderShapes(7, { width: 64, height: 64, seed: 1 });
        const rgb = await addon.toRgb(frame);
        const error = await addon.toRgb({}).catch((reason) => reason);
        parentPort.postMessage({ rgb, own: error instanceof FastsamError, code: error.code });
      })();`;
    const workers = Array.from({ length: 4 }, () => new Worker(script, { eval: true }));
    const ends = workers.map((worker) => once(worker, 'exit'));
    const answers = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    const frame = await native().renderShapes(7, { width: 64, height: 64, seed: 1 });
    const expected = await native().toRgb(frame);
    for (const answer of answers) {
      expect(answer).toMatchObject({ own: true, code: 'MISUSE' });
      expect(Buffer.compare(answer.rgb, expected)).toBe(0);
    }
    expect((await Promise.all(ends)).flat()).toEqual([0, 0, 0, 0]);
  });

  it('see the same shared memory through ordinary views', async () => {
    const script = `${preamble}
      const { parentPort, workerData } = require('node:worker_threads');
      const view = addon.ordinaryView(workerData.subarray(1));
      view[0] += 1;
      parentPort.postMessage([view.buffer instanceof ArrayBuffer, view.length]);`;
    const shared = new Float32Array(new SharedArrayBuffer(4 * 100)).fill(6);
    const worker = new Worker(script, { eval: true, workerData: shared });
    const ends = once(worker, 'exit');
    expect((await once(worker, 'message'))[0]).toEqual([true, 99]);
    expect((await ends)[0]).toBe(0);
    expect([...shared.subarray(0, 3)]).toEqual([6, 7, 6]);
    expect(native().ordinaryView(shared)[1]).toBe(7);
  });

  it.skipIf(!native().features.gstreamer)('end at any moment, with calls under way and a capture running', async () => {
    const script = `${preamble}
      const { parentPort } = require('node:worker_threads');
      (async () => {
        const capture = live();
        await capture.start();
        const input = new Float32Array(3 * 640 * 640);
        for (let round = 0; ; round += 1) {
          const { frame } = await capture.read(10000);
          for (let call = 0; call < 4; call += 1) addon.letterbox(frame, input, 640, 640);
          addon.toRgb(frame);
          capture.read(10000).catch(() => {});
          parentPort.postMessage(round);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })().catch(() => {});`;
    for (let round = 0; round < 5; round += 1) {
      const worker = new Worker(script, { eval: true });
      await once(worker, 'message');
      expect(await worker.terminate()).toBe(1);
    }
  });
});

describe('the end of the process', () => {
  it('comes by itself when nothing is pending', () => {
    expect(run(`const frame = await addon.renderShapes(0, { width: 64, height: 64, seed: 1 }); console.log(frame.format);`)).toEqual(
      exits('rgb'),
    );
  });

  it.skipIf(!native().features.gstreamer)('is not held up by an idle capture', () => {
    expect(run(`const capture = live(); await capture.start(); await capture.read(10000); console.log('left');`)).toEqual(exits('left'));
  });

  it.skipIf(!native().features.gstreamer)('waits for a pending read', () => {
    expect(run(`const capture = live(); await capture.start(); console.log((await capture.read(10000)).frame.width);`)).toEqual(
      exits('320'),
    );
  });

  it.skipIf(!native().features.gstreamer)('may be forced with a read under way', () => {
    expect(run(`const capture = live(); await capture.start(); capture.read(10000); setImmediate(() => process.exit(7));`)).toEqual(
      exits('', 7),
    );
  });

  it.skipIf(!native().features.gstreamer)('frees captures and frames that were collected without stop or release', () => {
    const script = `
      const threads = () => require('node:fs').readdirSync('/proc/self/task').length;
      const use = async () => { const capture = live(); await capture.start(); await capture.read(10000); };
      await use();
      const before = threads();
      for (let round = 0; round < 5; round += 1) await use();
      for (let wait = 0; wait < 500 && threads() > before; wait += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
      console.log(threads() <= before);`;
    expect(run(script)).toEqual(exits('true'));
  });

  it('keeps shared memory for as long as a view of it, and then no more', () => {
    const script = `
      const megabyte = 1 << 18;
      const collected = { views: 0, shared: 0 };
      const registry = new FinalizationRegistry((kind) => { collected[kind] += 1; });
      let views = Array.from({ length: 20 }, (_, k) => {
        const shared = new Float32Array(new SharedArrayBuffer(4 * megabyte)).fill(k);
        registry.register(shared, 'shared');
        const view = addon.ordinaryView(shared);
        registry.register(view, 'views');
        return view;
      });
      const collect = async (done) => { for (let wait = 0; wait < 500 && !done(); wait += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); } };
      for (let round = 0; round < 3; round += 1) { gc(); await new Promise(setImmediate); }
      console.log(collected.shared, views.every((view, k) => view[megabyte - 1] === k));
      views = undefined;
      await collect(() => collected.shared === 20);
      console.log(JSON.stringify(collected));`;
    expect(run(script)).toEqual(exits('0 true\n{"views":20,"shared":20}'));
  });

  it('frees segments that were collected', () => {
    const script = `
      const runs = Uint32Array.from({ length: 40_000 }, (_, k) => 2 * k);
      const plain = { count: 1, width: 1000, height: 1000, boxes: new Float32Array(4), scores: new Float32Array(1),
        classes: new Int32Array(1), areas: new Uint32Array(1), runs, offsets: Uint32Array.of(0, 20_000) };
      const { external } = process.memoryUsage();
      const grown = () => process.memoryUsage().external - external;
      for (let k = 0; k < 20; k += 1) await addon.selectObjects(plain, Uint32Array.of(0));
      for (let wait = 0; wait < 500 && grown() > 200_000; wait += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
      console.log(grown() <= 200_000);`;
    expect(run(script)).toEqual(exits('true'));
  });

  it.skipIf(!native().features.gstreamer)('names the codec that is missing', () => {
    const script = `
      const capture = addon.openCapture({ pipeline: 'videotestsrc num-buffers=5 ! jpegenc ! decodebin ! videoconvert ! appsink name=sink', live: false, startTimeoutMs: 10000 });
      console.log(await capture.start().then(() => 'started', (error) => error.code + ' ' + error.message));
      await capture.stop(10000);`;
    const { stdout } = run(script, { GST_PLUGIN_FEATURE_RANK: 'jpegdec:NONE,avdec_mjpeg:NONE,v4l2jpegdec:NONE,nvjpegdec:NONE' });
    expect(stdout).toMatch(/^SOURCE_UNSUPPORTED .*JPEG/);
  });
});
