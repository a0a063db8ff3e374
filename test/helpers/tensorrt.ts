/** A machine with a GPU that need not be there, and engine files of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadedEngine, TensorRtAddon, TensorRtContext, TensorRtPlatform } from '../../src/addon/tensorrt.js';
import { BUILDER_OPTIONS, type Sidecar, writeSidecar } from '../../src/engine/tensorrt/sidecar.js';
import { FastsamError } from '../../src/errors.js';
import { sha256OfFile } from '../../src/model/checksum.js';
import { EMPTY } from './fakes.js';

export const HASH = 'a'.repeat(64);

export const PLATFORM: TensorRtPlatform = {
  tensorrt: '10.3.0',
  cuda: '12.6',
  device: 'Orin',
  computeCapability: '8.7',
  multiprocessors: 8,
  integrated: true,
  freeBytes: 4e9,
  totalBytes: 8e9,
};

/** Of a file of five bytes whose hash is HASH. */
export const SIDECAR: Sidecar = {
  v: 1,
  model: { path: 'm.onnx', sha256: HASH },
  tensorrt: PLATFORM.tensorrt,
  cuda: PLATFORM.cuda,
  computeCapability: PLATFORM.computeCapability,
  device: PLATFORM.device,
  multiprocessors: PLATFORM.multiprocessors,
  builderOptions: BUILDER_OPTIONS,
  precision: 'fp16',
  dlaCore: null,
  input: [640, 640],
  labels: [],
  plan: { bytes: 5, sha256: HASH },
  builtAt: '2026-01-01T00:00:00.000Z',
  verification: null,
};

export const LOST = new FastsamError('ENGINE_LOST', 'the GPU is lost: an illegal memory access was encountered');

/** Answers with no objects, from frame `lostAt` on with ENGINE_LOST. */
export class FakeContext implements TensorRtContext {
  calls = 0;
  disposals = 0;

  constructor(private readonly lostAt = Number.POSITIVE_INFINITY) {}

  async segment() {
    this.calls += 1;
    if (this.calls >= this.lostAt) throw LOST;
    return EMPTY;
  }

  async measure(runs: number) {
    return new Float32Array(runs).fill(1);
  }

  async dispose() {
    this.disposals += 1;
  }
}

/**
 * The GPU's part of the addon, which loads any file and builds nothing. It answers once there is `found`: a test that is
 * about a node's last words waits for the broker to be there.
 */
export function gpuOf(context: TensorRtContext, found: Promise<unknown> = Promise.resolve()): TensorRtAddon {
  const loaded: LoadedEngine = {
    inputWidth: 32,
    inputHeight: 32,
    classes: 1,
    metadata: '',
    graph: true,
    contexts: [context],
    warnings: [],
  };
  return {
    platform: async () => {
      await found;
      return PLATFORM;
    },
    load: async () => loaded,
    build: () => Promise.reject(new Error('nothing is built here')),
  };
}

/** An engine file of this machine; its path. */
export async function writeEngine(folder: string, name: string, changes: Partial<Sidecar> = {}): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, 'a plan');
  await writeSidecar(file, {
    ...SIDECAR,
    input: [32, 32],
    plan: { bytes: 6, sha256: await sha256OfFile(file) },
    ...changes,
  });
  return file;
}
