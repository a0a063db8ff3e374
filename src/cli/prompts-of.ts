/** Prompts from the values of `--box`, `--point` and the other prompt options. */
import { type Prompt, type PromptInput, parsePrompts } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';
import type { PromptArguments } from './prompt-options.js';

/** Prompts from the command line; none means everything. Errors: USAGE. */
export function promptsOf(args: Omit<PromptArguments, 'text-model'>): Prompt[] {
  const following = args.follow ? { follow: true } : {};
  const prompts: PromptInput[] = [];
  for (const text of args.box ?? []) {
    const [x1, y1, x2, y2] = numbers('--box', text, [4], 'x1,y1,x2,y2');
    prompts.push({ type: 'box', box: [x1!, y1!, x2!, y2!], minIou: args['min-iou'], ...following });
  }
  if (args.point && args.point.length > 0) {
    const parsed = args.point.map((text) => numbers('--point', text, [2, 3], 'x,y or x,y,0 or x,y,1'));
    const points = parsed.map(([x, y]): [number, number] => [x!, y!]);
    const labels = parsed.map(([, , label = 1]) => label as 0 | 1);
    prompts.push({ type: 'points', points, labels, select: args.select, ...following });
  }
  const { negative, 'text-threshold': threshold } = args;
  if (!args.text && negative) throw new FastsamError('USAGE', '--negative says what --text must not be; expected --text');
  for (const text of args.text ?? []) {
    prompts.push({
      type: 'text',
      text,
      ...(args.follow ? { follow: true, select: 'best' as const } : {}),
      ...(negative ? { negatives: [...negative] } : {}),
      ...(threshold === undefined ? {} : { threshold }),
    });
  }
  if (args.salient !== undefined) prompts.push({ type: 'salient', select: args.salient });
  if (args.label && args.label.length > 0) prompts.push({ type: 'label', labels: [...args.label] });
  try {
    return parsePrompts(prompts);
  } catch (cause) {
    throw new FastsamError('USAGE', (cause as Error).message, { cause });
  }
}

function numbers(option: string, text: string, counts: readonly number[], expected: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!counts.includes(values.length) || !values.every(Number.isFinite)) {
    throw new FastsamError('USAGE', `${option} ${text}: expected ${expected} in pixels`);
  }
  return values;
}
