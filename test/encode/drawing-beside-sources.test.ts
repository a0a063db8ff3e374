import { expect, it } from 'vitest';
import { parsePrompts } from '../../src/domain/prompt.js';
import { drawPrompts } from '../../src/encode/prompt-marks.js';
import { TextStamps } from '../../src/encode/text-stamp.js';
import { openSource } from '../../src/source/open.js';

it('prompts are drawn in a process that has opened a source: its decoders of pictures are few', async () => {
  const source = await openSource('test:shapes?width=64&height=48&realtime=false');
  await source.stop();
  const prompts = parsePrompts([{ type: 'points', points: [[32, 24]] }]);
  const answers = [{ id: prompts[0]!.id, type: 'points', matches: [] }] as const;
  const drawn = await drawPrompts(new Uint8Array(64 * 48 * 3), { width: 64, height: 48 }, prompts, answers, new TextStamps(), 8);
  expect(drawn).toHaveLength(64 * 48 * 3);
  expect(drawn.some((value) => value > 0)).toBe(true);
});
