import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeviceRoots, listDevices, resolveDevice } from '../../src/source/devices.js';

const ID = 'usb-Maker_Cam_A1B2-video-index0';
let root = '';
let roots: DeviceRoots;

/** A camera as /dev/video`number`, the way udev and sysfs show it. */
async function plugIn(number: number): Promise<void> {
  const usb = join(root, 'sys/devices/usb1/1-1');
  await mkdir(join(usb, '1-1:1.0'), { recursive: true });
  await writeFile(join(usb, 'serial'), 'A1B2\n');
  const entry = join(roots.sys, 'class/video4linux', `video${number}`);
  await mkdir(entry, { recursive: true });
  await writeFile(join(entry, 'index'), '0\n');
  await symlink(join(usb, '1-1:1.0'), join(entry, 'device'));
  await mkdir(join(roots.dev, 'v4l/by-id'), { recursive: true });
  await writeFile(join(roots.dev, `video${number}`), '');
  await symlink(`../../video${number}`, join(roots.dev, 'v4l/by-id', ID));
}

async function unplug(number: number): Promise<void> {
  await rm(join(roots.sys, 'class/video4linux', `video${number}`), { recursive: true });
  await rm(join(roots.dev, `video${number}`));
  await rm(join(roots.dev, 'v4l/by-id', ID));
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'devices-'));
  roots = { dev: join(root, 'dev'), sys: join(root, 'sys') };
});
afterEach(() => rm(root, { recursive: true }));

describe('V4L2 devices', () => {
  it('are followed by their stable names when they come back under another number', async () => {
    await plugIn(0);
    const names = [`by-id/${ID}`, join(roots.dev, 'v4l/by-id', ID), 'serial/A1B2'];
    expect(await listDevices(roots)).toEqual([{ path: join(roots.dev, 'video0'), stable: [`by-id/${ID}`, 'serial/A1B2'] }]);
    for (const name of names) expect(await resolveDevice(name, roots)).toBe(join(roots.dev, 'video0'));
    await unplug(0);
    for (const name of names) await expect(resolveDevice(name, roots)).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    await plugIn(2);
    for (const name of names) expect(await resolveDevice(name, roots)).toBe(join(roots.dev, 'video2'));
  });

  it.each(['video0', 'by-id/../../etc/passwd', 'serial/', '/etc/passwd'])('%s is none', async (name) => {
    await plugIn(0);
    await expect(resolveDevice(name, roots)).rejects.toMatchObject({ code: 'SOURCE_UNSUPPORTED' });
  });
});
