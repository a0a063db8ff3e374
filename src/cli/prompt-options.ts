/** `--box`, `--point` and their companions, from text to prompts. */
import { type Prompt, type PromptInput, parsePrompts, SELECTIONS } from '../domain/prompt.js';
import { FastsamError } from '../errors.js';

export const promptOptions = {
  box: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'Box prompt x1,y1,x2,y2 in pixels: the object that fills it best. Repeat for more prompts.',
  },
  'min-iou': { type: 'number', default: 0.1, describe: 'Least overlap for a box prompt to match; 0 always matches, as FastSAM does.' },
  point: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'Point x,y or x,y,1 on the object, or x,y,0 off it. All points form one prompt.',
  },
  text: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'Text prompt, as in "a red part": all objects that fit. Repeat for more prompts. Needs a text model.',
  },
  'text-threshold': {
    type: 'number',
    describe: 'Least score of a text prompt to match, from -1 to 1; default 0.25, with --negative 0.5.',
  },
  negative: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'What the objects of --text must not be, as in "a blue part"; the score becomes the share of the text among these. Repeat.',
  },
  'text-model': {
    type: 'string',
    requiresArg: true,
    default: 'clip-vit-base-patch32',
    describe: 'Directory with text_model.onnx, vision_model.onnx and tokenizer.json, or the name of an installed model.',
  },
  label: { type: 'string', array: true, nargs: 1, describe: 'Objects of this class of a labelled model. All labels form one prompt.' },
  select: {
    choices: SELECTIONS,
    default: 'best',
    describe: 'Which of the objects at the points; merge is FastSAM’s own: one mask painted and erased by the points.',
  },
} as const;

export interface PromptArguments {
  readonly box?: readonly string[] | undefined;
  readonly 'min-iou': number;
  readonly point?: readonly string[] | undefined;
  readonly text?: readonly string[] | undefined;
  readonly 'text-threshold'?: number | undefined;
  readonly negative?: readonly string[] | undefined;
  readonly 'text-model': string;
  readonly label?: readonly string[] | undefined;
  readonly select: (typeof SELECTIONS)[number];
}

/** Prompts from the command line; none means everything. Errors: USAGE. */
export function promptsOf(args: PromptArguments): Prompt[] {
  const prompts: PromptInput[] = [];
  for (const text of args.box ?? []) {
    const [x1, y1, x2, y2] = numbers('--box', text, [4], 'x1,y1,x2,y2');
    prompts.push({ type: 'box', box: [x1!, y1!, x2!, y2!], minIou: args['min-iou'] });
  }
  if (args.point && args.point.length > 0) {
    const parsed = args.point.map((text) => numbers('--point', text, [2, 3], 'x,y or x,y,0 or x,y,1'));
    const points = parsed.map(([x, y]): [number, number] => [x!, y!]);
    const labels = parsed.map(([, , label = 1]) => label as 0 | 1);
    prompts.push({ type: 'points', points, labels, select: args.select });
  }
  const { negative, 'text-threshold': threshold } = args;
  if (!args.text && negative) throw new FastsamError('USAGE', '--negative says what --text must not be; expected --text');
  for (const text of args.text ?? []) {
    prompts.push({
      type: 'text',
      text,
      ...(negative ? { negatives: [...negative] } : {}),
      ...(threshold === undefined ? {} : { threshold }),
    });
  }
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
