import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type TelemetryMessage, telemetryMessageSchema } from '../../src/contract/messages.js';
import { CameraMeter } from '../../src/telemetry/meter.js';
import { TelemetryReporter } from '../../src/telemetry/reporter.js';
import { NO_READINGS } from '../../src/telemetry/sensors/readings.js';
import { SystemSampler } from '../../src/telemetry/system.js';

const NOTHING = { received: 0, dropped: {} };
const bootId = '0b7b5c0e-5d0a-4c5e-9d51-0c4f3a0f9f6e';
const deps = {
  node: 'line-3',
  bootId,
  intervalMs: 20,
  meters: () => [new CameraMeter('belt', () => NOTHING), new CameraMeter('gate', () => NOTHING)],
  system: new SystemSampler({ sensors: { sample: async () => NO_READINGS } }),
  mqtt: () => ({
    published: 1,
    dropped: {},
    queued: 0,
    reconnects: 0,
    connectedSince: null,
    spool: { depth: 0, bytes: 0, dropped: {} },
    requests: { answered: 5, failed: 2, ignored: 1 },
  }),
  governor: () => ({ level: 0, levels: 3, setting: null }),
  log: pino({ level: 'silent' }),
};

describe('telemetry reporter', () => {
  afterEach(() => void vi.useRealTimers());

  it('reports at its interval what the schema allows, until it is stopped', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const reports: TelemetryMessage[] = [];
    let reported: () => void = () => undefined;
    const reporter = new TelemetryReporter({
      ...deps,
      publish: (message) => {
        reports.push(message);
        reported();
      },
    });
    reporter.start();
    for (let round = 1; round <= 3; round += 1) {
      const next = new Promise<void>((resolve) => {
        reported = resolve;
      });
      vi.advanceTimersByTime(20);
      await next;
      // The round is over once what follows the report in its promise chain has run.
      await new Promise(setImmediate);
    }
    await reporter.stop();
    expect(vi.getTimerCount()).toBe(0);
    for (const report of reports) expect(telemetryMessageSchema.parse(report)).toEqual(report);
    expect(reports[0]?.cameras.map(({ id }) => id)).toEqual(['belt', 'gate']);
    expect(reports).toHaveLength(3);
  });

  it('goes on after a report that failed', async () => {
    let calls = 0;
    await new Promise<void>((resolve) => {
      const reporter = new TelemetryReporter({
        ...deps,
        publish: () => {
          calls += 1;
          if (calls === 2) void reporter.stop().then(resolve);
          throw new Error('not this time');
        },
      });
      reporter.start();
    });
    expect(calls).toBe(2);
  });
});
