/** The doctor in the sandbox of a unit, with stand-ins for systemctl and systemd-run. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runAsService, sandboxOf } from '../../src/doctor/as-service.js';

const unit = (name: string) => readFile(new URL(`../../systemd/${name}`, import.meta.url), 'utf8');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-as-service-'));
  await writeFile(join(folder, 'unit'), await unit('fastsamd.service'));
  await writeFile(join(folder, 'systemctl'), `#!/bin/sh\n[ "$2" = fastsamd.service ] && exec cat ${folder}/unit\nexit 1\n`);
  await writeFile(join(folder, 'systemd-run'), `#!/bin/sh\nprintf '%s\\n' "$@" >${folder}/arguments\nexit 3\n`);
  for (const name of ['systemctl', 'systemd-run']) await chmod(join(folder, name), 0o755);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(() => rm(folder, { recursive: true }));

describe('--as-service', () => {
  it("takes the unit's sandbox over, and nothing about the daemon's life", async () => {
    const settings = sandboxOf(await unit('fastsamd.service'));
    for (const setting of ['User=fastsamd', 'SupplementaryGroups=video render', 'DevicePolicy=closed', 'DeviceAllow=char-*.ga10b rw'])
      expect(settings).toContain(setting);
    expect(settings.filter((setting) => /^(Exec|Restart|Type|Watchdog|Timeout|Kill)/.test(setting))).toEqual([]);
    // Of drop-ins too, and of [Service] alone.
    expect(sandboxOf('[Unit]\nWants=x\n[Service]\nUser=a\n# /etc/x.conf\n[Service]\nDeviceAllow=/dev/x rw\n[Install]\nAlias=y')).toEqual([
      'User=a',
      'DeviceAllow=/dev/x rw',
    ]);
  });

  it('runs the command in it, and has its exit code', async () => {
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    expect(await runAsService('fastsamd.service', ['node', 'doctor', '--json'])).toBe(3);
    const given = (await readFile(join(folder, 'arguments'), 'utf8')).trim().split('\n');
    expect(given.slice(-3)).toEqual(['node', 'doctor', '--json']);
    expect(given).toContain('DeviceAllow=char-nvidia* rw');
    await expect(runAsService('other.service', ['node'])).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('no other.service'),
    });
  });

  it('says that it takes root', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    await expect(runAsService('fastsamd.service', [])).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('sudo') });
  });
});
