/** The whole package where the library of TensorRT is absent, cut short or of another version. */
import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeTestModel } from '../helpers/onnx-model.js';
import { fastsamd, hasStandin, type Outcome, standin } from './package.js';

// Every command starts a node of its own.
vi.setConfig({ testTimeout: 240_000 });

/** The daemon until its camera streams; then it is told to end. */
function untilStreaming(root: string, config: string, env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'bin/fastsamd'), 'run', '--config', config], {
      env: { ...process.env, ...env },
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      // A second signal would end it at once.
      if (stderr.includes('camera scene: streaming') && !child.killed) child.kill('SIGTERM');
    });
    child.once('close', (code) => resolve({ code, stdout: '', stderr }));
  });
}

describe.skipIf(!hasStandin)('libraries of TensorRT that are no use (needs "make check-tensorrt")', () => {
  let directory = '';
  let model = '';
  const at = (name: string) => join(directory, name);
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fastsamd-libraries-'));
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#777' } })
      .png()
      .toFile(at('grey.png'));
    model = await writeTestModel(at('plain.onnx'), { convolution: true });
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** A copy of the package whose TensorRT was changed. */
  async function changed(name: string, change: (release: string, library: string) => Promise<void>): Promise<string> {
    const [root, release] = [at(name), at(`${name}/build/Release`)];
    await mkdir(release, { recursive: true });
    for (const part of ['config', 'models', 'node_modules', 'src', 'package.json']) await symlink(join(standin, part), join(root, part));
    // Not linked: modules and the addon are looked for beside the real path.
    for (const part of ['bin', 'dist']) await cp(join(standin, part), join(root, part), { recursive: true });
    await cp(join(standin, 'build/Release'), release, { recursive: true, verbatimSymlinks: true });
    const library = (await readdir(release)).find((file) => file.startsWith('libnvinfer.so.'))!;
    await change(release, library);
    return root;
  }

  const other = 'extern "C" int getInferLibVersion() { return 9300; }';
  it.each<[string, RegExp, (release: string, library: string) => Promise<void>]>([
    ['absent', /TensorRT \d+ is not installed/, (release, library) => rm(join(release, library))],
    [
      'truncated',
      /TensorRT cannot be loaded: .*libnvinfer\.so\.\d+ is cut short/,
      (release, library) => truncate(join(release, library), 1000),
    ],
    [
      'of another version',
      /was built for TensorRT \d+, and TensorRT 9\.3\.0 is installed; build it again/,
      async (release, library) => {
        await rm(join(release, library));
        await writeFile(join(release, 'other.cc'), other);
        await promisify(execFile)('g++', ['-shared', '-fPIC', '-o', join(release, 'libnvinfer.so.9'), join(release, 'other.cc')]);
      },
    ],
  ])('%s: segment, doctor and run go on without', async (name, why, change) => {
    const root = await changed(name.replaceAll(' ', '-'), change);
    const env = { LD_LIBRARY_PATH: join(root, 'build/Release') };
    const of = (args: readonly string[]) => fastsamd(args, env, root);
    const segment = ['segment', at('grey.png'), '--model', model];
    expect(await of([...segment, '--backend', 'onnxruntime'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/3 objects/) });
    const tensorrt = await of([...segment, '--backend', 'tensorrt']);
    expect(tensorrt.code).not.toBe(0);
    expect(tensorrt.stderr).toMatch(why);
    const doctor = await of(['doctor', '--json']);
    expect(doctor.stdout).toMatch(why);
    expect(() => JSON.parse(doctor.stdout)).not.toThrow();
    await writeFile(
      at('auto.yaml'),
      `node: auto\nmodel: { path: ${model} }\nlog: { level: info }\ncameras: [{ id: scene, source: "test:shapes?width=64&height=64&fps=20" }]\n`,
    );
    const ran = await untilStreaming(root, at('auto.yaml'), env);
    expect(ran.stderr).toMatch(why);
    expect(ran.stderr).toMatch(/camera scene: streaming/);
    expect(ran.code).toBe(0);
  });
});
