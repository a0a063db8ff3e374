/** What the doctor says about the model where engines have to be built. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TensorRtAddon } from '../../src/addon/tensorrt.js';
import { parseConfig } from '../../src/config/load.js';
import { checkModel, checkTensorRt } from '../../src/doctor/parts.js';
import { FastsamError } from '../../src/errors.js';
import { sha256OfFile } from '../../src/model/checksum.js';
import { writeTestModel } from '../helpers/onnx-model.js';
import { FakeContext, gpuOf, writeEngine } from '../helpers/tensorrt.js';

const gpu = vi.hoisted(() => ({ addon: undefined as TensorRtAddon | undefined }));
// The GPU's part of the addon; what stands above it is real.
vi.mock('../../src/engine/tensorrt/available.js', () => ({ tensorRt: () => gpu.addon, hasNvidiaGpu: () => false }));

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-doctor-parts-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('the doctor and the engine', () => {
  const check = async (model: object) =>
    checkModel(parseConfig(JSON.stringify({ node: 'n', model, cameras: [{ id: 'belt', source: 'test:shapes' }] }), directory));

  it('tries the engine that the configuration names, and builds none', async () => {
    gpu.addon = gpuOf(new FakeContext());
    const engines = join(directory, 'engines');
    await mkdir(engines);
    const path = join(directory, 'doctor.onnx');
    await writeTestModel(path);
    const model = { path, backend: 'tensorrt', tensorrt: { precision: 'fp32', engineDirectory: engines } };
    const missing = { status: 'warning', remedy: 'the daemon builds it at its start; "fastsamd engine build" does it now' };
    expect(await check(model)).toMatchObject({ ...missing, detail: expect.stringMatching(/doctor\.fp32\.engine: there is none yet/) });
    expect(await readdir(engines)).toEqual([]);

    const sha256 = await sha256OfFile(path);
    await writeEngine(engines, 'doctor.fp32.engine', { precision: 'fp32', model: { path, sha256 }, tensorrt: '8.5.2' });
    expect(await check(model)).toMatchObject({ ...missing, detail: expect.stringMatching(/TensorRT 8\.5\.2, now 10\.3\.0/) });

    await writeEngine(engines, 'doctor.fp32.engine', { precision: 'fp32', model: { path, sha256 } });
    expect(await check(model)).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^doctor on tensorrt, input 32×32/) });
  });

  it('says which TensorRT runs on which GPU, and why none does', async () => {
    gpu.addon = gpuOf(new FakeContext());
    expect(await checkTensorRt()).toMatchObject({ status: 'ok', detail: expect.stringMatching(/^TensorRT 10\.3\.0, CUDA \S+ on \S/) });
    gpu.addon = {
      ...gpu.addon,
      platform: async () => {
        throw new FastsamError('ENGINE_UNAVAILABLE', 'TensorRT 10 is not installed');
      },
    };
    expect(await checkTensorRt()).toMatchObject({ status: 'warning', detail: 'TensorRT 10 is not installed' });
  });

  it('finds a problem in an engine file that nobody will build again, and in one that is refused', async () => {
    gpu.addon = gpuOf(new FakeContext());
    const stale = await writeEngine(directory, 'stale.engine', { tensorrt: '8.5.2' });
    expect(await check({ path: stale })).toMatchObject({ status: 'problem', detail: expect.stringMatching(/build it again/) });
    const unverified = await writeEngine(directory, 'unverified.engine', { precision: 'int8' });
    expect(await check({ path: unverified })).toMatchObject({ status: 'problem', detail: expect.stringMatching(/has not been verified/) });
    expect(await check({ path: unverified, tensorrt: { allowUnverified: true } })).toMatchObject({ status: 'ok' });
  });
});
