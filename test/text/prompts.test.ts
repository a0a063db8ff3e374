import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROMPT_LIMITS, parsePrompts, sentencesOf } from '../../src/domain/prompt.js';
import { applyPrompts } from '../../src/prompt/apply.js';
import { assertLabels } from '../../src/prompt/label-check.js';
import { segmentsOfParts } from '../helpers/parts.js';

const text = (words: string, more = {}) => ({ type: 'text', text: words, ...more });

describe('text prompts as data', () => {
  it.each([
    ['no text', text(''), 'prompts[0].text'],
    ['only spaces', text(' \u3000 '), 'expected some text'],
    ['a long text', text('a'.repeat(PROMPT_LIMITS.text + 1)), 'prompts[0].text'],
    ['a line break', text('red\npart'), 'control characters'],
    ['an escape sequence', text('\u001b[2J'), 'control characters'],
    ['a C1 control', text('a\u0085b'), 'control characters'],
    ['half a surrogate pair', text('a\ud83d'), 'control characters'],
    ['a control character among the negatives', text('red', { negatives: ['a', 'b\u0000'] }), 'prompts[0].negatives[1]'],
    ['too many negatives', text('red', { negatives: new Array(17).fill('a') }), 'prompts[0].negatives'],
    ['a template without a place for the text', text('red', { templates: ['a photo'] }), 'prompts[0].templates[0]'],
    ['a template with two', text('red', { templates: ['{} {}'] }), 'prompts[0].templates[0]'],
    ['a threshold above every score', text('red', { threshold: 1.5 }), 'prompts[0].threshold'],
    ['an unknown key', text('red', { model: '/etc/passwd' }), 'prompts[0]'],
    ['labels that are no texts', { type: 'label', labels: ['a\u0007'] }, 'prompts[0].labels[0]'],
    ['no labels', { type: 'label', labels: [] }, 'prompts[0].labels'],
  ])('refuses %s', (_, prompt, where) => {
    expect(() => parsePrompts([prompt])).toThrow(
      expect.objectContaining({ code: 'PROMPT_INVALID', message: expect.stringContaining(where) }),
    );
  });

  it('takes a set of 100 texts of any script, and bounds what a set has to encode', () => {
    const words = ['красная деталь', '赤い部品', 'قطعة حمراء', '🔴🧱', 'ᚱᚢᚾᛖ', 'e\u0301', '‮rtl', '𓀀𓀁', '<|endoftext|>', '{}'];
    const prompts = Array.from({ length: 100 }, (_, k) => text(`${words[k % words.length]} ${k}`));
    expect(parsePrompts(prompts)).toHaveLength(100);
    const templates = Array.from({ length: 6 }, (_, k) => `${k} {}`);
    expect(() => parsePrompts(prompts.map((prompt) => ({ ...prompt, templates })))).toThrow(/at most 500 different texts.*600/);
  });

  it('puts a text into a template as it is', () => {
    fc.assert(
      fc.property(fc.string(), (words) => {
        expect(sentencesOf(words, ['a {}, seen'])).toEqual([`a ${words}, seen`]);
      }),
    );
  });

  it('never takes what it cannot bound: any string is accepted or refused by name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (words) => {
        try {
          const [prompt] = parsePrompts([text(words)]);
          expect(prompt).toMatchObject({ text: words });
          expect(words.length).toBeLessThanOrEqual(PROMPT_LIMITS.text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROMPT_INVALID' });
        }
      }),
    );
  });
});

describe('label prompts', () => {
  const names = ['person', 'forklift', 'pallet'];
  const segments = {
    ...segmentsOfParts(100, 100, [
      { colour: 'red', box: [0, 0, 20, 20] },
      { colour: 'red', box: [30, 0, 50, 20] },
      { colour: 'red', box: [60, 0, 80, 20] },
    ]),
    classes: Int32Array.of(2, 0, 2),
  };

  it('match every object of the named classes', () => {
    const prompts = parsePrompts([
      { type: 'label', labels: ['pallet'] },
      { type: 'label', labels: ['person', 'forklift'] },
      { type: 'label', labels: ['forklift'] },
    ]);
    const answers = applyPrompts(segments, prompts, { labels: names });
    expect(answers.map(({ matches }) => matches.map(({ index }) => index))).toEqual([[0, 2], [1], []]);
    expect(answers[2]).toMatchObject({ type: 'label', bestScore: 0 });
  });

  it('are refused where the model has no such class', () => {
    const prompts = parsePrompts([{ type: 'label', labels: ['person', 'forklif'] }]);
    expect(() => assertLabels(prompts, { name: 'coco', labels: names })).toThrow(
      expect.objectContaining({ code: 'PROMPT_INVALID', message: expect.stringContaining('did you mean "forklift"?') }),
    );
    expect(() => assertLabels(prompts, { name: 'fastsam-s', labels: [] })).toThrow(/class-agnostic/);
    expect(() => assertLabels(parsePrompts([{ type: 'everything' }]), { name: 'fastsam-s', labels: [] })).not.toThrow();
  });
});
