import { describe, expect, it, vi } from 'vitest';
import { lineSchema, zoneSchema } from '../../src/domain/zone.js';
import { ZoneRegister, type ZoneRegisterDeps } from '../../src/zone/register.js';
import { type SavedZones, savedZonesSchema } from '../../src/zone/saved.js';

const GATE = lineSchema.parse({ id: 'gate', from: [10, 0], to: [10, 90] });
const STATION = zoneSchema.parse({
  id: 'station',
  polygon: [
    [0, 0],
    [50, 0],
    [50, 50],
  ],
});
const NONE = { lines: [], zones: [], tracking: true };

function register(cameras: ZoneRegisterDeps['cameras'] = new Map([['belt', NONE]]), save?: ZoneRegisterDeps['save']) {
  const applied: string[] = [];
  const told: number[] = [];
  const reset: string[] = [];
  const zones = new ZoneRegister({
    cameras,
    onApplied: (camera, message) => {
      const ids = message && [...message.lines, ...message.zones].map(({ id }) => id).join('+');
      applied.push(`${camera} ${message ? `${message.revision} ${ids}` : 'off'}`);
    },
    onCounts: (_, message) => told.push(message?.lines.gate?.in ?? -1),
    onReset: (camera, ids) => reset.push(`${camera} ${ids.join('+')}`),
    ...(save ? { save } : {}),
    now: () => 1_000_000,
  });
  return { zones, applied, told, reset };
}

