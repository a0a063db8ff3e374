import { describe, expect, it } from 'vitest';
import { StatusBoard } from '../../src/status/board.js';

const BOOT = '00000000-0000-4000-8000-000000000000';

describe('status board', () => {
  it('tells a new listener everything there is, then every change, until it ends that', () => {
    const board = new StatusBoard({ bootId: BOOT, now: () => 0 });
    board.setAlert('hot', { severity: 'warning', message: '95 °C' });
    const told: [string, unknown][] = [];
    const end = board.subscribe((key, message) => void told.push([key, message]));
    const state = { v: 1, bootId: BOOT, ts: '1970-01-01T00:00:00.000Z' };
    expect(told).toEqual([
      ['state', { ...state, state: 'init' }],
      ['alert/hot', { severity: 'warning', message: '95 °C', since: state.ts }],
    ]);
    board.setState('ready');
    board.clearAlert('hot');
    board.clearAlert('never-raised');
    expect(told.slice(2)).toEqual([
      ['state', { ...state, state: 'ready' }],
      ['alert/hot', undefined],
    ]);
    end();
    board.setState('stopping', 'x'.repeat(5000));
    expect(told).toHaveLength(4);
    expect(board.get('state')?.reason).toHaveLength(1000);
  });

  it('keeps the time since when an alert holds, and says nothing new when it is set again', () => {
    let now = 0;
    const board = new StatusBoard({ bootId: BOOT, now: () => now });
    let changes = -1;
    board.subscribe(() => {
      changes += 1;
    });
    board.setAlert('hot', { severity: 'warning', message: '95 °C' });
    now = 5000;
    board.setAlert('hot', { severity: 'warning', message: '95 °C' });
    expect(changes).toBe(1);
    board.setAlert('hot', { severity: 'critical', message: '99 °C' });
    expect(board.alerts()).toEqual({ hot: { severity: 'critical', message: '99 °C', since: '1970-01-01T00:00:00.000Z' } });
  });

  it('forgets a camera', () => {
    const board = new StatusBoard({ bootId: BOOT });
    board.setPrompts({ v: 1, camera: 'belt', revision: 1, since: '1970-01-01T00:00:00.000Z', prompts: [] });
    expect(board.get('cameras/belt/prompts')?.revision).toBe(1);
    board.removeCamera('belt');
    expect([...board.entries()].map(([key]) => key)).toEqual(['state']);
  });
});
