/** The process that reads sensors, with files that really hang: a FIFO blocks whoever opens it until somebody writes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SensorProcess } from '../../../src/telemetry/sensors/process.js';
import { machines, plant } from '../../helpers/sysfs.js';

let root = '';
let sensors: SensorProcess | undefined;
let logged: { readonly level: number; readonly file?: string; readonly msg: string }[] = [];
const log = pino({}, { write: (line) => void logged.push(JSON.parse(line)) });
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'fastsamd-sysfs-'));
  logged = [];
});
afterEach(() => {
  sensors?.stop();
  rmSync(root, { recursive: true });
});

function hang(file: string): void {
  rmSync(path.join(root, file));
  execFileSync('mkfifo', [path.join(root, file)]);
}

describe('sensor process', { timeout: 120_000 }, () => {
  it('reads this machine', async () => {
    sensors = new SensorProcess({ folders: ['/'], log });
    const { memory, disks } = await sensors.sample();
    expect(memory.totalBytes).toBeGreaterThan(1e8);
    expect(disks['/']!.freeBytes).toBeGreaterThan(0);
  });

  it('leaves a file behind in which a read hangs, says so once, and reads the rest from then on', async () => {
    plant(root, machines.orinNanoJetPack6);
    hang('sys/class/devfreq/17000000.gpu/device/load');
    hang('sys/class/thermal/thermal_zone1/temp');
    sensors = new SensorProcess({ root, folders: [], log, hungMs: 1500 });
    expect((await sensors.sample()).zones).toEqual([]);
    expect((await sensors.sample()).zones).toEqual([]);
    for (let sample = 0; sample < 2; sample += 1) {
      const readings = await sensors.sample();
      expect(readings.gpu).toMatchObject({ load: null, mhz: 1020, maxMhz: 1020 });
      expect(readings.zones.map(({ celsius }) => celsius)).toEqual([63.625, null, 61, 63.781]);
      expect(readings.rails).toHaveLength(3);
    }
    expect(sensors.stuck.toSorted()).toEqual(['/sys/class/devfreq/17000000.gpu/device/load', '/sys/class/thermal/thermal_zone1/temp']);
    expect(logged.map(({ file }) => file).toSorted()).toEqual(sensors.stuck.toSorted());
  });

  it('says once which file cannot be used', async () => {
    plant(root, { ...machines.orinNanoJetPack6, 'sys/class/devfreq/17000000.gpu/device/load': 'busy' });
    sensors = new SensorProcess({ root, folders: [], log });
    for (let sample = 0; sample < 3; sample += 1) expect((await sensors.sample()).gpu.load).toBeNull();
    expect(logged).toEqual([expect.objectContaining({ level: 40, file: '/sys/class/devfreq/17000000.gpu/device/load' })]);
  });

  it('answers nothing known after it was stopped, also to a sample under way', async () => {
    plant(root, machines.pc);
    hang('proc/meminfo');
    sensors = new SensorProcess({ root, folders: [], log });
    const sample = sensors.sample();
    sensors.stop();
    expect((await sample).cpu.mhz).toBeNull();
    expect((await sensors.sample()).cpu.mhz).toBeNull();
  });
});
