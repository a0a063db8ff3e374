import { describe, expect, it } from 'vitest';
import { unanswered } from '../../src/cli/prompt-words.js';

describe('an answer without a match, on a terminal', () => {
  it.each([
    [{ status: 'unmatched' as const }, 'unmatched'],
    [{ status: 'unmatched' as const, bestScore: 0.1666 }, 'unmatched (best 0.17)'],
    [{ status: 'pending' as const, bestScore: 0.2, unscored: 3 }, 'pending (best 0.20; 3 objects unscored)'],
    [{ status: 'pending' as const, unscored: 1 }, 'pending (1 object unscored)'],
    [{ status: 'pending' as const, unscored: 0, reason: 'the text model is being loaded' }, 'pending (the text model is being loaded)'],
  ])('%j reads %s', (answer, text) => expect(unanswered(answer)).toBe(text));
});
