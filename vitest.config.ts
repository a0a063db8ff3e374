import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const folder = fileURLToPath(new URL('test', import.meta.url));
const sources = fileURLToPath(new URL('src/', import.meta.url));
const compiled = fileURLToPath(new URL('dist/', import.meta.url));

/** A test file that imports one of these starts servers or processes; `make check` leaves it out. */
const PROCESSES =
  /from '(node:child_process|playwright-core|[^']*\/(mosquitto|node|rtsp-server|mjpeg-server|command|hanging-driver|certificate|console-node)\.js)'/;
/** Seconds each for another reason: mutated files by the thousand, throttled downloads, whole networks, shared cameras. */
const SLOW =
  /^(fuzz|soak|tensorrt|source|golden|daemon\/corruption|engine\/engine-file|limits\/small-input|model\/(download|import)|mqtt\/request-fuzz|pipeline\/(sharing|soak|tiled-engine)|text\/models|cli\/(text|eval-text))\b/;

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

/** Takes what `src/` was compiled to: Node loads that in half the time of transforming the sources. */
const compiledSources: Plugin = {
  name: 'compiled-sources',
  enforce: 'pre',
  resolveId(source, importer) {
    const path = source.startsWith('.') && importer ? join(dirname(importer), source) : '';
    return path.startsWith(sources) ? path.replace(sources, compiled) : null;
  },
};
/**
 * These take long for their size, which vitest orders files by as long as it has not run them: they wait for time limits. At the end of
 * a run they would leave the cores idle.
 */
const LONG = /\/test\/(console\/(memory|view-rate)|daemon\/(planted-secrets|silent-camera)|source\/hostile)\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(specifications);
    return sorted.sort((a, b) => Number(LONG.test(b.moduleId)) - Number(LONG.test(a.moduleId)));
  }
}

/** Modules that are replaced must be imported by vitest itself. */
const mocking = files.filter((file) => MOCKS.test(readFileSync(join(folder, file), 'utf8')));
const full = files.filter((file) => !quick.includes(file) && !mocking.includes(file) && !file.startsWith('soak/'));

export default defineConfig({
  test: {
    // Quick tests run the sources; others, worker threads and spawned commands run `dist`, which this brings up to date.
    globalSetup: 'test/helpers/compile.ts',
    // Tests wait for half of their time, for servers and time limits: two at a time, the default on two cores, leave much of them idle.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    projects: [
      { test: { ...common, name: 'quick', isolate: false, include: inTest(quick) } },
      {
        plugins: [compiledSources],
        // A process takes one file after the other: a new one for each would load the same modules again, a tenth of the time of all.
        test: { ...common, name: 'full', isolate: false, include: inTest(full), server: { deps: { external: [/\/dist\//] } } },
      },
      { test: { ...common, name: 'mocking', include: inTest(mocking) } },
      { test: { ...common, name: 'soak', include: ['test/soak/**/*.test.ts'] } },
    ],
  },
});
