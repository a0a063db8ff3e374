import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sensorFiles } from '../../../src/telemetry/sensors/files.js';
import { readSensors, type SensorReadings } from '../../../src/telemetry/sensors/readings.js';
import { machines, plant, type Tree } from '../../helpers/sysfs.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'fastsamd-sysfs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function read(tree: Tree): SensorReadings {
  plant(root, tree);
  return readSensors(sensorFiles({ root }), { folders: ['/'] });
}

const temperatures = ({ zones }: SensorReadings) => Object.fromEntries(zones.map(({ name, celsius }) => [name, celsius]));
const rail = ({ rails }: SensorReadings, name: string) => rails.find((each) => each.name === name);

describe('sensors by discovery', () => {
  it('Orin NX, JetPack 5', () => {
    const readings = read(machines.orinNxJetPack5);
    expect(readings).toMatchObject({
      board: { model: 'NVIDIA Orin NX Developer Kit', l4t: '35.5.0' },
      gpu: { load: 0.437, mhz: 612, maxMhz: 918 },
      cpu: { mhz: 1190, maxMhz: 1984 },
      cooling: { active: false, devices: [] },
      overCurrent: { underVoltage: 0, average: 0, instantaneous: 2 },
      powerMode: { id: 2, name: '15W' },
      memory: { totalBytes: 15_985_000 * 1024, availableBytes: 12_000_000 * 1024, swapTotalBytes: 7_992_000 * 1024 },
      problems: [],
    });
    // The vision accelerator is switched off, which is no problem and no −256 °C.
    expect(temperatures(readings)).toEqual({ cpu: 49.843, gpu: 47.625, cv0: null, soc0: 48, tj: 49.843 });
    expect(readings.zones[0]).toMatchObject({ throttleCelsius: 99, criticalCelsius: 104.5 });
    expect(readings.rails.map(({ name }) => name)).toEqual(['VDD_IN', 'VDD_CPU_GPU_CV', 'VDD_SOC']);
    expect(rail(readings, 'VDD_IN')).toEqual({
      name: 'VDD_IN',
      volts: 4.968,
      amps: 1.184,
      watts: 5.882,
      maxAmps: 4.984,
      critAmps: 4.984,
      maxAlarm: false,
      critAlarm: false,
    });
    expect(readings.disks['/']!.totalBytes).toBeGreaterThan(0);
  });

  it('Orin Nano, JetPack 6', () => {
    expect(read(machines.orinNanoJetPack6)).toMatchObject({
      board: { l4t: '36.4.3' },
      gpu: { load: 0.981, mhz: 1020, maxMhz: 1020 },
      overCurrent: { underVoltage: 1, average: 0, instantaneous: 37 },
      powerMode: { id: 2, name: 'MAXN_SUPER' },
      problems: [],
    });
  });

  it('AGX Orin, JetPack 6, hot and over its limit', () => {
    const readings = read(machines.agxOrinJetPack6);
    expect(readings.cooling).toEqual({ active: true, devices: ['cpu-throttle-alert', 'hot-surface-alert'] });
    expect(readings.rails.map(({ name }) => name)).toEqual(['VDD_GPU_SOC', 'VDD_CPU_CV', 'VIN_SYS_5V0', 'VDDQ_VDD2_1V8AO']);
    expect(rail(readings, 'VDD_GPU_SOC')).toMatchObject({ volts: 19.104, amps: 1.56, watts: 29.802, maxAlarm: true, critAlarm: false });
    expect(readings.powerMode).toEqual({ id: 3, name: 'MODE_50W' });
    expect(readings.problems).toEqual([]);
  });

  it('Orin Nano, JetPack 7', () => {
    expect(read(machines.orinNanoJetPack7)).toMatchObject({
      board: { l4t: '39.0.1' },
      gpu: { load: 0.25, mhz: 624 },
      powerMode: { name: '15W' },
      problems: [],
    });
  });

  it('Thor, JetPack 7, whose GPU tells its load only through NVML', () => {
    const readings = read(machines.thorJetPack7);
    expect(readings).toMatchObject({ board: { l4t: '38.2.0' }, gpu: { load: null, mhz: 1386, maxMhz: 1575 }, problems: [] });
    expect(temperatures(readings)).toEqual({ cpu: 53.7, gpu: null, soc012: 55.1, soc345: 53.7, tj: 55.1 });
    expect(rail(readings, 'VDD_GPU')).toMatchObject({ amps: -0.032, watts: -0.378 });
    expect(rail(readings, 'VIN')).toMatchObject({ volts: 20.1, amps: 1.2, watts: 24.12, maxAlarm: null });
  });

  it('a PC', () => {
    const readings = read(machines.pc);
    expect(readings).toMatchObject({
      board: { model: 'OptiPlex 7090', l4t: null },
      gpu: { load: null, mhz: null, maxMhz: null, memoryUsedBytes: null, memoryTotalBytes: null },
      cpu: { mhz: 3100, maxMhz: 4700 },
      cooling: { active: null, devices: [] },
      rails: [],
      overCurrent: null,
      powerMode: null,
      problems: [],
    });
    expect(temperatures(readings)).toEqual({ acpitz: 27.8, 'x86-pkg-temp': 44, cpu: 44 });
  });

  it('an empty machine has nulls and no problems', () => {
    expect(readSensors(sensorFiles({ root }), { folders: ['/nowhere'] })).toEqual({
      board: { model: null, l4t: null },
      zones: [],
      cooling: { active: null, devices: [] },
      rails: [],
      overCurrent: null,
      gpu: { load: null, mhz: null, maxMhz: null, memoryUsedBytes: null, memoryTotalBytes: null },
      cpu: { mhz: null, maxMhz: null },
      powerMode: null,
      memory: { totalBytes: null, availableBytes: null, swapTotalBytes: null, swapFreeBytes: null },
      disks: { '/nowhere': null },
      problems: [],
    });
  });

  it.each([
    ['garbage', 'sys/class/devfreq/17000000.gpu/device/load', 'n/a', /expected a number from 0 to 1000, got "n\/a"/],
    ['a negative number', 'sys/class/devfreq/17000000.gpu/device/load', '-1', /got "-1"/],
    ['nothing', 'sys/class/devfreq/17000000.gpu/device/load', '', /got ""/],
    ['more than a sensor can say', 'sys/class/devfreq/17000000.gpu/device/load', '9'.repeat(70_000), /larger than 65536 bytes/],
  ])('a file with %s is null and one problem; the rest is read', (_, file, content, reason) => {
    const readings = read({ ...machines.orinNanoJetPack6, [file]: content });
    expect(readings.gpu).toMatchObject({ load: null, mhz: 1020, maxMhz: 1020 });
    expect(readings.problems).toEqual([{ path: `/${file}`, reason: expect.stringMatching(reason) }]);
    expect(readings.rails).toHaveLength(3);
  });

  it('a file that vanishes while it is looked at is absent', () => {
    plant(root, machines.orinNanoJetPack6);
    const vanishing = '/sys/class/thermal/thermal_zone1/temp';
    const onAccess = (file: string) => {
      if (file === vanishing) rmSync(path.join(root, file));
    };
    const readings = readSensors(sensorFiles({ root, onAccess }), { folders: [] });
    expect(temperatures(readings)).toMatchObject({ cpu: 63.625, gpu: null });
    expect(readings.problems).toEqual([]);
  });

  it('what cannot be opened is a problem', () => {
    mkdirSync(path.join(root, 'proc/meminfo'), { recursive: true });
    mkdirSync(path.join(root, 'sys/class/thermal'), { recursive: true });
    symlinkSync('thermal_zone0', path.join(root, 'sys/class/thermal/thermal_zone0'));
    const { problems, zones } = read({});
    expect(zones).toEqual([{ name: 'thermal-zone0', celsius: null, throttleCelsius: null, criticalCelsius: null }]);
    expect(problems.map((problem) => problem.path)).toContain('/proc/meminfo');
    expect(problems.find((problem) => problem.path === '/proc/meminfo')!.reason).toMatch(/EISDIR/);
  });

  it('never throws and never makes a number up, whatever the files hold', () => {
    const tree: Tree = machines.agxOrinJetPack6;
    plant(root, tree);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(tree)), fc.oneof(fc.string(), fc.integer().map(String))), (garbage) => {
        const { gpu, zones, rails } = read(garbage);
        for (const value of [gpu.load, gpu.mhz, ...zones.map(({ celsius }) => celsius), ...rails.map(({ volts }) => volts)])
          expect(value === null || Number.isFinite(value)).toBe(true);
        if (gpu.load !== null) expect(gpu.load).toBeLessThanOrEqual(1);
        plant(root, Object.fromEntries(Object.keys(garbage).map((file) => [file, tree[file]!])));
      }),
      { numRuns: 50 },
    );
  });
});
