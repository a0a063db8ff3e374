import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parsePrompts } from '../../src/domain/prompt.js';
import { SEGMENTATION_DEFAULTS } from '../../src/domain/segmentation.js';
import { encodeResult } from '../../src/encode/result.js';
import { openEngine } from '../../src/engine/open.js';
import { runPipeline } from '../../src/pipeline/pipeline.js';
import { openSource } from '../../src/source/open.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const FRAMES = 10_000;
const MIB = 2 ** 20;

async function openNow(): Promise<{ threads: number; descriptors: number; resources: string[] }> {
  const [threads, descriptors] = await Promise.all(['/proc/self/task', '/proc/self/fd'].map(async (path) => (await readdir(path)).length));
  return { threads: threads!, descriptors: descriptors!, resources: process.getActiveResourcesInfo().sort() };
}

it(`${FRAMES} frames leave memory flat and nothing open`, { timeout: 300_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fastsamd-soak-'));
  const objects = [
    { cxcywh: [20, 20, 20, 20], score: 0.9 },
    { cxcywh: [45, 40, 20, 30], score: 0.8 },
  ] as const;
  const model = await writeTestModel(join(directory, 'small.onnx'), { width: 64, height: 64, objects });
  const prompts = parsePrompts([
    { type: 'everything' },
    { type: 'box', box: [10, 10, 60, 60] },
    { type: 'points', points: [[30, 30]], select: 'merge' },
  ]);

  // The first round starts what stays for the life of the process: the thread pool, GStreamer, onnxruntime.
  const round = async (frames: number, onFrame: (count: number) => void) => {
    const engine = await openEngine({ model });
    const source = await openSource(`test:shapes?width=96&height=64&frames=${frames}&realtime=false`);
    let count = 0;
    const encoding = {
      node: 'soak',
      camera: 'soak',
      bootId: '00000000-0000-4000-8000-000000000000',
      objects: 'all',
      maskEncoding: 'rle',
    } as const;
    await runPipeline({
      source,
      engine,
      segmentation: () => SEGMENTATION_DEFAULTS,
      prompts: () => ({ revision: 1, prompts }),
      deliver: async (result) => {
        await encodeResult(result, { ...encoding, polygonTolerance: 1, maxPayloadBytes: 120_000 });
        count += 1;
        onFrame(count);
      },
    });
    await source.stop();
    await engine.stop();
    return count;
  };
  await round(200, () => {});
  const before = await openNow();

  const rss = new Map<number, number>();
  const marks = new Set([1000, FRAMES / 2, FRAMES]);
  const count = await round(FRAMES, (done) => {
    if (marks.has(done)) rss.set(done, process.memoryUsage.rss());
  });

  expect(count).toBe(FRAMES);
  const [start, middle, end] = [...rss.values()].map((bytes) => bytes / MIB) as [number, number, number];
  process.stdout.write(`RSS after ${[...rss].map(([frame, bytes]) => `${frame} frames ${(bytes / MIB).toFixed(1)} MiB`).join(', ')}\n`);
  // A leak of one small frame (18 KiB) each would be 160 MiB by the end; what is left is the garbage collector's breathing.
  expect(Math.max(middle, end) - start).toBeLessThan(30);
  const after = await openNow();
  expect(after.resources).toEqual(before.resources);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  await rm(directory, { recursive: true });
});
