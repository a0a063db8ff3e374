/** The systemd units, and what "make install" puts where. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEVICES, deniedNodes } from '../helpers/device-nodes.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const units = ['systemd/fastsamd.service', 'systemd/fastsamd@.service'];
/** What the issue of a hardened service allows at most. */
const MOST_EXPOSURE = 2.5;

function hasAnalyze(): boolean {
  try {
    // Older ones do not look at files.
    return Number(/^systemd (\d+)/.exec(execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' }))?.[1]) >= 250;
  } catch {
    return false;
  }
}

describe.skipIf(!hasAnalyze())('systemd units (needs systemd-analyze 250)', () => {
  it('pass systemd-analyze verify without a word', async () => {
    const { stdout, stderr } = await run('systemd-analyze', ['verify', ...units], { cwd: root });
    expect(stdout + stderr).toBe('');
  });

  it.each(units)('%s exposes little', async (unit) => {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], { cwd: root });
    const exposure = Number(/Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThanOrEqual(MOST_EXPOSURE);
  });
});

it.each(units)('%s lets the daemon ask whether the clock is synchronised, and nothing set it', (unit) => {
  const service = readFileSync(join(root, unit), 'utf8').split('[Service]')[1]!;
  // ProtectClock= refuses both, as @privileged does.
  expect(service).not.toMatch(/^ProtectClock=/m);
  expect(service.slice(service.indexOf('SystemCallFilter=~@privileged'))).toMatch(/^SystemCallFilter=adjtimex clock_adjtime$/m);
  expect(service).toMatch(/^CapabilityBoundingSet=$/m);
  expect(service).toMatch(/^AmbientCapabilities=$/m);
});

it.each(units)('%s limits memory and tasks, and writes no memory to the disk', (unit) => {
  const service = readFileSync(join(root, unit), 'utf8').split('[Service]')[1]!;
  expect(service).toMatch(/^MemoryMax=\d+%$/m);
  expect(service).toMatch(/^TasksMax=\d+$/m);
  expect(service).toMatch(/^LimitCORE=0$/m);
  // Below what the program asks for at its start, it would refuse to run.
  const files = /^LimitNOFILE=(\d+)/m.exec(service);
  expect(Number(files?.[1] ?? 1024)).toBeGreaterThanOrEqual(256);
});

describe.each(units)('%s lets the GPU in', (unit) => {
  const allowed = [...readFileSync(join(root, unit), 'utf8').matchAll(/^DeviceAllow=(.*)$/gm)].map(([, value]) => value!);

  it.each(Object.keys(DEVICES))("on %s: every node of NVIDIA's list", (machine) => {
    expect(deniedNodes(DEVICES[machine]!, allowed)).toEqual([]);
  });

  it('and no line of it is there for nothing', () => {
    for (const line of allowed) {
      const rest = allowed.filter((each) => each !== line);
      const missed = Object.values(DEVICES).flatMap((table) => deniedNodes(table, rest));
      expect(missed, line).not.toEqual([]);
    }
  });

  it('and not the rest of the machine', () => {
    const others = { '/dev/mem': 'mem', '/dev/sda': 'sd', '/dev/input/event0': 'input', '/dev/rtc0': 'rtc' };
    const procDevices = 'Character devices:\n  1 mem\n 13 input\n 14 sd\n250 rtc\n\nBlock devices:\n';
    expect(deniedNodes({ procDevices, nodes: others }, allowed)).toEqual(Object.keys(others));
  });
});

it('the template unit differs only in what names the instance', () => {
  const lines = units.map((unit) => readFileSync(join(root, unit), 'utf8').split('\n').slice(1));
  const [plain, template] = lines as [string[], string[]];
  const differing = template.filter((line, index) => line !== plain[index]);
  expect(template).toHaveLength(plain.length);
  for (const line of differing) expect(line).toContain('%i');
  expect(differing.length).toBeGreaterThan(3);
});

// Copies what is installed of node_modules, twice.
describe.skipIf(!process.env.CHECK_DEB)('make install (make check-deb)', { timeout: 600_000 }, () => {
  let staging = '';
  const install = (action: string) =>
    run(join(root, 'scripts/install.sh'), [action], {
      env: { ...process.env, DESTDIR: staging, PREFIX: '/opt/x', UNITDIR: '/lib/systemd/system' },
    });
  beforeAll(() => {
    staging = mkdtempSync(join(tmpdir(), 'fastsamd-install-'));
  });
  afterAll(() => rmSync(staging, { recursive: true }));

  it('installs a command that works from where it is, and takes it away without the configuration', async () => {
    await install('install');
    const command = join(staging, 'opt/x/bin/fastsamd');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect((await run(command, ['--version'])).stdout.trim()).toBe(version);
    await expect(run(join(staging, 'opt/x/lib/fastsamd/build/Release/fastsamd-gpio'), [])).rejects.toMatchObject({ code: 2 });
    // Its model is still to be pulled, so that "config check" would refuse it.
    expect((await run(command, ['config', 'show', join(staging, 'etc/fastsamd/config.yaml')])).stdout).toMatch(/path: "?fastsam-s"?$/m);
    expect(readFileSync(join(staging, 'lib/systemd/system/fastsamd.service'), 'utf8')).toContain('ExecStart=/opt/x/bin/fastsamd run');
    expect(existsSync(join(staging, 'opt/x/lib/fastsamd/node_modules/vitest'))).toBe(false);

    writeFileSync(join(staging, 'etc/fastsamd/config.yaml'), '# mine\n');
    await install('install');
    await install('uninstall');
    expect(existsSync(join(staging, 'opt/x/lib/fastsamd'))).toBe(false);
    expect(existsSync(command)).toBe(false);
    expect(existsSync(join(staging, 'lib/systemd/system/fastsamd.service'))).toBe(false);
    expect(readFileSync(join(staging, 'etc/fastsamd/config.yaml'), 'utf8')).toBe('# mine\n');
  });
});
