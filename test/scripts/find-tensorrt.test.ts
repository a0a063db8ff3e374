import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

interface Found {
  readonly missing?: string;
  readonly include?: string;
  readonly lib?: string;
  readonly cuda?: string;
}
const script = new URL('../../scripts/find-tensorrt.mjs', import.meta.url).href;
const { findTensorRt, compilerFlags, linkerFlags } = (await import(script)) as {
  findTensorRt(options: { env: Record<string, string>; root: string; arch: string }): Found;
  compilerFlags(found: Found, options?: { root?: string; arch?: string }): string[];
  linkerFlags(found: Found): string[];
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
    ['a Jetson', 'arm64', 'usr/include/aarch64-linux-gnu', undefined, 'usr/local/cuda'],
    ['Debian packages', 'x64', 'usr/include/x86_64-linux-gnu', undefined, 'usr/local/cuda-12.6'],
    ['headers without libraries', 'x64', 'usr/include', undefined, 'usr/local/cuda'],
    ['an archive', 'x64', 'opt/TensorRT-10.3.0/include', 'opt/TensorRT-10.3.0/lib', 'usr/local/cuda'],
    ['an archive by link', 'arm64', 'usr/local/tensorrt/include', 'usr/local/tensorrt/lib', 'usr/local/cuda'],
  ])('%s', async (_, arch, include, lib, cuda) => {
    await put(...under(include, HEADERS), ...under(cuda, CUDA), ...(lib ? under(lib, LIBRARIES) : []));
    expect(find(arch)).toEqual({ include: at(include), cuda: at(cuda), ...(lib ? { lib: at(lib) } : {}) });
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
    await put('usr/include/NvOnnxParser.h');
    expect(find()).toEqual({ missing: 'cuda' });
    await put('usr/local/cuda/include/cuda_runtime_api.h');
    expect(find()).toEqual({ missing: 'nvcc' });
  });
});

describe('what the compiler and the linker are told', () => {
  it('no folder that the compiler searches by itself, which would hide the headers of the C++ library', async () => {
    for (const include of ['usr/include', 'usr/include/aarch64-linux-gnu'])
      expect(compilerFlags({ include: at(include), cuda: at('usr/local/cuda') }, { root, arch: 'arm64' })).toEqual([
        `-isystem${at('usr/local/cuda/include')}`,
      ]);
    expect(compilerFlags({ include: at('opt/trt/include'), cuda: at('usr') }, { root })).toEqual([`-isystem${at('opt/trt/include')}`]);
  });

  it('a program that uses the C++ library compiles where the headers lie in /usr/include', async () => {
    await put('main.cc');
    await writeFile(at('main.cc'), '#include <cstdlib>\n#include <cmath>\nint main() { return std::abs(0); }\n');
    const compile = (flags: readonly string[]) =>
      promisify(execFile)('g++', ['-std=c++17', '-fsyntax-only', ...flags, at('main.cc')]).then(
        () => 'compiles',
        (error: { stderr: string }) => error.stderr,
      );
    expect(await compile(compilerFlags({ include: '/usr/include', cuda: '/usr' }))).toBe('compiles');
    // What the flags must not be.
    expect(await compile(['-isystem/usr/include'])).toContain('stdlib.h');
  });

  it('nothing of TensorRT is linked, and an archive is where the loader looks', async () => {
    await put('usr/local/cuda/lib64/libcudart_static.a');
    const flags = linkerFlags({ include: at('i'), lib: at('opt/trt/lib'), cuda: at('usr/local/cuda') });
    expect(flags).toContain(`-Wl,-rpath,${at('opt/trt/lib')}`);
    expect(flags).toContain(`-L${at('usr/local/cuda/lib64')}`);
    expect(flags.filter((flag) => flag.includes('nvinfer') || flag === '-lcudart')).toEqual([]);
  });
});
