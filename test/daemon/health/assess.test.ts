import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assess, type CameraEvidence, degradedReason, type Evidence, isAlive } from '../../../src/daemon/health/assess.js';
import { Progress } from '../../../src/daemon/health/progress.js';
import { HealthRecord } from '../../../src/daemon/health/record.js';
import { NO_READINGS } from '../../../src/telemetry/sensors/readings.js';

const belt: CameraEvidence = { id: 'belt', phase: 'streaming', phaseMs: 60_000, reason: undefined };
const well: Evidence = {
  cameras: [belt],
  engine: { stalledMs: 40 },
  delivery: { stalledMs: 0 },
  mqtt: { ok: true },
  readings: NO_READINGS,
  overCurrent: null,
  log: { lost: 0, agoMs: Number.POSITIVE_INFINITY },
  governed: null,
};
const rail = { name: 'VDD_IN', volts: 5, amps: 6, watts: 30, maxAmps: 5, critAmps: 5, maxAlarm: true, critAlarm: true };
const zone = { name: 'tj', celsius: 98, throttleCelsius: 99, criticalCelsius: 104 };

function bad(evidence: Partial<Evidence>) {
  const findings = assess({ ...well, ...evidence });
  return findings.filter(({ ok }) => !ok).map(({ name, reason, alert }) => [name, reason, alert?.id]);
}

describe('what is well', () => {
  it('names the subsystems', () => {
    expect(assess(well).map(({ name, ok }) => [name, ok])).toEqual([
      ['camera/belt', true],
      ['engine', true],
      ['mqtt', true],
      ['disk', true],
      ['thermal', true],
      ['log', true],
    ]);
  });

  it.each<[string, Partial<Evidence>, unknown[][]]>([
    ['a lost camera', { cameras: [{ ...belt, phase: 'lost', reason: 'unplugged' }] }, [['camera/belt', 'unplugged', 'camera-belt']]],
    [
      'a camera that connects again',
      { cameras: [{ ...belt, phase: 'connecting', reason: 'unplugged' }] },
      [['camera/belt', 'unplugged', 'camera-belt']],
    ],
    ['a camera that just connects', { cameras: [{ ...belt, phase: 'connecting', phaseMs: 900 }] }, []],
    [
      'a camera that does not open',
      { cameras: [{ ...belt, phase: 'connecting', phaseMs: 20_400 }] },
      [['camera/belt', 'has not opened for 20 s', 'camera-belt']],
    ],
    ['a file that has ended', { cameras: [{ ...belt, phase: 'ended' }] }, []],
    ['an inference that hangs', { engine: { stalledMs: 12_000 } }, [['engine', 'no inference has finished for 12 s', 'engine-stalled']]],
    ['an engine that loads', { engine: null }, [['engine', 'the model is not loaded yet', undefined]]],
    ['results that pile up', { delivery: { stalledMs: 11_000 } }, [['mqtt', 'no result has been handed on for 11 s', 'delivery-stalled']]],
    ['no broker', { mqtt: { ok: false } }, [['mqtt', 'the broker is not connected', undefined]]],
    [
      'a full disk',
      { readings: { ...NO_READINGS, disks: { '/var': { totalBytes: 64e9, freeBytes: 2 ** 27 } } } },
      [['disk', '128 MiB are free in /var; make room there', 'disk-full']],
    ],
    ['a small disk with room', { readings: { ...NO_READINGS, disks: { '/var': { totalBytes: 1e9, freeBytes: 1e8 } } } }, []],
    ['a disk that cannot be read', { readings: { ...NO_READINGS, disks: { '/var': null } } }, []],
    [
      'heat',
      { readings: { ...NO_READINGS, zones: [zone], cooling: { active: true, devices: ['gpu-throttle-alert'] } } },
      [['thermal', 'heat slows the machine down (gpu-throttle-alert); tj is at 98 °C, its limit is 99 °C', 'thermal']],
    ],
    [
      'a rail above its limit',
      { readings: { ...NO_READINGS, rails: [rail] } },
      [['thermal', 'rail VDD_IN is above its critical current (6 A)', 'thermal']],
    ],
    [
      'over-current just now',
      { overCurrent: { events: 2, agoMs: 5000 } },
      [['thermal', '2 over-current events since the start slowed the machine down; check the power supply and nvpmodel', 'thermal']],
    ],
    [
      'lost lines of the log',
      { log: { lost: 3, agoMs: 5000 } },
      [['log', '3 lines of the log were lost since the start; make room where standard error goes, or read it', 'log-lost']],
    ],
    ['a log that is read again', { log: { lost: 3, agoMs: 120_000 } }, []],
    ['over-current long ago', { overCurrent: { events: 2, agoMs: 120_000 } }, []],
  ])('%s', (_, evidence, expected) => {
    expect(bad(evidence)).toEqual(expected);
  });

  it('is degraded for what concerns results, not for a broker that could not be told anyway', () => {
    const reason = (evidence: Partial<Evidence>) => degradedReason(assess({ ...well, ...evidence }), evidence.governed ?? null);
    expect(reason({ mqtt: { ok: false } })).toBeUndefined();
    expect(reason({ engine: null })).toBeUndefined();
    expect(reason({ cameras: [{ ...belt, phase: 'lost', reason: 'unplugged' }] })).toBe('camera belt: unplugged');
    expect(reason({ governed: 'every 2nd frame (heat)' })).toBe('slowed down: every 2nd frame (heat)');
  });

  it('is alive while it works or waits, whatever the camera does', () => {
    expect(isAlive(well, 1000)).toBe(true);
    expect(isAlive({ engine: { stalledMs: 1001 }, delivery: { stalledMs: 0 } }, 1000)).toBe(false);
    expect(isAlive({ engine: { stalledMs: 0 }, delivery: { stalledMs: 1001 } }, 1000)).toBe(false);
    expect(isAlive({ engine: null, delivery: { stalledMs: 0 } }, 1000)).toBe(true);
  });
});

