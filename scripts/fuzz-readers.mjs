#!/usr/bin/env node
/**
 * Coverage-guided fuzzing of the readers written in TypeScript: fuzz-readers.mjs [SECONDS] [TARGET…]. Each target of
 * test/fuzz/targets.ts runs for SECONDS (default: 60) in a thread of its own. Mutated inputs that reach new code (counters of
 * istanbul-lib-instrument, by powers of two as AFL counts them) join the corpus in build/fuzz/corpus. An input that throws anything but
 * a FastsamError, takes over 5 s or 500 MB is kept in build/fuzz and ends the run with 1.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createInstrumenter } from 'istanbul-lib-instrument';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'build/fuzz');
const BUNDLE = join(FOLDER, 'readers.cjs');
const MAX_BYTES = 131_072;
const HANG_MS = 5_000;
const MAX_GROWTH_KB = 500_000;
const COUNTERS = '__coverage__';

if (isMainThread) await main();
else await fuzz(workerData);

async function main() {
  const [seconds = '60', ...wanted] = process.argv.slice(2);
  mkdirSync(FOLDER, { recursive: true });
  const bundle = ['test/fuzz/targets.ts', '--format', 'cjs', '--platform', 'node', '--transform.target', 'node20', '--file', BUNDLE];
  execFileSync(join(ROOT, 'node_modules/.bin/rolldown'), bundle, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const instrumenter = createInstrumenter({ coverageVariable: COUNTERS, compact: true });
  writeFileSync(BUNDLE, instrumenter.instrumentSync(readFileSync(BUNDLE, 'utf8'), BUNDLE));
  const { TARGETS } = createRequire(import.meta.url)(BUNDLE);
  let isWhole = true;
  for (const target of wanted.length > 0 ? wanted : Object.keys(TARGETS))
    isWhole = (await watch(target, Number(seconds) * 1000)) && isWhole;
  process.exitCode = isWhole ? 0 : 1;
}

/** Runs a target in a thread, and ends the thread when one input takes too long. Resolves with whether no input failed. */
function watch(target, milliseconds) {
  const shared = new SharedArrayBuffer(8 + MAX_BYTES);
  const [state, input] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { target, milliseconds, shared } });
  return new Promise((resolve, reject) => {
    let runs = -1;
    const end = (failure) => {
      clearInterval(timer);
      worker.terminate();
      if (failure === undefined) return resolve(true);
      const file = join(FOLDER, `${target}-${createHash('sha256').update(failure.input).digest('hex').slice(0, 16)}`);
      writeFileSync(file, failure.input);
      process.stdout.write(`fuzz-readers: ${target}: ${failure.why}\n  input kept: ${file}\n`);
      resolve(false);
    };
    const timer = setInterval(() => {
      if (state[0] === runs) end({ why: `took over ${HANG_MS / 1000} s`, input: Buffer.from(input.subarray(0, state[1])) });
      runs = state[0];
    }, HANG_MS);
    worker.once('error', reject);
    worker.on('message', ({ failure, report }) => {
      if (report) process.stdout.write(`fuzz-readers: ${target}: ${report}\n`);
      end(failure);
    });
  });
}

/** The loop of one target. */
async function fuzz({ target, milliseconds, shared }) {
  const [state, place] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
  const { TARGETS, attempt, mutate, randomOf } = createRequire(import.meta.url)(BUNDLE);
  // Arrays of counters, whether of statements or of a branch, each beside the powers of two that were seen.
  const counters = Object.values(globalThis[COUNTERS]).flatMap(({ s, b }) => [s, ...Object.values(b)]);
  const seen = counters.map((group) => new Uint32Array(Object.keys(group).length));
  const random = randomOf(randomInt(2 ** 31));
  const folder = join(FOLDER, 'corpus', target);
  mkdirSync(folder, { recursive: true });
  const corpus = [];

  /** Whether the run since the last call reached a place, or a power of two of visits, that no run had. */
  const isNew = () => {
    let found = false;
    for (let group = 0; group < counters.length; group += 1) {
      const [counts, before] = [counters[group], seen[group]];
      for (let k = 0; k < before.length; k += 1) {
        if (counts[k] === 0) continue;
        const bucket = 1 << (31 - Math.clz32(counts[k]));
        counts[k] = 0;
        if ((before[k] & bucket) !== 0) continue;
        before[k] |= bucket;
        found = true;
      }
    }
    return found;
  };

  const run = async (input) => {
    place.set(input);
    state[1] = input.length;
    state[0] = (state[0] + 1) & 0x7fffffff;
    try {
      await attempt(target, Buffer.from(input));
    } catch (error) {
      return { why: error instanceof Error ? (error.stack ?? error.message) : String(error), input };
    }
    return undefined;
  };

  const fail = (failure) => parentPort.postMessage({ failure });
  isNew();
  const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  for (const input of [...TARGETS[target].seeds().map((seed) => Buffer.from(seed)), ...kept]) {
    if (input.length > MAX_BYTES) continue;
    const failure = await run(input);
    if (failure) return fail(failure);
    if (isNew() || corpus.length === 0) corpus.push(input);
  }
  const before = process.resourceUsage().maxRSS;
  const begin = performance.now();
  let runs = 0;
  while (performance.now() - begin < milliseconds) {
    // The newest are the least explored.
    const newest = random(2) === 0 ? corpus.length - 1 - random(Math.min(8, corpus.length)) : random(corpus.length);
    let input = corpus[newest];
    if (random(8) === 0) {
      const other = corpus[random(corpus.length)];
      input = Buffer.concat([input.subarray(0, random(input.length + 1)), other.subarray(random(other.length + 1))]);
    }
    input = mutate(input, random).subarray(0, MAX_BYTES);
    const failure = await run(input);
    if (failure) return fail(failure);
    runs += 1;
    const growth = process.resourceUsage().maxRSS - before;
    if (growth > MAX_GROWTH_KB) return fail({ why: `took ${Math.round(growth / 1000)} MB`, input });
    if (isNew()) {
      corpus.push(input);
      writeFileSync(join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16)), input);
    }
  }
  const reached = seen.reduce((sum, group) => sum + group.filter((buckets) => buckets !== 0).length, 0);
  parentPort.postMessage({
    report: `${runs} runs in ${Math.round((performance.now() - begin) / 1000)} s, ${corpus.length} inputs kept, ${reached} places reached`,
  });
}