describe('lines and zones in force', () => {
  it('are set, added, replaced by id and removed, each with a revision of its own', async () => {
    const { zones, applied } = register();
    zones.start();
    expect(await zones.set({ lines: [GATE], zones: [] })).toEqual({ revision: 2, saved: true });
    await zones.add({ lines: [], zones: [STATION] });
    await zones.add({ lines: [{ ...GATE, margin: 3 }], zones: [] });
    expect(zones.get({})[0]!.lines).toEqual([{ ...GATE, margin: 3 }]);
    await zones.remove({ ids: ['gate'] });
    expect(applied).toEqual(['belt 1 ', 'belt 2 gate', 'belt 3 gate+station', 'belt 4 gate+station', 'belt 5 station']);
    await expect(zones.remove({ ids: ['gate'] })).rejects.toMatchObject({
      code: 'PROMPT_INVALID',
      message: expect.stringContaining('station'),
    });
  });

  it('stay as they are when any camera refuses the change', async () => {
    const { zones } = register(
      new Map([
        ['belt', NONE],
        ['door', NONE],
      ]),
    );
    zones.counted('door', { width: 5, height: 5 }, false);
    const far = { ...GATE, from: [8, 0] as [number, number], to: [8, 5] as [number, number] };
    await expect(zones.set({ lines: [far], zones: [] })).rejects.toMatchObject({
      code: 'PROMPT_INVALID',
      message: 'line "gate" lies outside of the 5x5 frame of camera "door"',
    });
    await expect(zones.set({ lines: [GATE, GATE], zones: [] })).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
    await expect(zones.set({ lines: [], zones: [], ifRevision: 7 })).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
    const many = Array.from({ length: 20 }, (_, k) => ({ ...GATE, id: `l${k}` }));
    await zones.set({ camera: 'belt', lines: many, zones: [] });
    const more = many.map((line) => ({ ...line, id: `m${line.id}` }));
    await expect(zones.add({ camera: 'belt', lines: more, zones: [] })).rejects.toMatchObject({
      message: expect.stringContaining('at most 32'),
    });
    expect(zones.get({}).map(({ lines }) => lines.length)).toEqual([20, 0]);
  });

  it('belong to cameras that track', async () => {
    const { zones, applied } = register(
      new Map([
        ['belt', NONE],
        ['door', { ...NONE, tracking: false }],
      ]),
    );
    zones.start();
    expect(applied).toEqual(['belt 1 ', 'door off']);
    await expect(zones.set({ camera: 'door', lines: [GATE], zones: [] })).rejects.toMatchObject({ code: 'TRACKING_OFF' });
    expect(() => zones.get({ camera: 'roof' })).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
    await zones.set({ lines: [GATE], zones: [] });
    expect(zones.get({}).map(({ camera }) => camera)).toEqual(['belt']);
    const off = register(new Map([['door', { ...NONE, tracking: false }]]));
    expect(() => off.zones.get({})).toThrow(expect.objectContaining({ code: 'TRACKING_OFF' }));
  });

  it('outlive a restart with their counts, unless the configuration has changed', async () => {
    let saved: SavedZones | undefined;
    const save = async (state: SavedZones) => {
      saved = savedZonesSchema.parse(JSON.parse(JSON.stringify(state))) as SavedZones;
      return true;
    };
    const first = register(new Map([['belt', NONE]]), save);
    await first.zones.set({ lines: [GATE], zones: [STATION] });
    first.zones.zonesOf('belt').restore({ lines: { gate: { in: 5, out: 1 } }, zones: { station: { entered: 3, inside: 1 } } });
    first.zones.counted('belt', { width: 100, height: 100 }, true);
    await first.zones.stop();

    const second = register(new Map([['belt', NONE]]), save);
    second.zones.start(saved);
    expect(second.applied).toEqual(['belt 2 gate+station']);
    expect(second.zones.counts).toMatchObject([{ lines: { gate: { in: 5, out: 1 } }, zones: { station: { entered: 3, inside: 0 } } }]);

    const changed = register(new Map([['belt', { ...NONE, lines: [{ ...GATE, margin: 9 }] }]]), save);
    changed.zones.start(saved);
    expect(changed.applied).toEqual(['belt 3 gate']);
    // The gate is where it was, a little wider: it goes on counting.
    expect(changed.zones.counts[0]!.lines).toEqual({ gate: { in: 5, out: 1 } });
  });

  it('keep the counts of what keeps its id, and count from 0 after a reset, which tells what there was', async () => {
    const { zones, reset, told } = register();
    await zones.set({ lines: [GATE], zones: [STATION] });
    zones.zonesOf('belt').restore({ lines: { gate: { in: 5, out: 1 } }, zones: { station: { entered: 3, inside: 0 } } });
    await zones.set({ lines: [{ ...GATE, to: [20, 90] }], zones: [STATION] });
    const { until } = await zones.resetCounts({ ids: ['gate'] });
    expect(until).toMatchObject([{ lines: { gate: { in: 5, out: 1 } } }]);
    expect(zones.counts).toMatchObject([{ lines: { gate: { in: 0, out: 0 } }, zones: { station: { entered: 3 } } }]);
    expect(reset).toEqual(['belt gate']);
    expect(told.at(-1)).toBe(0);
    await expect(zones.resetCounts({ ids: ['roof'] })).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
  });

  it('tell their counts once they are saved, at most once a second', async () => {
    vi.useFakeTimers();
    try {
      const saves: number[] = [];
      let finish: () => void = () => undefined;
      const save = (state: SavedZones) => {
        saves.push(state.cameras.belt!.counts.lines.gate?.in ?? -1);
        return new Promise<boolean>((resolve) => {
          finish = () => resolve(true);
        });
      };
      const { zones, told } = register(new Map([['belt', { ...NONE, lines: [GATE] }]]), save);
      const frame = { width: 100, height: 100 };
      const count = (total: number) => {
        zones.zonesOf('belt').restore({ lines: { gate: { in: total, out: 0 } }, zones: {} });
        zones.counted('belt', frame, true);
      };
      count(1);
      await vi.advanceTimersByTimeAsync(0);
      expect({ saves, told }).toEqual({ saves: [1], told: [] });
      finish();
      await vi.advanceTimersByTimeAsync(0);
      expect(told).toEqual([1]);
      for (let total = 2; total <= 9; total += 1) {
        count(total);
        await vi.advanceTimersByTimeAsync(100);
      }
      expect(saves).toEqual([1]);
      await vi.advanceTimersByTimeAsync(300);
      finish();
      await vi.advanceTimersByTimeAsync(0);
      expect({ saves, told }).toEqual({ saves: [1, 9], told: [1, 9] });
    } finally {
      vi.useRealTimers();
    }
  });
});
