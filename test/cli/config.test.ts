import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fastsamdHere } from '../helpers/command-here.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const launcher = path.join(root, 'bin/fastsamd');
const defaults = path.join(root, 'config/default.yaml');
const demo = path.join(root, 'models/demo.onnx');

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command, as a user does. */
function fastsamd(args: readonly string[], command = launcher): Promise<Outcome> {
  return new Promise((resolve) => {
    const child: ChildProcess = execFile(process.execPath, [command, ...args], { encoding: 'utf8' }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'fastsamd-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function configFile(text: string): Promise<string> {
  const file = path.join(folder, 'config.yaml');
  await writeFile(file, text);
  return file;
}

describe('usage', () => {
  it.each([
    ['no command', [], 'expected a command (see fastsamd --help)'],
    ['an unknown command', ['confg'], 'unknown command "confg"; did you mean "config"? (see fastsamd --help)'],
    ['an unknown command with options', ['confg', '--file', 'x'], 'unknown command "confg"; did you mean "config"? (see fastsamd --help)'],
    ['no subcommand', ['config'], 'expected check, schema or show (see fastsamd config --help)'],
    ['an unknown subcommand', ['config', 'chek'], 'unknown command "chek"; did you mean "check"? (see fastsamd config --help)'],
    [
      'an unknown option',
      ['config', 'check', 'f', '--degub'],
      'unknown option --degub; did you mean --debug? (see fastsamd config check --help)',
    ],
    ['an unknown option and no command', ['--hlep'], 'unknown option --hlep; did you mean --help? (see fastsamd --help)'],
    ['a missing argument', ['config', 'check'], 'expected fastsamd config check <file> (see fastsamd config check --help)'],
    [
      'an argument too many',
      ['config', 'check', 'a', 'b'],
      'unexpected argument "b"; expected fastsamd config check <file> (see fastsamd config check --help)',
    ],
  ])('%s is one clear line and exit code 2', async (_, args, line) => {
    expect(await fastsamdHere(...args)).toEqual({ code: 2, stdout: '', stderr: `fastsamd: ${line}\n` });
  });

  it('the command itself says it on standard error', async () => {
    const stderr = 'fastsamd: unknown command "chek"; did you mean "check"? (see fastsamd config --help)\n';
    expect(await fastsamd(['config', 'chek'])).toEqual({ code: 2, stdout: '', stderr });
  });

  it('--help teaches', async () => {
    const { code, stdout, stderr } = await fastsamd(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of ['fastsamd config', '--debug', 'Examples:', 'Exit code:', 'Documentation:']) expect(stdout).toContain(word);
    expect((await fastsamd(['config', 'check', '--help'])).stdout).toContain('fastsamd config check <file>');
  });

  it('--version is the package version', async () => {
    expect(await fastsamd(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('works through a symbolic link, as npm install -g makes one', async () => {
    const link = path.join(folder, 'fastsamd');
    await symlink(launcher, link);
    expect(await fastsamd(['config', 'show', defaults], link)).toMatchObject({ code: 0 });
  });
});

describe('config check', () => {
  it('says what a good file holds', async () => {
    const file = await configFile(`model: { path: ${demo} }\ncameras: [{ id: a, source: "test:shapes" }]\n`);
    expect(await fastsamd(['config', 'check', file])).toEqual({
      code: 0,
      stdout: `${file}: ok (1 camera, model demo.onnx)\n`,
      stderr: '',
    });
  });

  it('reads the files that are named, and the labels of the model', async () => {
    await writeFile(path.join(folder, 'empty'), '');
    await writeFile(path.join(folder, 'FastSAM-x.pt'), 'PK\x03\x04');
    const problems = async (model: string, more = '') => {
      const file = await configFile(`model: { path: ${model} }\n${more}`);
      const { code, stdout, stderr } = await fastsamd(['config', 'check', file]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr.replaceAll(`${file}:`, '').replaceAll(folder, '.').trimEnd().split('\n');
    };
    const camera = 'cameras: [{ id: a, source: "test:shapes" }]\n';
    expect(await problems('absent.onnx', camera)).toEqual([
      expect.stringMatching(/^fastsamd: 1:10 model\.path: \.\/absent\.onnx: no such file/),
    ]);
    expect(await problems('FastSAM-x.pt', camera)).toEqual([
      'fastsamd: 1:10 model.path: ./FastSAM-x.pt: a PyTorch file, not an ONNX model; import it first: fastsamd model import ./FastSAM-x.pt',
    ]);
    const rest = [
      'cameras:',
      '  - { id: a, source: "rtsp://host/x", passwordFile: none }',
      '  - id: b',
      '    source: "test:shapes"',
      '    prompts: [{ id: p, type: label, labels: [car] }]',
      'governor: { smallModel: small.onnx }',
      'mqtt:',
      '  passwordFile: empty',
      '  tls: { caFile: ca.pem }',
    ];
    expect(await problems(demo, rest.join('\n'))).toEqual([
      expect.stringMatching(/^fastsamd: 3:39 cameras\[0\]\.passwordFile: \.\/none: no such file/),
      expect.stringMatching(/^fastsamd: 6:5 cameras\[1\]\.prompts: prompt "p": model demo has no label "car"; it is class-agnostic/),
      expect.stringMatching(/^fastsamd: 7:13 governor\.smallModel: .*small\.onnx: no such file/),
      expect.stringMatching(/^fastsamd: 9:3 mqtt\.passwordFile: \.\/empty: empty or not set/),
      expect.stringMatching(/^fastsamd: 10:10 mqtt\.tls\.caFile: \.\/ca\.pem: no such file/),
    ]);
  });

  it('names every mistake, exit code 2', async () => {
    const file = await configFile('model: { path: m }\ncameras:\n  - id: belt\n    sorce: x\n');
    expect(await fastsamd(['config', 'check', file])).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        `fastsamd: ${file}:3:5 cameras[0].source: missing; expected text of 1 to 4096 characters`,
        `fastsamd: ${file}:4:5 cameras[0].sorce: unknown key; did you mean "source"?`,
        '',
      ].join('\n'),
    });
  });

  it('shows a stack trace only with --debug', async () => {
    const plain = await fastsamd(['config', 'check', path.join(folder, 'absent.yaml')]);
    const debug = await fastsamd(['config', 'check', path.join(folder, 'absent.yaml'), '--debug']);
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringMatching(/^fastsamd: .*absent\.yaml: no such file.*\n$/) });
    expect(debug).toMatchObject({ code: 2, stderr: expect.stringMatching(/\n {4}at /) });
  });
});

it('config show prints the effective configuration without secrets', async () => {
  const file = await configFile('model: { path: m.onnx }\ncameras: [{ id: a, source: "rtsp://me:s3cret@host/x" }]\n');
  const { code, stdout } = await fastsamd(['config', 'show', file]);
  expect(code).toBe(0);
  expect(stdout).not.toContain('s3cret');
  expect(parse(stdout)).toMatchObject({
    model: { path: path.join(folder, 'm.onnx'), backend: 'auto' },
    cameras: [{ source: expect.stringMatching(/^rtsp:\/\/host\/#[0-9a-f]{6}$/), prompts: [] }],
    mqtt: { url: 'mqtt://127.0.0.1:1883' },
  });
});

it('config schema prints the committed JSON Schema', async () => {
  const { code, stdout } = await fastsamd(['config', 'schema']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'object', required: ['model', 'cameras'], additionalProperties: false });
});

it('a reader that goes away is no error', async () => {
  const child = spawn(process.execPath, [launcher, 'config', 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code] = await once(child, 'close');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('SIGINT ends a command that does not handle it with 130', async () => {
  // Sends the signal as soon as somebody listens for it, and keeps the process alive until it has arrived.
  const preload = `
    process.on('newListener', (event) => event === 'SIGINT' && setImmediate(() => process.kill(process.pid, 'SIGINT')));
    setTimeout(() => {}, 60_000);
  `;
  const preloaded = `--import=data:text/javascript,${encodeURIComponent(preload)}`;
  const child = spawn(process.execPath, [preloaded, launcher, 'config', 'check', defaults], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([130, null]);
});
