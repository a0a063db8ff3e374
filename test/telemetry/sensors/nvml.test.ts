/** GPUs that tell about themselves through NVML, with a stand-in for the driver's library. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { withGpus } from '../../../src/telemetry/sensors/nvml.js';
import { SensorProcess } from '../../../src/telemetry/sensors/process.js';
import { NO_READINGS } from '../../../src/telemetry/sensors/readings.js';

const source = fileURLToPath(new URL('../../../native/standin/nvml.c', import.meta.url));
let folder = '';
let sensors: SensorProcess | undefined;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'fastsamd-nvml-'));
  execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', path.join(folder, 'libnvml.so'), source]);
});
afterEach(() => {
  sensors?.stop();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(folder, { recursive: true }));

function sampleWith(library: string) {
  vi.stubEnv('FASTSAMD_NVML_LIBRARY', library);
  sensors = new SensorProcess({ root: folder, folders: [], log: pino({ level: 'silent' }) });
  return sensors.sample();
}

it('load, memory, temperature, power and clocks of all GPUs', { timeout: 120_000 }, async () => {
  const { gpu, zones, rails } = await sampleWith(path.join(folder, 'libnvml.so'));
  // The load of the busier one; memory is unknown when one of them does not tell.
  expect(gpu).toEqual({ load: 0.75, mhz: 1200, maxMhz: 1980, memoryUsedBytes: null, memoryTotalBytes: null });
  expect(zones).toEqual([{ name: 'gpu', celsius: 61, throttleCelsius: null, criticalCelsius: null }]);
  expect(rails.map(({ name, watts }) => [name, watts])).toEqual([
    ['GPU', 42.5],
    ['GPU-2', 42.5],
  ]);
});

it.each([
  ['no library', () => path.join(folder, 'none.so'), ''],
  ['a file that is no library', () => source, ''],
  ['a driver that is not loaded', () => path.join(folder, 'libnvml.so'), '9'],
])('%s is no reading and no trouble', { timeout: 120_000 }, async (_, library, error) => {
  if (error) vi.stubEnv('FASTSAMD_STANDIN_NVML_ERROR', error);
  const { gpu, problems } = await sampleWith(library());
  expect(gpu.load).toBeNull();
  expect(problems).toEqual([]);
});

it('what sysfs says is kept', () => {
  const status = { name: 'x', load: 0.5, memoryUsedBytes: 3, memoryTotalBytes: 8, celsius: 50, watts: null, mhz: 900, maxMhz: null };
  const readings = {
    ...NO_READINGS,
    gpu: { ...NO_READINGS.gpu, load: 0.1, maxMhz: 1000 },
    zones: [{ name: 'gpu', celsius: 48, throttleCelsius: null, criticalCelsius: 100 }],
  };
  const merged = withGpus(readings, [status]);
  expect(merged.gpu).toEqual({ load: 0.1, mhz: 900, maxMhz: 1000, memoryUsedBytes: 3, memoryTotalBytes: 8 });
  expect(merged.zones).toEqual(readings.zones);
  expect(withGpus(readings, [])).toBe(readings);
});
