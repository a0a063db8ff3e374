/** GPIO lines through the program that holds them, on a chip that stands in at ioctl(2). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GpioLines } from '../../src/field/gpio.js';
import { GpioPort } from '../../src/field/gpio-port.js';
import { GpioChip } from '../helpers/gpio-chip.js';

const hasCompiler = (() => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasCompiler)('GPIO lines (needs cc)', () => {
  let directory = '';
  let chip: GpioChip;
  const before = { ...process.env };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fastsamd-gpio-'));
    chip = new GpioChip(directory);
    Object.assign(process.env, chip.environment);
  });
  afterEach(() => {
    for (const name of Object.keys(chip.environment)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    chip[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  const onLost = (why: string) => {
    throw new Error(why);
  };

  it('hands over edges with the time that the kernel gave them, and says how many it had no room for', async () => {
    const edges: [bigint, number][] = [];
    const wiring = { chip: chip.path, line: 7, edge: 'rising', debounceUs: 500, activeLow: true } as const;
    const lines = GpioLines.input(wiring, { onLost, onEdge: (atNs, missed) => edges.push([atNs, missed]) });
    await lines.start();
    // INPUT, EDGE_RISING and ACTIVE_LOW: no clock is asked for, which is CLOCK_MONOTONIC.
    expect(chip.requests).toEqual(['16 debounce 500 lines 7']);
    chip.edge(7, 81_234_567_890n);
    chip.edge(7, 2n ** 62n, 2);
    await vi.waitFor(() => expect(edges).toHaveLength(2), { timeout: 20_000 });
    expect(edges).toEqual([
      [81_234_567_890n, 0],
      [2n ** 62n, 2],
    ]);
    await lines.stop();
  });

  it('drives outputs, and switches them off at the end', async () => {
    const lines = GpioLines.outputs({ chip: chip.path, lines: [12, 13], activeLow: false, staleMs: 10_000 }, { onLost });
    await lines.start();
    expect(chip.requests).toEqual(['8 debounce 0 lines 12 13']);
    lines.set(1);
    lines.set(2);
    await chip.untilOutputs(2);
    await lines.stop();
    expect(chip.outputs).toEqual([1, 2, 0]);
  });

  it('switches outputs off while this process hangs', async () => {
    let stale = 0;
    const onStale = () => {
      stale += 1;
    };
    const lines = GpioLines.outputs({ chip: chip.path, lines: [12, 13], activeLow: false, staleMs: 200 }, { onLost, onStale });
    await lines.start();
    lines.set(1);
    await chip.untilOutputs(1);
    const end = performance.now() + 20_000;
    while (chip.outputs.length < 2 && performance.now() < end);
    expect(chip.outputs).toEqual([1, 0]);
    await vi.waitFor(() => expect(stale).toBe(1), { timeout: 20_000 });
    await lines.stop();
  });

  it('says what the kernel refused, and when the lines are lost', async () => {
    const missing = GpioLines.input({ chip: '/dev/none', line: 7, edge: 'both', debounceUs: 0, activeLow: false }, { onLost });
    await expect(missing.start()).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND', message: expect.stringContaining('gpiodetect') });
    const taken = GpioLines.outputs({ chip: chip.path, lines: [12, 99], activeLow: false, staleMs: 1000 }, { onLost });
    await expect(taken.start()).rejects.toThrow(/lines 12, 99 cannot be driven: Device or resource busy \(another program/);
  });
});

describe('output lines of a camera', () => {
  it('pulse once for each verdict, with a gap where one comes during the pulse of another', () => {
    vi.useFakeTimers();
    try {
      const bits: number[] = [];
      const port = new GpioPort({ pulseMs: 20, set: (value) => bits.push(value) });
      port.setState({ state: 'inspecting' });
      port.show({ verdict: 'OK' });
      port.setState({ state: 'ready' });
      vi.advanceTimersByTime(20);
      expect(bits.splice(0)).toEqual([4, 5, 1, 0]);
      port.show({ verdict: 'UNSURE' });
      vi.advanceTimersByTime(10);
      port.show({ verdict: 'OK' });
      expect(bits.splice(0)).toEqual([2, 0]);
      vi.advanceTimersByTime(24);
      expect(bits.splice(0)).toEqual([1]);
      vi.advanceTimersByTime(1);
      expect(bits.splice(0)).toEqual([0]);
      port.show({ verdict: 'NOK' });
      port.stop();
      vi.runAllTimers();
      expect(bits).toEqual([2, 0]);
    } finally {
      vi.useRealTimers();
    }
  });
});
