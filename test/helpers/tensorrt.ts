/** A machine with a GPU that need not be there, and what an engine file of it says about itself. */
import type { Sidecar } from '../../src/engine/tensorrt/sidecar.js';
import type { TensorRtPlatform } from '../../src/native/tensorrt.js';

export const HASH = 'a'.repeat(64);

export const PLATFORM: TensorRtPlatform = {
  tensorrt: '10.3.0',
  cuda: '12.6',
  device: 'Orin',
  computeCapability: '8.7',
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
  precision: 'fp16',
  dlaCore: null,
  input: [640, 640],
  labels: [],
  plan: { bytes: 5, sha256: HASH },
  builtAt: '2026-01-01T00:00:00.000Z',
  verification: null,
};
