// Lets "npm install fastsamd" work where only an npm registry is reachable. Two of our dependencies download more in
// their install steps, and fail without it. npm runs the preinstall step of every package before the install step of
// any, so this, our preinstall step, can provide what they would fetch:
//
// - onnxruntime-node downloads CUDA libraries (several hundred megabytes, linux-x64 only) unless it finds files of their
//   names. They serve only "providers: [cuda]"; the CPU provider is in the package, and TensorRT comes from the system. A
//   text file takes the place of each. ONNXRUNTIME_NODE_INSTALL=cuda12 downloads them in any case, over these files. A
//   project that depends on onnxruntime-node itself is left alone.
// - better-sqlite3 is compiled where its binary cannot be downloaded; node-gyp then downloads Node's headers unless they
//   are in its cache. Where the headers are installed beside Node, they are put into that cache.
//
// Nothing here may fail an installation: without it, the downloads are tried.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

/** The folder of an installed package that we depend on, wherever npm put it. */
function folderOf(name) {
  for (const folder of require.resolve.paths(name) ?? []) {
    if (existsSync(join(folder, name, 'package.json'))) return join(folder, name);
  }
  throw new Error(`${name} is not installed`);
}

/** Whether the project that is installed into asks for this package itself. */
function wantedByProject(name) {
  const file = join(process.env.npm_config_local_prefix ?? '', 'package.json');
  if (process.env.npm_config_global === 'true' || !existsSync(file)) return false;
  const project = JSON.parse(readFileSync(file, 'utf8'));
  if (project.name === 'fastsamd') return false;
  return name in { ...project.dependencies, ...project.devDependencies, ...project.optionalDependencies };
}

function spareCudaLibraries() {
  if (wantedByProject('onnxruntime-node')) return;
  const folder = folderOf('onnxruntime-node');
  const { requirements, manifests } = require(join(folder, 'script/install-metadata.js'));
  const platform = `${process.platform}/${process.arch}`;
  for (const name of requirements[platform] ?? []) {
    for (const file of Object.keys(manifests[`${platform}:${name}`])) {
      const path = join(folder, 'bin/napi-v6', platform, file);
      if (existsSync(path)) continue;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(
        path,
        'Not a library: fastsamd spared the download. For "providers: [cuda]", run\n' +
          '  ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node\n',
      );
    }
  }
}

function provideNodeHeaders() {
  // npm's own configuration names the headers, or better-sqlite3 is built.
  if (process.env.npm_config_nodedir !== undefined) return;
  if (existsSync(join(folderOf('better-sqlite3'), 'build/Release/better_sqlite3.node'))) return;
  const headers = execFileSync('sh', [join(scripts, 'node-headers.sh')], { encoding: 'utf8' }).trim();
  if (headers === '') return;
  const folder = mkdtempSync(join(tmpdir(), 'fastsamd-headers-'));
  try {
    const archive = join(folder, 'headers.tar.gz');
    const top = `s,^include,node-${process.version}/include,`;
    execFileSync('tar', ['-czhf', archive, '--transform', top, '-C', headers, 'include/node']);
    const nodeGyp = join(folderOf('node-gyp'), 'bin/node-gyp.js');
    execFileSync(process.execPath, [nodeGyp, 'install', '--ensure', `--tarball=${archive}`], { stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const step of [spareCudaLibraries, provideNodeHeaders]) {
  try {
    step();
  } catch (error) {
    process.stderr.write(`fastsamd: ${error.message.split('\n')[0]}; going on, a download may be tried\n`);
  }
}
