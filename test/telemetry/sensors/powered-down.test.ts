/** Zones whose unit is powered down: JetPack 6 answers EAGAIN for cv0 to cv2 at every read. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { machines, plant } from '../../helpers/sysfs.js';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    openSync: (file: string, flags: string) => {
      if (file.endsWith('thermal_zone1/temp'))
        throw Object.assign(new Error('EAGAIN: resource temporarily unavailable'), { code: 'EAGAIN' });
      return fs.openSync(file, flags);
    },
  };
});
const { sensorFiles } = await import('../../../src/telemetry/sensors/files.js');
const { readSensors } = await import('../../../src/telemetry/sensors/readings.js');

let root = '';
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'fastsamd-sysfs-'));
  plant(root, machines.orinNanoJetPack6);
});
afterAll(() => rmSync(root, { recursive: true }));

it('have no temperature, and are no problem', () => {
  const { zones, problems } = readSensors(sensorFiles({ root }), { folders: [] });
  expect(zones[1]!.celsius).toBeNull();
  expect(zones.filter(({ celsius }) => celsius !== null).length).toBe(zones.length - 1);
  expect(problems).toEqual([]);
});
