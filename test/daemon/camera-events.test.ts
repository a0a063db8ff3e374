import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CameraWatch, PromptWatch } from '../../src/daemon/camera-events.js';

const answers = (matches: boolean) => [{ id: 'p', type: 'box' as const, matches: matches ? [{ index: 0, score: 0.87654 }] : [] }];

describe('prompt events', () => {
  it('come once a change has lasted, and not for flicker', () => {
    const watch = new PromptWatch();
    const seen: string[] = [];
    const pattern = '000111010111111111010101000000';
    for (const [k, c] of [...pattern].entries()) {
      for (const event of watch.observe(answers(c === '1'), 4, 400, k * 100)) seen.push(`${k} ${event.type}`);
    }
    expect(seen).toEqual(['13 prompt-matched', '28 prompt-unmatched']);
  });

  it('say the prompt, its revision and score, and nothing of a prompt that never matched', () => {
    const watch = new PromptWatch();
    expect(watch.observe(answers(false), 4, 0, 0)).toEqual([]);
    expect(watch.observe(answers(true), 4, 0, 1)).toEqual([
      { type: 'prompt-matched', prompt: 'p', revision: 4, score: 0.8765, objects: 1 },
    ]);
    expect(watch.observe(answers(false), 5, 0, 2)).toEqual([{ type: 'prompt-unmatched', prompt: 'p', revision: 5 }]);
  });

  it('forget a prompt that was taken away', () => {
    const watch = new PromptWatch();
    watch.observe(answers(true), 1, 0, 0);
    expect(watch.observe([], 2, 0, 1)).toEqual([]);
    expect(watch.observe(answers(false), 3, 0, 2)).toEqual([]);
  });

  it('alternate, however the prompt behaves', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), fc.nat(5), (frames, debounce) => {
        const watch = new PromptWatch();
        const types = frames.flatMap((matched, k) => watch.observe(answers(matched), 1, debounce, k)).map(({ type }) => type);
        for (const [k, type] of types.entries()) expect(type).toBe(k % 2 === 0 ? 'prompt-matched' : 'prompt-unmatched');
      }),
    );
  });
});

describe('camera events', () => {
  it('say lost once and back once, with how long it took', () => {
    const watch = new CameraWatch();
    const phases = [
      'connecting',
      'streaming',
      'lost',
      'connecting',
      'lost',
      'wedged',
      'connecting',
      'streaming',
      'streaming',
      'ended',
    ] as const;
    const events = phases.map((phase, k) => watch.observe(phase, 'unplugged', k * 1000)).filter((event) => event !== undefined);
    expect(events).toEqual([
      { type: 'camera-lost', reason: 'unplugged' },
      { type: 'camera-back', awayMs: 5000 },
    ]);
  });
});
