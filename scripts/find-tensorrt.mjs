// Finds TensorRT and CUDA for binding.gyp, in the places where JetPack, Debian packages and the tar archive put them, or
// where TENSORRT_INCLUDE_DIR, TENSORRT_LIB_DIR and CUDA_HOME say.
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
 * `{ include, lib, cuda }` (folders), or `{ missing }`: headers, parser, library, cuda or nvcc. `root` is where the file system
 * begins, for tests.
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
  const libraries = env.TENSORRT_LIB_DIR
    ? [env.TENSORRT_LIB_DIR]
    : [at(`usr/lib/${triplet}`), join(beside, 'lib'), join(beside, `targets/${triplet}/lib`), at('usr/lib'), at('usr/lib64')];
  const lib = holding(libraries, 'libnvinfer.so', 'libnvonnxparser.so');
  if (!lib) return { missing: 'library' };

  const toolkits = env.CUDA_HOME ? [env.CUDA_HOME] : [at('usr/local/cuda'), ...versions(at('usr/local'), 'cuda-')];
  const cuda = holding(toolkits, 'include/cuda_runtime_api.h');
  if (!cuda) return { missing: 'cuda' };
  if (!existsSync(join(cuda, 'bin/nvcc'))) return { missing: 'nvcc' };
  return { include, lib, cuda };
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
  if (what === 'cflags') return [`-isystem${found.include}`, `-isystem${join(found.cuda, 'include')}`];
  if (what === 'nvcc') return nvccCommand(found);
  if (what !== 'libraries') throw new Error('usage: find-tensorrt.mjs missing | cflags | libraries | nvcc');
  const cudaLib = ['lib64', 'lib', 'targets/aarch64-linux/lib', 'targets/x86_64-linux/lib']
    .map((folder) => join(found.cuda, folder))
    .find((folder) => existsSync(join(folder, 'libcudart.so')));
  const folders = [found.lib, ...(cudaLib ? [cudaLib] : [])];
  return [...folders.flatMap((folder) => [`-L${folder}`, `-Wl,-rpath,${folder}`]), '-lnvinfer', '-lnvonnxparser', '-lcudart'];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${answer(process.argv[2]).join('\n')}\n`);
