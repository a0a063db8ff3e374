import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemTelemetrySchema } from '../../src/contract/messages.js';
import { sensorFiles } from '../../src/telemetry/sensors/files.js';
import { NO_READINGS, readSensors } from '../../src/telemetry/sensors/readings.js';
import { SystemSampler } from '../../src/telemetry/system.js';
import { machines, plant } from '../helpers/sysfs.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'fastsamd-sysfs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const sensors = { sample: async () => readSensors(sensorFiles({ root }), { folders: ['/'] }) };

describe('system sampler', () => {
  it.each(Object.entries(machines))('says what the schema allows about %s', async (_, tree) => {
    plant(root, tree);
    const sample = await new SystemSampler({ sensors }).sample();
    expect(systemTelemetrySchema.parse(sample)).toEqual(sample);
    expect(sample.rssBytes).toBeGreaterThan(sample.heapUsedBytes / 2);
    expect(sample.memoryTotalBytes).toBeGreaterThan(0);
    expect(sample.temperaturesC.cpu).toBeGreaterThan(20);
  });

  it('has null for a load that fails or hangs, and does not ask a hanging one again', async () => {
    let asked = 0;
    const hanging = () => {
      asked += 1;
      return new Promise<never>(() => undefined);
    };
    const sampler = new SystemSampler({ sensors: { sample: async () => NO_READINGS }, load: hanging });
    expect((await sampler.sample()).cpuLoad).toBeNull();
    expect((await sampler.sample()).cpuLoad).toBeNull();
    expect(asked).toBe(1);
    const failing = new SystemSampler({ sensors: { sample: async () => NO_READINGS }, load: () => Promise.reject(new Error('no /proc')) });
    expect(await failing.sample()).toMatchObject({ cpuLoad: null, memoryTotalBytes: null, temperaturesC: {}, gpuLoad: null });
  });
});
