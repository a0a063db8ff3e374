import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface Found {
  readonly missing?: string;
  readonly include?: string;
  readonly lib?: string;
  readonly cuda?: string;
}
const script = new URL('../../scripts/find-tensorrt.mjs', import.meta.url).href;
const { findTensorRt } = (await import(script)) as {
  findTensorRt(options: { env: Record<string, string>; root: string; arch: string }): Found;
};

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fastsamd-find-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(...files: string[]): Promise<void> {
  for (const file of files) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
}
const find = (arch = 'arm64', env: Record<string, string> = {}) => findTensorRt({ env, root, arch });
const at = (path: string) => join(root, path);

const CUDA = ['include/cuda_runtime_api.h', 'bin/nvcc'];
const HEADERS = ['NvInfer.h', 'NvOnnxParser.h'];
const LIBRARIES = ['libnvinfer.so', 'libnvonnxparser.so'];
const under = (folder: string, files: readonly string[]) => files.map((file) => `${folder}/${file}`);

describe('where TensorRT is found', () => {
  it.each([
    ['a Jetson', 'arm64', 'usr/include/aarch64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/local/cuda'],
    ['Debian packages', 'x64', 'usr/include/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu', 'usr/local/cuda-12.6'],
    ['an archive', 'x64', 'opt/TensorRT-10.3.0/include', 'opt/TensorRT-10.3.0/lib', 'usr/local/cuda'],
    ['an archive by link', 'arm64', 'usr/local/tensorrt/include', 'usr/local/tensorrt/lib', 'usr/local/cuda'],
  ])('%s', async (_, arch, include, lib, cuda) => {
    await put(...under(include, HEADERS), ...under(lib, LIBRARIES), ...under(cuda, CUDA));
    expect(find(arch)).toEqual({ include: at(include), lib: at(lib), cuda: at(cuda) });
  });

  it('the newest of several archives', async () => {
    for (const version of ['9.3.0', '10.3.0'])
      await put(...under(`opt/TensorRT-${version}/include`, HEADERS), ...under(`opt/TensorRT-${version}/lib`, LIBRARIES));
    await put(...under('usr/local/cuda', CUDA));
    expect(find()).toMatchObject({ include: at('opt/TensorRT-10.3.0/include'), lib: at('opt/TensorRT-10.3.0/lib') });
  });

  it('where the environment says, and only there', async () => {
    await put(...under('usr/include', HEADERS), ...under('usr/lib', LIBRARIES), ...under('usr/local/cuda', CUDA));
    await put(...under('x/i', HEADERS), ...under('x/l', LIBRARIES), ...under('x/c', CUDA));
    const env = { TENSORRT_INCLUDE_DIR: at('x/i'), TENSORRT_LIB_DIR: at('x/l'), CUDA_HOME: at('x/c') };
    expect(find('x64', env)).toEqual({ include: at('x/i'), lib: at('x/l'), cuda: at('x/c') });
    expect(find('x64', { TENSORRT_INCLUDE_DIR: at('nowhere') })).toEqual({ missing: 'headers' });
  });

  it('names the first thing that is not there', async () => {
    expect(find()).toEqual({ missing: 'headers' });
    await put('usr/include/NvInfer.h');
    expect(find()).toEqual({ missing: 'parser' });
    await put('usr/include/NvOnnxParser.h', 'usr/lib/libnvinfer.so');
    expect(find()).toEqual({ missing: 'library' });
    await put('usr/lib/libnvonnxparser.so');
    expect(find()).toEqual({ missing: 'cuda' });
    await put('usr/local/cuda/include/cuda_runtime_api.h');
    expect(find()).toEqual({ missing: 'nvcc' });
  });
});
