import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NativeAddon, native } from '../../src/addon/addon.js';
import { openEngine } from '../../src/engine/open.js';
import { tensorRt } from '../../src/engine/tensorrt/available.js';
import { enginePathOf } from '../../src/engine/tensorrt/engine-file.js';
import { availableMemory, demandMemory, outOfMemoryKills, watchMemory } from '../../src/engine/tensorrt/memory.js';
import { labelsOf } from '../../src/engine/tensorrt/open.js';
import { demandIntact, differences, readSidecar, writeSidecar } from '../../src/engine/tensorrt/sidecar.js';
import type { FastsamError } from '../../src/errors.js';
import { sha256OfFile } from '../../src/model/checksum.js';
import { HASH, PLATFORM, SIDECAR } from '../helpers/tensorrt.js';

const WANTED = { modelSha256: HASH, platform: PLATFORM, precision: 'fp16', dlaCore: null } as const;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-engine-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('engine files', () => {
  it('are named after model, precision and accelerator', () => {
    expect(enginePathOf('/m/fastsam-s.onnx', 'fp16', null)).toBe('/m/fastsam-s.fp16.engine');
    expect(enginePathOf('fastsam-s.onnx', 'int8', 1, '/var/engines')).toBe('/var/engines/fastsam-s.int8.dla1.engine');
    expect(enginePathOf('fastsam-s.onnx', 'fp32', null)).toBe('./fastsam-s.fp32.engine');
  });

  it('fit only what they were built for', () => {
    expect(differences(SIDECAR, WANTED)).toEqual([]);
    expect(differences(SIDECAR, { ...WANTED, platform: { ...PLATFORM, tensorrt: '10.16.0' } })).toEqual(['TensorRT 10.3.0, now 10.16.0']);
    for (const changed of [{ cuda: '13.0' }, { device: 'Thor' }, { computeCapability: '11.0' }, { multiprocessors: 16 }]) {
      expect(differences(SIDECAR, { ...WANTED, platform: { ...PLATFORM, ...changed } })).toHaveLength(1);
    }
    // Of before there was such a number, and of another set of options.
    expect(differences({ ...SIDECAR, multiprocessors: undefined }, WANTED)).toEqual(['number of multiprocessors unknown, now 8']);
    expect(differences({ ...SIDECAR, builderOptions: 1 }, WANTED)).toHaveLength(1);
    expect(differences(SIDECAR, { ...WANTED, modelSha256: 'b'.repeat(64), precision: 'int8', dlaCore: 0 })).toHaveLength(3);
  });

  it('keep a sidecar that is read back whole, and nothing else', async () => {
    const engine = join(folder, 'm.engine');
    await writeSidecar(engine, SIDECAR);
    expect(await readSidecar(engine)).toEqual(SIDECAR);
    for (const text of ['', '{', '[]', '{"v":2}', JSON.stringify({ ...SIDECAR, plan: { bytes: 5 } }), 'null'.padEnd(5e6)]) {
      await writeFile(`${engine}.json`, text);
      expect(await readSidecar(engine)).toBeUndefined();
    }
    await expect(writeSidecar(join(folder, 'none/m.engine'), SIDECAR)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });

  it('are checked byte for byte', async () => {
    const engine = join(folder, 'bytes.engine');
    await expect(demandIntact(engine, SIDECAR)).rejects.toMatchObject({ code: 'ENGINE_CORRUPT' });
    await writeFile(engine, 'hello');
    const sidecar = { ...SIDECAR, plan: { bytes: 5, sha256: await sha256OfFile(engine) } };
    await demandIntact(engine, sidecar);
    await writeFile(engine, 'hellO');
    await expect(demandIntact(engine, sidecar)).rejects.toMatchObject({
      code: 'ENGINE_CORRUPT',
      message: expect.stringMatching(/damaged/),
    });
    await writeFile(engine, 'hell');
    await expect(demandIntact(engine, sidecar)).rejects.toMatchObject({
      code: 'ENGINE_CORRUPT',
      message: expect.stringMatching(/cut short/),
    });
  });

  it('take their class names from the metadata of Ultralytics', () => {
    expect(labelsOf('{"names": {"0": "person", "1": "bicycle"}, "imgsz": [640, 640]}')).toEqual(['person', 'bicycle']);
    for (const text of ['', '{', '{"names": 5}', '{"names": {"x": "y"}}', 'null']) expect(labelsOf(text)).toEqual([]);
  });
});

describe('the memory guard', () => {
  const mib = (count: number) => async () => count * 2 ** 20;

  it('refuses to begin with too little memory, and says what to do', async () => {
    await demandMemory(mib(2560));
    await demandMemory(async () => undefined);
    await expect(demandMemory(mib(2559))).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(/2559 MiB .* add swap/),
    });
  });

  it('counts swap, and half of what is compressed in memory', async () => {
    const proc = join(folder, 'proc');
    await mkdir(proc);
    const swaps = [
      'Filename Type Size Used Priority',
      '/dev/zram0 partition 2000000 500000 5',
      '/dev/nvme0n1p2 partition 4000000 0 -2',
      '/swapfile file 1000000 1000000 -3',
    ];
    await writeFile(join(proc, 'meminfo'), 'MemTotal: 8000000 kB\nMemAvailable:    1000000 kB\n');
    expect(await availableMemory(proc)).toBe(1_000_000 * 1024);
    await writeFile(join(proc, 'swaps'), `${swaps.join('\n')}\n`);
    expect(await availableMemory(proc)).toBe((1_000_000 + 750_000 + 4_000_000) * 1024);
    expect(await availableMemory(join(folder, 'nowhere'))).toBeUndefined();
  });

  it('tells a kill for want of memory from any other by the count of the kernel', async () => {
    await writeFile(join(folder, 'proc/vmstat'), 'nr_free_pages 5\noom_kill 7\n');
    expect(await outOfMemoryKills(join(folder, 'proc'))).toBe(7);
    expect(await outOfMemoryKills(join(folder, 'nowhere'))).toBe(0);
  });

  it('tells once when memory runs out under way', async () => {
    const readings = [1000, 161, 159, 10];
    const error = await new Promise<FastsamError>((resolve) => {
      watchMemory(resolve, async () => (readings.shift() ?? 0) * 2 ** 20);
    });
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', message: expect.stringMatching(/^159 MiB/) });
    expect(readings).toEqual([10]);
  });
});

describe('a build without TensorRT', () => {
  it.skipIf(native().features.tensorrt)('says what is missing and what to install', async () => {
    expect(native().features.tensorrtMissing).toMatch(/^(headers|parser|library|cuda|nvcc)$/);
    await expect(openEngine({ model: 'any.onnx', backend: 'tensorrt' })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    await expect(openEngine({ model: 'any.engine' })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  it.each([
    ['headers', /NvInfer\.h\) was not there .*nvidia-jetpack/],
    ['nvcc', /nvcc\) was not there/],
  ])('by the word %s', (tensorrtMissing, message) => {
    const addon = { features: { gstreamer: false, tensorrt: false, tensorrtMissing } } as NativeAddon;
    expect(() => tensorRt(addon)).toThrow(message);
  });
});