describe('the record', () => {
  it('tells of a subsystem that is well the last time it was not', () => {
    const record = new HealthRecord();
    const look = (reason: string | undefined, now: number) => {
      record.update([{ name: 'mqtt', ok: reason === undefined, ...(reason === undefined ? {} : { reason }) }], now);
      return record.subsystems.get('mqtt');
    };
    expect(look(undefined, 1)).toEqual({ ok: true, since: 1 });
    expect(look('keepalive', 2)).toEqual({ ok: false, since: 2, reason: 'keepalive' });
    expect(look('keepalive, then refused', 3)).toEqual({ ok: false, since: 2, reason: 'keepalive, then refused' });
    const last = { reason: 'keepalive, then refused', since: 2, until: 4 };
    expect(look(undefined, 4)).toEqual({ ok: true, since: 4, last });
    expect(look(undefined, 5)).toEqual({ ok: true, since: 4, last });
    expect(look('full', 6)).toEqual({ ok: false, since: 6, reason: 'full' });
  });
});

describe('progress', () => {
  it('stalls only while there is work', async () => {
    let now = 0;
    const progress = new Progress(() => now);
    let finish = () => {};
    const work = () =>
      progress.watch(
        () =>
          new Promise<void>((resolve) => {
            finish = resolve;
          }),
      );
    now = 5000;
    expect(progress.stalledMs).toBe(0);
    const first = work();
    now = 5100;
    expect(progress.stalledMs).toBe(100);
    const finishFirst = finish;
    const second = work();
    finishFirst();
    await first;
    now = 5150;
    expect(progress.stalledMs).toBe(50);
    finish();
    await second;
    now = 9000;
    expect(progress.stalledMs).toBe(0);
    await expect(progress.watch(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    now += 60_000;
    expect(progress.stalledMs).toBe(0);
  });
});

describe('health over time', () => {
  const lost = [{ name: 'camera/belt', ok: false, reason: 'away for 3 s', alert: { id: 'camera-belt', severity: 'warning' as const } }];
  const fine = [{ name: 'camera/belt', ok: true }];

  it('knows since when, and what is news', () => {
    const record = new HealthRecord();
    expect(record.update(fine, 1000)).toBe(true);
    expect(record.update(fine, 2000)).toBe(false);
    expect(record.update(lost, 3000)).toBe(true);
    expect(record.update([{ ...lost[0]!, reason: 'away for 4 s' }], 4000)).toBe(false);
    expect(record.update([{ ...lost[0]!, reason: 'broken' }], 5000)).toBe(true);
    expect(record.subsystems.get('camera/belt')).toEqual({ ok: false, reason: 'broken', since: 3000 });
  });

  it('raises what lasts and clears what is over, each once', () => {
    const record = new HealthRecord();
    expect(record.alerts(lost, 0)).toEqual({ raised: [], cleared: [] });
    expect(record.alerts(fine, 5000)).toEqual({ raised: [], cleared: [] });
    expect(record.alerts(lost, 6000)).toEqual({ raised: [], cleared: [] });
    expect(record.alerts(lost, 10_000)).toEqual({
      raised: [{ id: 'camera-belt', severity: 'warning', message: 'away for 3 s' }],
      cleared: [],
    });
    expect(record.alerts(lost, 30_000)).toEqual({ raised: [], cleared: [] });
    expect(record.alerts(fine, 39_000)).toEqual({ raised: [], cleared: [] });
    expect(record.alerts(lost, 39_500)).toEqual({ raised: [], cleared: [] });
    expect(record.alerts(fine, 49_500)).toEqual({ raised: [], cleared: ['camera-belt'] });
    expect(record.alerts(fine, 99_000)).toEqual({ raised: [], cleared: [] });
  });

  it('never clears what it did not raise, and raises nothing twice in a row', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 20_000 }))), (looks) => {
        const record = new HealthRecord();
        let now = 0;
        let raised = false;
        for (const [isLost, passed] of looks) {
          now += passed;
          const changes = record.alerts(isLost ? lost : fine, now);
          if (changes.cleared.length > 0) {
            expect(raised).toBe(true);
            raised = false;
          }
          if (changes.raised.length > 0) {
            expect(raised).toBe(false);
            raised = true;
          }
        }
      }),
    );
  });
});
