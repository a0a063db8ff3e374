import { expect, it } from 'vitest';
import { oneLine, withoutControls } from '../src/printable.js';

it('shows control characters of others as text, and leaves everything else alone', () => {
  expect(withoutControls('a\x1b]0;title\x07\x9b2J\x7f\r\u202e')).toBe('a\\u001b]0;title\\u0007\\u009b2J\\u007f\\u000d\\u202e');
  expect(withoutControls('äöü 猫\t×\n')).toBe('äöü 猫\t×\n');
});

it('keeps a line that is drawn again in its place to one line', () => {
  expect(oneLine('layer\n\r\tname \x1b[2J')).toBe('layer name \\u001b[2J');
});
