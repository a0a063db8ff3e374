/** The preinstall step of the package: what keeps dependencies from downloading more than npm packages. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const libraries = `bin/napi-v6/${process.platform}/${process.arch}`;
let project: string;

/** A project as npm leaves it before the first install step: our scripts, and onnxruntime's install step as published. */
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'fastsamd-project-'));
  cpSync(join(root, 'scripts'), join(project, 'node_modules/fastsamd/scripts'), { recursive: true });
  for (const name of ['package.json', 'script']) {
    cpSync(join(root, 'node_modules/onnxruntime-node', name), join(project, 'node_modules/onnxruntime-node', name), { recursive: true });
  }
  mkdirSync(join(project, 'node_modules/better-sqlite3'));
  writeFileSync(join(project, 'node_modules/better-sqlite3/package.json'), '{}');
  cpSync(join(root, 'node_modules/node-gyp/package.json'), join(project, 'node_modules/node-gyp/package.json'));
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

/** The environment that npm gives to a script, without what this machine is configured with. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { ONNXRUNTIME_NODE_INSTALL: _, ...own } = process.env;
  return { ...own, npm_config_local_prefix: project, npm_config_nodedir: '/usr', ...more };
}

const preinstall = () => run('node', ['scripts/spare-downloads.mjs'], { cwd: join(project, 'node_modules/fastsamd'), env: environment() });

it('lets the install step of onnxruntime end without a connection', async () => {
  await preinstall();
  // Any download would fail: the proxy is a closed port.
  const closed = {
    NODE_PATH: join(root, 'node_modules'),
    GLOBAL_AGENT_HTTPS_PROXY: 'http://127.0.0.1:9',
    GLOBAL_AGENT_HTTP_PROXY: 'http://127.0.0.1:9',
  };
  const { stdout, stderr } = await run('node', ['script/install.js'], {
    cwd: join(project, 'node_modules/onnxruntime-node'),
    env: environment(closed),
  });
  expect(stdout + stderr).toBe('');
});

it.runIf(process.arch === 'x64')('leaves a project alone that uses onnxruntime-node itself', async () => {
  await preinstall();
  expect(readdirSync(join(project, 'node_modules/onnxruntime-node', libraries))).toHaveLength(3);
  rmSync(join(project, 'node_modules/onnxruntime-node/bin'), { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ dependencies: { 'onnxruntime-node': '*' } }));
  await preinstall();
  expect(existsSync(join(project, 'node_modules/onnxruntime-node/bin'))).toBe(false);
});

it('does not fail an installation whose folders it does not know', async () => {
  rmSync(join(project, 'node_modules/onnxruntime-node'), { recursive: true });
  const { stderr } = await preinstall();
  expect(stderr).toBe('fastsamd: onnxruntime-node is not installed; going on, a download may be tried\n');
});

it('gives headers that are installed beside Node to node-gyp', async () => {
  const headers = await run('sh', ['scripts/node-headers.sh'], { cwd: root, env: environment({ npm_config_nodedir: undefined }) });
  const named = await run('sh', ['scripts/node-headers.sh'], { cwd: root, env: environment({ npm_config_nodedir: '/opt/node' }) });
  expect(named.stdout).toBe('/opt/node\n');
  if (headers.stdout !== '') expect(existsSync(join(headers.stdout.trim(), 'include/node/node.h'))).toBe(true);
});
