// The tests that attack a node, at full strength: hostile.mjs [SLICE…]; without a slice, all of them. Each slice runs some test files with
// more rounds than `make test`, and collects what they measure (test/helpers/figure.ts) in build/hostile/SLICE.json. At the end all slices
// that were ever measured are judged and written into docs/hardening.md. Exits with 1 when a test failed or a figure is out of its limits.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = `${root}build/hostile`;

/** By name: what it shows, its test files, what makes them longer, and the tests of those files that count (default: all). */
const SLICES = {
  log: {
    shows: 'A log that is blocked or on a full disk',
    files: ['test/daemon/blocked-log.test.ts'],
    environment: { BLOCKED_SECONDS: 60 },
  },
  cameras: {
    shows: 'A hostile camera of each kind for 10 s, beside a healthy one',
    files: ['test/source/hostile.test.ts', 'test/source/redirect.test.ts'],
    environment: { HOSTILE_SECONDS: 10 },
  },
  redaction: { shows: 'Redaction of hostile texts', files: ['test/config/redact.test.ts'], environment: {} },
  secrets: {
    shows: 'Secrets in the addresses of cameras: in no log, message, command line or report',
    files: ['test/daemon/planted-secrets.test.ts', 'test/config/source-name.test.ts'],
    environment: {},
  },
  kills: {
    shows: 'SIGKILL at 100 random moments; events and prompts are compared after each',
    files: ['test/soak/kills.test.ts'],
    environment: { KILLS: 100 },
  },
  state: {
    shows: 'Damaged state files, a full disk, a deleted directory',
    files: ['test/daemon/state.test.ts'],
    environment: {},
  },
  corruption: {
    shows: 'State files with random damage',
    files: ['test/events/event-database.test.ts', 'test/record/verdict-database.test.ts', 'test/daemon/corruption.test.ts'],
    // In memory: every round syncs its files.
    environment: { CORRUPTIONS: 1000, TMPDIR: '/dev/shm' },
  },
  broker: {
    shows: 'The embedded broker, the metrics and the console under attack',
    files: ['test/broker/embedded-broker.test.ts', 'test/daemon/metrics/server.test.ts', 'test/console/security.test.ts'],
    environment: { BROKER_SECONDS: 10 },
  },
  acl: {
    shows: 'Access control on a real mosquitto, and jobs that kill their worker',
    files: ['test/broker/broker-acl.test.ts', 'test/mqtt/jobs.test.ts', 'test/mqtt/job-worker.test.ts'],
    environment: {},
  },
  clock: {
    shows: 'A clock that jumps from 2001 to now, and by an hour and a year, forwards and back',
    files: ['test/soak/clock.test.ts'],
    environment: { CLOCK_JUMPS: 'all' },
  },
  stopping: { shows: 'SIGTERM in every state', files: ['test/daemon/stopping.test.ts'], environment: {} },
  sandbox: {
    shows: 'What a whole run asks of the kernel, compared with what the unit allows',
    files: ['test/packaging/sandbox.test.ts', 'test/packaging/units.test.ts'],
    environment: { SANDBOX_TRACE: 1 },
  },
  inputs: {
    shows: 'Small inputs that claim a lot',
    files: ['test/limits/small-input.test.ts', 'test/contract/packet-limit.test.ts'],
    environment: {},
  },
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in SLICES));
if (unknown.length > 0) {
  process.stderr.write(`hostile: no slice "${unknown.join('", "')}"; there are ${Object.keys(SLICES).join(', ')}\n`);
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const names = chosen.length > 0 ? chosen : Object.keys(SLICES);
for (const [k, name] of names.entries()) {
  process.stdout.write(`hostile: ${name} (${k + 1} of ${names.length}): ${SLICES[name].shows}\n`);
  measure(name);
}
const results = Object.keys(SLICES).flatMap((name) =>
  existsSync(pathOf(name)) ? [[name, JSON.parse(readFileSync(pathOf(name), 'utf8'))]] : [],
);
writeFileSync(`${root}docs/hardening.md`, pageOf(results));
const bad = results.filter(([name]) => names.includes(name)).flatMap(([name, result]) => verdictsOf(name, result));
for (const line of bad) process.stdout.write(`hostile: not ok: ${line}\n`);
process.stdout.write(`hostile: ${names.length} of ${Object.keys(SLICES).length} slices, ${bad.length} not ok; docs/hardening.md\n`);
process.exit(bad.length > 0 ? 1 : 0);

function pathOf(name) {
  return `${folder}/${name}.json`;
}

function measure(name) {
  const { files, environment } = SLICES[name];
  const figures = `${folder}/${name}.figures`;
  const report = `${folder}/${name}.tests.json`;
  for (const file of [figures, report]) rmSync(file, { force: true });
  writeFileSync(figures, '');
  const begin = performance.now();
  const command = [
    'run',
    ...files,
    '--no-file-parallelism',
    '--silent=passed-only',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  spawnSync(`${root}node_modules/.bin/vitest`, command, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment, HOSTILE_FIGURES: figures },
  });
  const tests = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
  const result = {
    date: new Date().toISOString().slice(0, 10),
    seconds: Math.round((performance.now() - begin) / 1000),
    load: loadavg()[0],
    passed: tests.numPassedTests ?? 0,
    failed: tests.numFailedTests ?? 1,
    skipped: tests.numPendingTests ?? 0,
    figures: readFileSync(figures, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  };
  writeFileSync(pathOf(name), JSON.stringify(result));
}

function isOk({ value, most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }) {
  return value <= most && value >= least;
}

/** Times and rates say nothing where others had the processor: out of their limits there, they are neither ok nor not. */
function isJudged({ unit = '' }, load) {
  return !['ms', '%'].includes(unit) || load <= 1.5 * cpus().length;
}

function verdictsOf(name, { failed, figures, load }) {
  const lines = figures
    .filter((figure) => !isOk(figure) && isJudged(figure, load))
    .map(({ what, value, unit = '' }) => `${name}: ${what}: ${numberOf(value)} ${unit}`);
  return failed > 0 ? [`${name}: ${failed} tests failed`, ...lines] : lines;
}

function numberOf(value) {
  return Math.abs(value) < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

function rowOf(figure, load) {
  const { what, value, unit = '', most, least } = figure;
  const limit = [most === undefined ? '' : `≤ ${numberOf(most)}`, least === undefined ? '' : `≥ ${numberOf(least)}`]
    .filter(Boolean)
    .join(', ');
  return `| ${what.replaceAll('|', '\\|')} | ${numberOf(value)} ${unit} | ${limit} | ${limit === '' ? '' : isOk(figure) ? 'yes' : isJudged(figure, load) ? '**no**' : 'machine busy'} |`;
}

function pageOf(measured) {
  const missing = Object.keys(SLICES).filter((name) => !measured.some(([other]) => other === name));
  const sections = measured.map(([name, { date, seconds, load, passed, failed, skipped, figures }]) => {
    const tests = [
      `${passed} ${passed === 1 ? 'test' : 'tests'} passed`,
      ...(failed ? [`**${failed} failed**`] : []),
      ...(skipped ? [`${skipped} skipped`] : []),
    ].join(', ');
    const table =
      figures.length === 0
        ? ''
        : `\n| figure | measured | limit | ok |\n| --- | --- | --- | --- |\n${figures.map((figure) => rowOf(figure, load)).join('\n')}\n`;
    return `## ${SLICES[name].shows}\n\n\`make hostile SLICES=${name}\`: ${tests} in ${seconds} s (${date}, load average ${load.toFixed(1)}).\n${table}`;
  });
  return `# What attacks cost

\`make hostile\` runs the tests that attack a node at full strength, judges what they measured, and writes this page. The tests ran on ${cpus().length} cores
(${cpus()[0]?.model ?? 'unknown'}, ${arch()}) with Node ${process.versions.node}. Where the load average was above 1.5 for each core, a time or a rate out of its limits is marked "machine
busy": it says nothing then. How a node meets these attacks is in [operations](operations.md), [cameras](cameras.md) and [mqtt](mqtt.md);
what happens when many faults come at once is in [chaos](chaos.md).

${missing.length > 0 ? `Not measured so far on a machine that had time for it: ${missing.join(', ')}.\n\n` : ''}${sections.join('\n')}`;
}
