// Finds TensorRT's headers and CUDA for binding.gyp, in the places where JetPack, Debian packages and the tar archive put
// them, or where TENSORRT_INCLUDE_DIR, TENSORRT_LIB_DIR and CUDA_HOME say. TensorRT's libraries are loaded at run time
// (native/tensorrt/library.cc) and CUDA's runtime is linked statically, so that one build runs with and without them.
//   node scripts/find-tensorrt.mjs missing | cflags | libraries | nvcc
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TRIPLETS = { arm64: 'aarch64-linux-gnu', x64: 'x86_64-linux-gnu' };
/** GPUs that the kernels are compiled for, as far as the toolkit knows them; newer ones compile the last by themselves. */
const GPUS = [72, 75, 80, 86, 87, 89, 90, 100, 101, 110, 120];

/** Folders of `parent` whose name begins with `prefix`, the highest version first. */
function versions(parent, prefix) {
  if (!existsSync(parent)) return [];
  const names = readdirSync(parent).filter((name) => name.startsWith(prefix));
  return names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true })).map((name) => join(parent, name));
}

/**
 * `{ include, lib, cuda }` (folders; no `lib` where the libraries are not installed or the loader finds them by itself), or
 * `{ missing }`: headers, parser, cuda or nvcc. `root` is where the file system begins, for tests.
 */
export function findTensorRt({ env = process.env, root = '/', arch = process.arch } = {}) {
  const at = (path) => join(root, path);
  const triplet = TRIPLETS[arch] ?? TRIPLETS.x64;
  const holding = (folders, ...files) => folders.find((folder) => files.every((file) => existsSync(join(folder, file))));
  const archives = [
    at('usr/local/tensorrt'),
    at('opt/tensorrt'),
    ...versions(at('opt'), 'TensorRT-'),
    ...versions(at('usr/local'), 'TensorRT-'),
  ];

  const headers = env.TENSORRT_INCLUDE_DIR
    ? [env.TENSORRT_INCLUDE_DIR]
    : [at(`usr/include/${triplet}`), at('usr/include'), ...archives.map((folder) => join(folder, 'include'))];
  const include = holding(headers, 'NvInfer.h');
  if (!include) return { missing: 'headers' };
  if (!existsSync(join(include, 'NvOnnxParser.h'))) return { missing: 'parser' };

  const beside = dirname(include);
  // Folders that the loader does not search by itself: of an archive.
  const libraries = env.TENSORRT_LIB_DIR ? [env.TENSORRT_LIB_DIR] : [join(beside, 'lib'), join(beside, `targets/${triplet}/lib`)];
  const found = holding(libraries, 'libnvinfer.so', 'libnvonnxparser.so');
  const lib = found === at('usr/lib') ? undefined : found;

  const toolkits = env.CUDA_HOME ? [env.CUDA_HOME] : [at('usr/local/cuda'), ...versions(at('usr/local'), 'cuda-')];
  const cuda = holding(toolkits, 'include/cuda_runtime_api.h');
  if (!cuda) return { missing: 'cuda' };
  if (!existsSync(join(cuda, 'bin/nvcc'))) return { missing: 'nvcc' };
  return { include, ...(lib ? { lib } : {}), cuda };
}

/**
 * Flags for the compiler. A folder that it searches by itself is left out: named with -isystem it would come before the C++
 * library's own headers, whose #include_next then finds no <stdlib.h>.
 */
export function compilerFlags({ include, cuda }, { root = '/', arch = process.arch } = {}) {
  const standard = [join(root, 'usr/include'), join(root, `usr/include/${TRIPLETS[arch] ?? TRIPLETS.x64}`)];
  return [include, join(cuda, 'include')].filter((folder) => !standard.includes(folder)).map((folder) => `-isystem${folder}`);
}

/** Flags for the linker: CUDA's runtime as a static library, and where an archive has TensorRT's libraries. */
export function linkerFlags({ lib, cuda }) {
  const folder = ['lib64', 'lib', 'targets/aarch64-linux/lib', 'targets/sbsa-linux/lib', 'targets/x86_64-linux/lib']
    .map((name) => join(cuda, name))
    .find((name) => existsSync(join(name, 'libcudart_static.a')));
  return [
    ...(lib ? [`-Wl,-rpath,${lib}`] : []),
    ...(folder ? [`-L${folder}`] : []),
    '-Wl,--exclude-libs,libcudart_static.a',
    '-lcudart_static',
    '-ldl',
    '-lrt',
    '-lpthread',
  ];
}

function nvccCommand({ cuda }) {
  const nvcc = join(cuda, 'bin/nvcc');
  const known = execFileSync(nvcc, ['--list-gpu-code'], { encoding: 'utf8' }).split(/\s+/);
  const gpus = GPUS.filter((gpu) => known.includes(`sm_${gpu}`));
  const newest = gpus.at(-1);
  return [
    nvcc,
    '-std=c++17',
    '-O3',
    // Rounds as the CPU does; see native/cuda/device.h.
    '-fmad=false',
    '-Xcompiler',
    '-fPIC,-fvisibility=hidden',
    '-Inative',
    ...gpus.flatMap((gpu) => ['-gencode', `arch=compute_${gpu},code=sm_${gpu}`]),
    '-gencode',
    `arch=compute_${newest},code=compute_${newest}`,
  ];
}

function answer(what) {
  const found = findTensorRt();
  if (what === 'missing') return [found.missing ?? 'nothing'];
  if (found.missing) throw new Error(`find-tensorrt: ${found.missing} not found`);
  if (what === 'cflags') return compilerFlags(found);
  if (what === 'nvcc') return nvccCommand(found);
  if (what !== 'libraries') throw new Error('usage: find-tensorrt.mjs missing | cflags | libraries | nvcc');
  return linkerFlags(found);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${answer(process.argv[2]).join('\n')}\n`);
