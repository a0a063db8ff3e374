import { describe, expect, it } from 'vitest';
import type { FrameResult } from '../../src/domain/result.js';
import { RecentResults } from '../../src/pipeline/recent-results.js';

const resultOf = (sequence: number) => ({ sequence }) as FrameResult;

describe('recent results', () => {
  it('are the newest alone, and the last sixteen while somebody watches', () => {
    const recent = new RecentResults();
    const known = () => [0, 10, 24, 25, 39].filter((sequence) => recent.find('belt', sequence));
    for (let sequence = 0; sequence < 25; sequence += 1) recent.add('belt', resultOf(sequence));
    expect(known()).toEqual([24]);
    const leave = recent.watch('belt');
    for (let sequence = 25; sequence < 40; sequence += 1) recent.add('belt', resultOf(sequence));
    expect(known()).toEqual([24, 25, 39]);
    leave();
    recent.add('belt', resultOf(40));
    expect(known()).toEqual([]);
    expect(recent.find('belt')?.sequence).toBe(40);
  });

  it('have those that somebody is shown, the last sixteen of them, however many came since', () => {
    const recent = new RecentResults();
    const leave = recent.watch('belt');
    for (let sequence = 0; sequence < 500; sequence += 1) {
      const result = resultOf(sequence);
      recent.add('belt', result);
      // For two pages at different quality levels.
      if (sequence % 10 === 0) for (let page = 0; page < 2; page += 1) recent.show('belt', result);
    }
    expect(recent.pin('belt', 330, 0)).toBe(false);
    expect([340, 490].map((sequence) => recent.find('belt', sequence)?.sequence)).toEqual([340, 490]);
    expect(recent.pin('belt', 340, 0)).toBe(true);
    leave();
    expect(recent.find('belt', 490, 1)?.sequence).toBe(490);
    expect(recent.find('belt', 480, 1)).toBeUndefined();
    expect(recent.find('belt', 340, 1)?.sequence).toBe(340);
  });

  it('are forgotten with the camera, all of them', () => {
    const recent = new RecentResults();
    recent.watch('belt');
    recent.add('belt', resultOf(1));
    recent.show('belt', resultOf(1));
    recent.pin('belt', 1, 0);
    recent.forget('belt');
    expect([recent.find('belt'), recent.find('belt', 1, 1)]).toEqual([undefined, undefined]);
  });
});
