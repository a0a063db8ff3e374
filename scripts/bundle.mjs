// Joins the compiled command line and its worker threads into few files below dist/bundle, which bin/fastsamd starts.
// Finding and reading one module takes Node about a millisecond, and a command would load hundreds. The rest of dist stays
// as it was compiled: the library, and what tests and scripts import. Source maps lead back to src/. The help
// texts of all commands are written beside the bundle, and the code that V8 compiles for two of them (bin/bundle.cjs).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Aedes } from 'aedes';
import { rolldown } from 'rolldown';
import { runCommandLine } from '../dist/cli/cli.js';
import { commands } from '../dist/cli/commands/table.js';
import { declaredCommands } from '../dist/cli/manual/declared.js';
import { DOCUMENTATION_MARK, HELP_COLUMNS } from '../dist/cli/prepared-help.js';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const bundle = `${dist}bundle/`;

/** Packages of many small JavaScript files, and those that are ECMAScript modules only. Others stay in node_modules. */
const JOINED = [
  'aedes',
  'fastest-levenshtein',
  'hyparquet',
  'hyparquet-writer',
  'mqtt',
  'mqtt-packet',
  'protobufjs',
  'sharp',
  'tinyglobby',
  'yaml',
  'yargs',
  'zod',
];

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
        this.emitFile({ type: 'chunk', id: resolve(dirname(id), `${script}.js`), fileName: `${script}.cjs` });
        return `new URL('./${script}.cjs', import.meta.url)`;
      },
    );
    return { code, map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
  },
};

/** sharp finds its library from the folder of its package, where it no longer is. The map need not be exact to the column. */
const keepPlaceOfSharp = {
  name: 'keep-place-of-sharp',
  transform: (code, id) =>
    id.includes('/node_modules/sharp/')
      ? {
          code: code.replace('createRequire(import.meta.url)', "createRequire(createRequire(import.meta.url).resolve('sharp'))"),
          map: null,
        }
      : null,
};

/**
 * Measures text for the parser's tables. The packages that the parser takes for this know emoji and ideographs, and build the
 * tables for them, 30 ms, whenever they are loaded.
 */
const plainWidths = {
  name: 'plain-widths',
  load: (id) =>
    id.includes('/node_modules/string-width/')
      ? "import { stripVTControlCharacters } from 'node:util';\nexport default (text) => [...stripVTControlCharacters(text)].length;"
      : null,
};

/** The client of MQTT takes a copy of Node's streams for browsers and old versions of Node. */
const nodesOwnStreams = {
  name: 'nodes-own-streams',
  resolveId: (id) => (id === 'readable-stream' ? { id: 'node:stream', external: true } : null),
};

const build = await rolldown({
  input: { main: `${dist}main.js` },
  platform: 'node',
  external: isExternal,
  // The parser resolves configuration files that extend others with it; fastsamd has none.
  transform: { define: { 'import.meta.resolve': 'undefined' } },
  plugins: [keepUrls, keepPlaceOfSharp, nodesOwnStreams, plainWidths],
});
const { output } = await build.write({
  dir: bundle,
  // require() finds and compiles a file in half the time of import.
  format: 'cjs',
  // Kept code has lost how to import(); packages that a command loads when it needs them are required then.
  dynamicImportInCjs: false,
  sourcemap: true,
  sourcemapExcludeSources: true,
  // Names stay, for stack traces; white space and comments go.
  minify: { compress: false, mangle: false, codegen: true },
  // Without a hash: the names show in stack traces.
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
});
await build.close();

const written = new Set(output.map(({ fileName }) => fileName));
for (const name of readdirSync(bundle)) if (name !== 'help' && !written.has(name)) rmSync(`${bundle}${name}`, { recursive: true });

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

/** Runs a command and keeps its code. Its outcome does not matter: without the addon, which may not be built yet, a part runs. */
async function keepCodeOf(...args) {
  const root = fileURLToPath(new URL('../', import.meta.url));
  await once(spawn(process.execPath, ['scripts/keep-code.cjs', ...args], { cwd: root, stdio: 'ignore' }), 'exit');
}

/** A broker on which each request is answered at once; its URL and its end. */
async function answeringBroker() {
  const broker = await Aedes.createBroker();
  broker.on('publish', ({ topic, payload }) => {
    if (!topic.includes('/request/')) return;
    const answer = { id: JSON.parse(payload).id, node: 'any', status: 'ok' };
    broker.publish({ topic: topic.replace('/request/', '/response/'), payload: JSON.stringify(answer), qos: 0 }, () => undefined);
  });
  const server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    broker.close();
  };
  return { url: `mqtt://127.0.0.1:${server.address().port}`, stop };
}

const broker = await answeringBroker();
await keepCodeOf('request', 'any', 'read/ping', '--broker', broker.url, '--timeout', '5');
broker.stop();
await keepCodeOf('segment', 'docs/demo.jpg', '--model', 'models/demo.onnx');
