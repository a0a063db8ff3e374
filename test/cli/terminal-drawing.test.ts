import { expect, it } from 'vitest';
import { drawResult } from '../../src/cli/terminal-drawing.js';
import type { ResultMessage } from '../../src/contract/messages.js';

const object = (id: number, bbox: [number, number, number, number]) => ({
  id,
  score: 0.9,
  label: null,
  bbox,
  area: (bbox[2] - bbox[0]) * (bbox[3] - bbox[1]),
  prompts: [],
});
const result = {
  frame: { width: 80, height: 80, capturedAt: '', monotonicNs: '0' },
  objects: [object(0, [0, 0, 79, 79]), object(11, [40, 40, 79, 79])],
} as unknown as ResultMessage;

it('objects are letters without escape codes where colours are not wanted, the smaller one on top', () => {
  const text = drawResult(result, { columns: 8, rows: 40, colour: false });
  expect(text).toBe('00000000\n00000000\n0000BBBB\n0000BBBB\n');
});

it('each line of a coloured drawing ends its colours', () => {
  const lines = drawResult(result, { columns: 8, rows: 40, colour: true }).trimEnd().split('\n');
  expect(lines).toHaveLength(4);
  for (const line of lines) {
    expect(line.endsWith('\x1b[0m')).toBe(true);
    expect(line.split('▀')).toHaveLength(9);
  }
});
