import { describe, expect, it } from 'vitest';
import { type Sensors, SystemSampler } from '../../src/telemetry/system.js';
import { systemTelemetrySchema } from '../../src/wire/messages.js';

const hanging = <T>() => new Promise<T>(() => undefined);

describe('system sampler', () => {
  it('reads this machine', async () => {
    const sample = await new SystemSampler().sample();
    expect(systemTelemetrySchema.parse(sample)).toEqual(sample);
    expect(sample.rssBytes).toBeGreaterThan(sample.heapUsedBytes / 2);
    expect(sample.memoryTotalBytes).toBeGreaterThan(0);
  });

  it('has null for a sensor that is absent, fails or hangs, and does not ask a hanging one again', async () => {
    let asked = 0;
    const sensors: Sensors = {
      currentLoad: () => Promise.reject(new Error('no /proc')),
      mem: () => {
        asked += 1;
        return hanging();
      },
      cpuTemperature: () => Promise.resolve({ main: -1 } as Awaited<ReturnType<Sensors['cpuTemperature']>>),
    };
    const sampler = new SystemSampler(sensors);
    const absent = { cpuLoad: null, memoryAvailableBytes: null, temperaturesC: { cpu: null }, gpuLoad: null };
    expect(await sampler.sample()).toMatchObject(absent);
    expect(await sampler.sample()).toMatchObject(absent);
    expect(asked).toBe(1);
  });
});
