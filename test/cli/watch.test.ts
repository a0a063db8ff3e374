import { describe, expect, it } from 'vitest';
import { drawResult } from '../../src/cli/terminal-drawing.js';
import { resultLine } from '../../src/cli/watch.js';
import type { ResultMessage } from '../../src/contract/messages.js';

const object = (id: number, bbox: [number, number, number, number], track?: number) => ({
  id,
  score: 0.9,
  label: null,
  bbox,
  area: (bbox[2] - bbox[0]) * (bbox[3] - bbox[1]),
  prompts: [],
  ...(track === undefined ? {} : { track }),
});
const resultOf = (objects: readonly object[], prompts: readonly object[] = []) =>
  ({
    camera: 'belt',
    seq: 7,
    frame: { width: 80, height: 80, capturedAt: '', monotonicNs: '0' },
    latencyMs: { total: 4 },
    promptRevision: 1,
    objects,
    prompts,
  }) as unknown as ResultMessage;

describe('a result on a terminal', () => {
  it('names the tracks, a dozen at most', () => {
    expect(resultLine(resultOf([object(0, [0, 0, 9, 9], 31), object(1, [0, 0, 9, 9]), object(2, [0, 0, 9, 9], 4)]))).toBe(
      'belt #7: 3 objects, 4.0 ms, revision 1, tracks 4 31\n',
    );
    const many = Array.from({ length: 20 }, (_, k) => object(k, [0, 0, 9, 9], k + 1));
    expect(resultLine(resultOf(many))).toContain(', tracks 1 2 3 4 5 6 7 8 9 10 11 12 and 8 more\n');
  });

  it('tells the state of prompts that follow', () => {
    const prompts = [
      { id: 'a', type: 'points', status: 'matched', objects: [{ id: 0, score: 0.81 }], follow: { state: 'locked', track: 317 } },
      { id: 'b', type: 'points', status: 'unmatched', bestScore: 0, follow: { state: 'lost', track: 9, reason: 'occluded' } },
      { id: 'c', type: 'points', status: 'unmatched', bestScore: 0, follow: { state: 'arming' } },
      { id: 'd', type: 'box', status: 'unmatched', bestScore: 0.1 },
    ];
    expect(resultLine(resultOf([], prompts))).toBe(
      'belt #7: 0 objects, 4.0 ms, revision 1; a locked on track 317 (0.81); b lost, track 9 (occluded); c arming; d unmatched (best 0.10)\n',
    );
  });

  it('shows ids in the middle of tracked objects, and the letter of a track', () => {
    const tracked = [object(0, [0, 0, 79, 79], 12)];
    expect(drawResult(resultOf(tracked), { columns: 8, rows: 40, colour: false })).toBe('CCCCCCCC\nCC#12CCC\nCCCCCCCC\nCCCCCCCC\n');
    // No room for an id in a narrow object.
    expect(drawResult(resultOf([object(0, [0, 0, 19, 79], 12)]), { columns: 8, rows: 40, colour: false })).not.toContain('#');
  });
});
