// Includes between the folders of native/ point downward: each folder may include itself and the folders listed here.
// Prints what breaks the rule and exits with 1.
import { readdirSync, readFileSync } from 'node:fs';

const PARTS = ['core', 'scenes', 'measure', 'eval', 'process', 'nvml', 'v4l2', 'jpeg', 'nvmm', 'capture', 'cuda', 'tensorrt'];
const MAY_INCLUDE = {
  core: [],
  scenes: ['core'],
  measure: ['core'],
  eval: ['core'],
  process: ['core'],
  nvml: ['core'],
  v4l2: ['core'],
  gpio: ['core'],
  jpeg: ['core'],
  nvmm: ['core'],
  capture: ['core', 'nvmm'],
  cuda: ['core'],
  tensorrt: ['core', 'cuda'],
  binding: PARTS,
  // Never part of the addon.
  standin: ['core', 'cuda', 'nvmm'],
  fuzz: PARTS,
  test: [...PARTS, 'standin'],
};

/** The broken includes of files given as [path below native/, text]. */
export function brokenIncludes(files) {
  return files.flatMap(([path, text]) => {
    const folder = path.split('/')[0];
    const allowed = MAY_INCLUDE[folder];
    if (!allowed) return [`native/${path}: no rule for the folder ${folder}; add it to scripts/check-native-layers.mjs`];
    const lines = text.split('\n');
    return lines.flatMap((line, index) => {
      const where = `native/${path}:${index + 1}`;
      if (/^\s*#\s*include\s*<(napi|node_api|uv)\.h>/.test(line) && folder !== 'binding')
        return [`${where}: only binding may include Node's headers`];
      const included = /^\s*#\s*include\s*"([a-z0-9_]+)\//.exec(line)?.[1];
      if (included === undefined || included === folder || allowed.includes(included)) return [];
      return [`${where}: ${folder} may not include ${included}`];
    });
  });
}

if (process.argv[1] === import.meta.filename) {
  const root = new URL('../native/', import.meta.url);
  const paths = readdirSync(root, { recursive: true }).filter((path) => path.includes('/') && /\.(cc|cu|h)$/.test(path));
  const broken = brokenIncludes(paths.map((path) => [path, readFileSync(new URL(path, root), 'utf8')]));
  process.stdout.write(broken.map((line) => `${line}\n`).join(''));
  process.exitCode = broken.length > 0 ? 1 : 0;
}
