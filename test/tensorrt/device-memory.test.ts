/**
 * Frames in a Jetson's device memory, from the camera to the network's input: the addon with TensorRT on stand-ins, and stand-ins for
 * nvvidconv, libnvbufsurface and the CUDA driver. The recorded network answers only to the input that it was recorded with.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileJetsonStandins } from '../helpers/jetson-standins.js';
import { THREE_OBJECTS } from '../helpers/onnx-model.js';
import { hasStandin, standin } from './package.js';
import { rectangles, writePlayback } from './playback.js';

const MODEL = { width: 320, height: 320, classes: 1 };

/** argv: addon, plan, frames, file to write the letterboxed input of the first frame to. */
const SCRIPT = `
  import { createRequire } from 'node:module';
  import { writeFileSync } from 'node:fs';
  const [addonPath, plan, count, inputPath] = process.argv.slice(1);
  const addon = createRequire(import.meta.url)(addonPath);
  // It stands still: every frame is the one that was recorded.
  const scene = 'videotestsrc pattern=zone-plate kx2=40 ky2=40 ! video/x-raw,format=NV12,width=480,height=270';
  const pipeline = scene + ' ! nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! appsink name=sink sync=false';
  const capture = addon.openCapture({ pipeline, live: false, startTimeoutMs: 20000, decoder: 'auto' });
  await capture.start();
  const context = plan === '' ? undefined : (await addon.tensorrt.load(plan, 1, -1)).contexts[0];
  const seen = [];
  for (let k = 0; k < Number(count); k += 1) {
    const { frame } = await capture.read(20000);
    if (context) {
      const { segments, copiedBecause = '' } = await context.segment(frame, { conf: 0.4, iou: 0.9, maxDet: 300, snapToBorder: 0 });
      seen.push({ objects: segments.scores.length, copiedBecause });
    } else {
      const input = new Float32Array(3 * 320 * 320);
      await addon.letterbox(frame, input, 320, 320);
      writeFileSync(inputPath, input);
    }
    frame.release();
  }
  await capture.stop(20000);
  await context?.dispose();
  process.stdout.write(JSON.stringify(seen));
`;

describe.skipIf(!hasStandin)('frames in device memory (needs "make check-tensorrt")', { timeout: 120_000 }, () => {
  let directory = '';
  const at = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fastsamd-device-memory-'));
    await compileJetsonStandins(directory);
    await frames('', 1);
    const bytes = await readFile(at('input.f32'));
    const input = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    writePlayback(at('scene.engine'), MODEL, [{ ...rectangles(320, 320, THREE_OBJECTS), input }]);
  }, 240_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function frames(plan: string, count: number, fault = '') {
    const addon = join(standin, 'build/Release/fastsamd.node');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', SCRIPT, addon, plan, String(count), at('input.f32')],
      {
        env: {
          ...process.env,
          GST_PLUGIN_PATH: directory,
          GST_REGISTRY: at('registry'),
          FASTSAMD_NVBUFSURFACE_LIBRARY: at('libnvmm.so'),
          FASTSAMD_CUDA_DRIVER_LIBRARY: at('libnvmm.so'),
          FASTSAMD_STANDIN_NVMM_REPORT: at('nvmm.json'),
          FASTSAMD_STANDIN_NVMM_FAULT: fault,
        },
      },
    );
    const { registered = 0, ...counts } = JSON.parse(await readFile(at('nvmm.json'), 'utf8')) as Record<string, number>;
    const left = ['surfaces', 'maps', 'eglImages', 'resources', 'misuses'].filter((name) => (counts[name] ?? 0) !== 0);
    return { seen: JSON.parse(stdout) as { objects: number; copiedBecause: string }[], registered, left };
  }

  it('the GPU reads them where they lie, each buffer is registered once, and all is undone at the end', async () => {
    const { seen, registered, left } = await frames(at('scene.engine'), 25);
    expect(seen).toEqual(Array(25).fill({ objects: THREE_OBJECTS.length, copiedBecause: '' }));
    expect(registered).toBeGreaterThan(0);
    expect(registered).toBeLessThanOrEqual(8);
    expect(left).toEqual([]);
  });

  it.each(['egl', 'register', 'array', 'skew'])('are copied when CUDA cannot have them (%s)', async (fault) => {
    const { seen, left } = await frames(at('scene.engine'), 10, fault);
    expect(seen.map(({ objects }) => objects)).toEqual(Array(10).fill(THREE_OBJECTS.length));
    expect(seen.every(({ copiedBecause }) => copiedBecause !== '')).toBe(true);
    expect(left).toEqual([]);
  });
});
