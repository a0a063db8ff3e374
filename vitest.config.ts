import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';

const folder = fileURLToPath(new URL('test', import.meta.url));
const sources = fileURLToPath(new URL('src/', import.meta.url));
const compiled = fileURLToPath(new URL('dist/', import.meta.url));

/** A test file that imports one of these starts servers or processes; `make check` leaves it out. */
const PROCESSES =
  /from '(node:child_process|playwright-core|[^']*\/(mosquitto|node|rtsp-server|mjpeg-server|command|hanging-driver|certificate|console-node)\.js)'/;
/** Seconds each for another reason: mutated files by the thousand, throttled downloads, whole networks, shared cameras. */
const SLOW = /^(fuzz|soak|tensorrt|source|model\/(download|import)|pipeline\/(sharing|soak)|text\/models|cli\/(text|eval-text))\b/;

/** Replaces modules, so it cannot share them with other files as the quick ones do. */
const MOCKS = /\bvi\.mock\(/;

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
const quick = files.filter((file) => {
  const text = readFileSync(join(folder, file), 'utf8');
  return !SLOW.test(file) && !PROCESSES.test(text) && !MOCKS.test(text);
});

const common = {
  // Processes, not threads: the addon, onnxruntime and signals belong to a process.
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 30_000,
  setupFiles: 'test/helpers/array-equality.ts',
} as const;
const inTest = (names: readonly string[]) => names.map((name) => `test/${name}`);

/** Takes what `src/` was compiled to: each file is a process, and Node loads that in half the time of transforming the sources. */
const compiledSources: Plugin = {
  name: 'compiled-sources',
  enforce: 'pre',
  resolveId(source, importer) {
    const path = source.startsWith('.') && importer ? join(dirname(importer), source) : '';
    return path.startsWith(sources) ? path.replace(sources, compiled) : null;
  },
};
/** Modules that are replaced must be imported by vitest itself. */
const mocking = files.filter((file) => MOCKS.test(readFileSync(join(folder, file), 'utf8')));
const full = files.filter((file) => !quick.includes(file) && !mocking.includes(file) && !file.startsWith('soak/'));

export default defineConfig({
  test: {
    // Quick tests run the sources; others, worker threads and spawned commands run `dist`, which this brings up to date.
    globalSetup: 'test/helpers/compile.ts',
    // Most of the time tests wait, for servers and time limits: one file at a time, the default on two cores, leaves both idle. With three
    // the whole takes 6 % less time, but chromium and compilers hold each other up.
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: 'quick', isolate: false, include: inTest(quick) } },
      {
        plugins: [compiledSources],
        test: { ...common, name: 'full', include: inTest(full), server: { deps: { external: [/\/dist\//] } } },
      },
      { test: { ...common, name: 'mocking', include: inTest(mocking) } },
      { test: { ...common, name: 'soak', include: ['test/soak/**/*.test.ts'] } },
    ],
  },
});
