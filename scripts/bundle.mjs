// Joins the compiled command line and its worker threads into few files below dist/bundle, which bin/fastsamd starts.
// Finding and reading one module takes Node about a millisecond, and a command would load hundreds. The rest of dist stays
// as it was compiled: the library, and what tests and scripts import. Source maps lead back to src/. The help
// texts of all commands are written beside the bundle.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { runCommandLine } from '../dist/cli/cli.js';
import { commands } from '../dist/cli/commands/table.js';
import { declaredCommands } from '../dist/cli/manual/declared.js';
import { DOCUMENTATION_MARK, HELP_COLUMNS } from '../dist/cli/prepared-help.js';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const bundle = `${dist}bundle/`;

/** Packages that a command loads at once and that consist of many small JavaScript files. Others stay in node_modules. */
const JOINED = ['fastest-levenshtein', 'mqtt', 'protobufjs', 'tinyglobby', 'yaml', 'yargs', 'zod'];

function isExternal(id, importer) {
  if (id.startsWith('node:')) return true;
  if (id.startsWith('.') || id.startsWith('/')) return false;
  // The packages that a joined package imports are joined as well.
  if (importer?.includes('/node_modules/')) return false;
  return !JOINED.includes(id.split('/', 1)[0]);
}

/**
 * Modules keep the `import.meta.url` that they have in dist: from there they find package.json, the addon and the page of
 * the console. Scripts of threads and processes (compiledModule) become files of the bundle.
 */
const keepUrls = {
  name: 'keep-urls',
  load(id) {
    if (!id.startsWith(dist)) return null;
    const url = `new URL(${JSON.stringify(`../${relative(dist, id)}`)}, import.meta.url).href`;
    const code = readFileSync(id, 'utf8').replace(
      /\bcompiledModule\('\.\/([a-z-]+)\.js', import\.meta\.url\)|\bimport\.meta\.url\b/g,
      (_, script) => {
        if (script === undefined) return url;
        this.emitFile({ type: 'chunk', id: resolve(dirname(id), `${script}.js`), fileName: `${script}.js` });
        return `new URL('./${script}.js', import.meta.url)`;
      },
    );
    return { code, map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
  },
};

const build = await rolldown({ input: { main: `${dist}main.js` }, platform: 'node', external: isExternal, plugins: [keepUrls] });
const { output } = await build.write({
  dir: bundle,
  format: 'esm',
  sourcemap: true,
  sourcemapExcludeSources: true,
  // Names stay, for stack traces; white space and comments go.
  minify: { compress: false, mangle: false, codegen: true },
  // Without a hash: the names show in stack traces.
  chunkFileNames: '[name].js',
});
await build.close();

const written = new Set(output.map(({ fileName }) => fileName));
for (const name of readdirSync(bundle)) if (name !== 'help' && !written.has(name)) rmSync(`${bundle}${name}`);

/** The words of `fastsamd`, of every command and of every subcommand. */
function words(declared) {
  return declared.flatMap(({ path, commands: below }) => [path.split(' '), ...words(below)]);
}

/** The text that `fastsamd ...command --help` prints. */
async function helpOf(command) {
  const { stdout } = process;
  const { write } = stdout;
  let text = '';
  stdout.write = (part) => {
    text += part;
    return true;
  };
  try {
    await runCommandLine([...command, '--help'], DOCUMENTATION_MARK);
  } finally {
    stdout.write = write;
  }
  return text;
}

Object.defineProperty(process.stdout, 'columns', { value: HELP_COLUMNS });
rmSync(`${bundle}help`, { recursive: true, force: true });
mkdirSync(`${bundle}help`);
for (const command of [[], ...words(await declaredCommands(commands))])
  writeFileSync(`${bundle}help/${['fastsamd', ...command].join(' ')}.txt`, await helpOf(command));
