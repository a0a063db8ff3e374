/** Whether TensorRT is there, and what to do where it is not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type NativeAddon, native } from '../../addon/addon.js';
import type { TensorRtAddon } from '../../addon/tensorrt.js';
import { FastsamError } from '../../errors.js';

/** By the words of scripts/find-tensorrt.mjs. */
const MISSING: Readonly<Record<string, string>> = {
  headers: "TensorRT's headers (NvInfer.h)",
  parser: "TensorRT's ONNX parser (NvOnnxParser.h)",
  cuda: 'the CUDA toolkit',
  nvcc: "CUDA's compiler (nvcc)",
};

/** The TensorRT part of the addon. Errors: ENGINE_UNAVAILABLE with what to install, NATIVE_UNAVAILABLE. */
export function tensorRt(addon: NativeAddon = native()): TensorRtAddon {
  if (addon.tensorrt) return addon.tensorrt;
  const missing = MISSING[addon.features.tensorrtMissing ?? ''] ?? 'TensorRT';
  throw new FastsamError(
    'ENGINE_UNAVAILABLE',
    `backend tensorrt: ${missing} was not there when the native addon was built; on a Jetson "sudo apt install nvidia-jetpack", elsewhere install TensorRT and the CUDA toolkit or set TENSORRT_INCLUDE_DIR, TENSORRT_LIB_DIR and CUDA_HOME, then build fastsamd again (npm rebuild fastsamd, or "make build" in a checkout); or use backend onnxruntime`,
  );
}

/** What shows that a machine has an NVIDIA GPU, whether or not it can be used: drivers of cards and of Jetsons. */
const SIGNS_OF_A_GPU = ['/proc/driver/nvidia', '/dev/nvidiactl', '/dev/nvhost-gpu', '/dev/nvhost-ctrl-gpu', '/dev/nvgpu', '/dev/nvmap'];

/** Whether this machine has an NVIDIA GPU. `root` is where the file system begins, for tests. */
export function hasNvidiaGpu(root = '/'): boolean {
  return SIGNS_OF_A_GPU.some((path) => existsSync(join(root, path)));
}
