import { describe, expect, it } from 'vitest';
import { PromptHistory } from '../../src/console/prompt-history.js';
import type { PromptsMessage } from '../../src/contract/messages.js';
import type { PromptAnswer } from '../../src/domain/answer.js';

const MINUTE = 60_000;
const START = 1_800_000_000_000 - (1_800_000_000_000 % MINUTE);
const prompts = [{ id: 'part', type: 'box', box: [0, 0, 9, 9] }] as unknown as PromptsMessage['prompts'];
const answer = (isMatched: boolean): PromptAnswer => ({
  id: 'part',
  type: 'box',
  matches: isMatched ? [{ index: 0, score: 1 }] : [],
  bestScore: 0,
});
const known = (bars: readonly (number | null)[]) => bars.flatMap((bar, k) => (bar === null ? [] : [[k, bar]]));

describe('history of prompts', () => {
  it('tells in which part of the last day a prompt was matched', () => {
    const history = new PromptHistory();
    history.follow('belt', prompts);
    expect(history.list('belt', START)).toEqual({ part: { stepMinutes: 15, bars: new Array(96).fill(null), percent: null } });
    // An hour: matched, half of the frames, silence, never.
    for (let minute = 0; minute < 15; minute += 1) history.add('belt', [answer(true)], START + minute * MINUTE);
    for (let minute = 15; minute < 30; minute += 1) {
      history.add('belt', [answer(true)], START + minute * MINUTE);
      history.add('belt', [answer(false)], START + minute * MINUTE + 1);
    }
    for (let minute = 45; minute < 60; minute += 1) history.add('belt', [answer(false)], START + minute * MINUTE);
    const { part } = history.list('belt', START + 59 * MINUTE);
    expect(known(part!.bars)).toEqual([
      [92, 100],
      [93, 50],
      [95, 0],
    ]);
    expect(part!.percent).toBe(50);
    // A day later nothing of it is left.
    expect(known(history.list('belt', START + 59 * MINUTE + 1440 * MINUTE).part!.bars)).toEqual([]);
    history.add('belt', [answer(true)], START + 1500 * MINUTE);
    expect(known(history.list('belt', START + 1500 * MINUTE).part!.bars)).toEqual([[95, 100]]);
  });

  it('begins empty for another prompt of the same name, and for a clock that was set back; forgets what is gone', () => {
    const history = new PromptHistory();
    history.follow('belt', prompts);
    history.add('belt', [answer(true)], START);
    history.follow('belt', prompts);
    expect(history.list('belt', START).part!.percent).toBe(100);
    history.add('belt', [answer(false)], START - 60 * MINUTE);
    expect(known(history.list('belt', START - 60 * MINUTE).part!.bars)).toEqual([[95, 0]]);
    history.follow('belt', [{ id: 'part', type: 'box', box: [5, 5, 9, 9] }] as unknown as PromptsMessage['prompts']);
    expect(history.list('belt', START).part!.percent).toBeNull();
    history.follow('belt', []);
    expect(history.list('belt', START)).toEqual({});
    history.add('belt', [answer(true)], START);
    expect(history.list('gate', START)).toEqual({});
  });

  it('takes no answer for one while a text was not looked at', () => {
    const history = new PromptHistory();
    history.follow('belt', prompts);
    history.add('belt', [{ id: 'part', type: 'text', matches: [], reason: 'the text model is being loaded' }], START);
    expect(history.list('belt', START).part!.percent).toBeNull();
  });
});
