/** What clients are told about a request or prompt that is wrong: what was expected, and what came. */
import { expect, it } from 'vitest';
import { firstProblem } from '../../src/contract/problem.js';
import { requestSchemas } from '../../src/contract/request.js';
import { parsePrompts } from '../../src/domain/prompt.js';

it.each([
  [5, 'prompts: expected a list, got 5'],
  [[5], 'prompts[0]: expected an object, got 5'],
  [[{}], 'prompts[0].type: missing; expected everything, box, points, text, label, track or salient'],
  [[{ type: 'bx' }], 'prompts[0].type: expected everything, box, points, text, label, track or salient, got "bx"'],
  [[{ type: 'box' }], 'prompts[0].box: missing; expected a list'],
  [[{ type: 'box', box: 5 }], 'prompts[0].box: expected a list, got 5'],
  [[{ type: 'box', box: [1, 2, 3] }], 'prompts[0].box: expected at least 4 entries, got a list of 3'],
  [[{ type: 'box', box: [1, 2, 3, 'x'] }], 'prompts[0].box[3]: expected a number, got "x"'],
  [[{ type: 'box', box: [1, 2, 3, 4, 5] }], 'prompts[0].box: expected at most 4 entries, got a list of 5'],
  [[{ type: 'box', box: [1, 2, 3, 1e9] }], 'prompts[0].box[3]: expected at most 1000000, got 1000000000'],
  [[{ type: 'points', points: [[1, 2]], labels: [7] }], 'prompts[0].labels[0]: expected 0 or 1, got 7'],
  [[{ type: 'points', points: [] }], 'prompts[0].points: expected at least 1 entry, got a list of 0'],
  [[{ type: 'everything', selct: 1 }], 'prompts[0]: unknown key "selct"'],
  [[{ type: 'text', text: true }], 'prompts[0].text: expected text, got true'],
])('%j', (prompts, message) => {
  expect(() => parsePrompts(prompts)).toThrow(expect.objectContaining({ code: 'PROMPT_INVALID', message }));
});

it('requests are answered in the same words', () => {
  const problem = (value: unknown) => firstProblem(requestSchemas['prompt/set'].safeParse(value).error!.issues, value).message;
  expect(problem(null)).toBe('expected an object, got null');
  expect(problem({ prompts: [], ttlS: 'x' })).toBe('ttlS: expected a number, got "x"');
});
