/**
 * What whole runs open for writing and connect to, as the kernel sees it: nothing of the vendors of our libraries. Needs
 * strace and the right to trace a child.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeClipModel } from '../../helpers/clip-model.js';
import { writeTestModel } from '../../helpers/onnx-model.js';

const BIN = fileURLToPath(new URL('../../../bin/fastsamd', import.meta.url));
const LIBRARY = new URL('../../../dist/index.js', import.meta.url).href;
const CALLS = 'open,openat,creat,mkdir,mkdirat,connect,sendto,sendmsg';

function canTrace(): boolean {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

let directory = '';
let model = '';
let runs = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-telemetry-'));
  model = await writeTestModel(join(directory, 'three.onnx'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Trace {
  /** Files and folders that were opened for writing or made; read for machine-id. */
  readonly paths: string[];
  /** Addresses outside this machine. */
  readonly addresses: string[];
}

/** onnxruntime stays silent by itself where one of these says that a build server runs it: a test there would prove nothing. */
const BUILD_SERVER = /^(CI|TF_BUILD|GITHUB_ACTIONS|GITLAB_CI|TRAVIS|JENKINS_URL|CODEBUILD_BUILD_ID|APPVEYOR)$/;

/** Runs node under strace in a home and a temporary folder made for this run. */
async function traced(args: readonly string[], environment: Record<string, string> = {}): Promise<Trace> {
  const home = join(directory, `home-${runs}`);
  const out = join(directory, `trace-${runs}`);
  runs += 1;
  const temporary = join(home, 'tmp');
  await mkdir(temporary, { recursive: true });
  const { ORT_DISABLE_TELEMETRY, XDG_CACHE_HOME, ...environmentHere } = process.env;
  const inherited = Object.fromEntries(Object.entries(environmentHere).filter(([name]) => !BUILD_SERVER.test(name)));
  await new Promise<void>((resolve, reject) => {
    execFile(
      'strace',
      ['-f', '-qq', '-s', '200', '-e', `trace=${CALLS}`, '-o', out, process.execPath, ...args],
      { env: { ...inherited, HOME: home, TMPDIR: temporary, ...environment }, cwd: home, maxBuffer: 2 ** 26 },
      (error, _stdout, stderr) => (error ? reject(new Error(`${error.message} ${stderr}`)) : resolve()),
    );
  });
  const paths: string[] = [];
  const addresses: string[] = [];
  for (const line of (await readFile(out, 'utf8')).split('\n')) {
    const path = /^\d+ +(?:open|creat|mkdir)\w*\((?:AT_FDCWD, )?"([^"]*)"/.exec(line)?.[1];
    const writes = /O_WRONLY|O_RDWR|O_CREAT|\b(?:creat|mkdir)\w*\(/.test(line) || path?.endsWith('machine-id');
    if (path !== undefined && writes && !line.includes('ENOENT')) paths.push(path.replace(home, '~'));
    const address = /sin6?_addr|inet_pton/.test(line) ? /"([0-9a-f.:]+)"/i.exec(line)?.[1] : undefined;
    if (address !== undefined && !/^(127\.|::1$|::ffff:127\.)/.test(address)) addresses.push(address);
  }
  return { paths, addresses };
}

/** Devices, the kernel's own files, and what belongs to the command: its temporary files, and the demo's picture where it runs. */
const EXPECTED = /^(\.$|fastsamd-demo\.jpg$|\/dev\/|\/proc\/self\/|~\/tmp\/fastsamd-|~\/\.cache(\/gstreamer-1\.0.*)?$)/;

describe.skipIf(!canTrace())('a whole run', () => {
  it.each([
    [
      'segment with a text model',
      async () => [
        BIN,
        'segment',
        'test:conveyor?frames=2',
        '--model',
        model,
        '--text',
        'a red part',
        '--text-model',
        await writeClipModel(join(directory, 'clip')),
      ],
    ],
    ['the daemon with a broker of its own', async () => [BIN, 'demo', '--model', model, '--frames', '3']],
    [
      'the library in a worker thread, whose environment is a copy',
      async () => [
        '-e',
        `const { Worker } = require('node:worker_threads');
         const code = "import('${LIBRARY}').then(async ({ openEngine }) => { const engine = await openEngine({ model: '${model}' }); await engine.stop(); })";
         new Worker(code, { eval: true, env: {} });`,
      ],
    ],
  ])(
    'writes and asks nobody but what it is for: %s',
    async (_, args) => {
      const { paths, addresses } = await traced(await args());
      expect(addresses).toEqual([]);
      expect([...new Set(paths)].filter((path) => !EXPECTED.test(path))).toEqual([]);
    },
    120_000,
  );

  it('would be seen: with ORT_DISABLE_TELEMETRY=0 onnxruntime writes to the home of the user', async () => {
    // onnxruntime writes from a thread of its own: a process that ends at once may leave nothing behind.
    const code = `import('${LIBRARY}').then(async ({ openEngine }) => {
      const engine = await openEngine({ model: '${model}' });
      const written = () => require('node:fs').existsSync(process.env.HOME + '/.cache/Microsoft/DeveloperTools');
      for (const end = Date.now() + 60_000; !written() && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 50));
      await engine.stop();
    })`;
    const { paths } = await traced(['-e', code], { ORT_DISABLE_TELEMETRY: '0' });
    expect(paths.join('\n')).toMatch(/Microsoft\/DeveloperTools/);
  }, 120_000);
});
