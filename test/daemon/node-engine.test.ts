/** How often a build says how far it is. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildReporter } from '../../src/daemon/node-engine.js';

describe('progress of a build', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function record() {
    const states: (string | undefined)[] = [];
    const logged: string[] = [];
    const report = buildReporter(
      { setState: (_, reason) => states.push(reason) },
      pino({}, { write: (line) => logged.push((JSON.parse(line) as { msg: string }).msg) }),
    );
    return { states, logged, report };
  }

  it('is told once a second within a phase, and its end at once', () => {
    const { states, logged, report } = record();
    for (let step = 0; step < 1000; step += 1) {
      report({ text: 'Building Engine', fraction: step / 1000 });
      vi.advanceTimersByTime(10);
    }
    report({ text: 'Building Engine', fraction: 1 });
    expect(states).toEqual([...Array.from({ length: 10 }, (_, second) => `Building Engine: ${second * 10} %`), 'Building Engine: 100 %']);
    expect(logged).toEqual(['Building Engine']);
  });

  it('tells of a new phase at once: it may be silent for minutes', () => {
    const { states, logged, report } = record();
    report({ text: 'building m.engine: there is none yet', fraction: null });
    report({ text: 'Building Engine', fraction: 0 });
    report({ text: 'Building Engine', fraction: 0.5 });
    report({ text: 'Writing', fraction: null });
    expect(states).toEqual(['building m.engine: there is none yet', 'Building Engine: 0 %', 'Writing']);
    expect(logged).toEqual(['building m.engine: there is none yet', 'Building Engine', 'Writing']);
  });
});
