/** `--box`, `--point` and the other options that describe prompts. */

import { SELECTIONS } from '../domain/selection.js';
import { grouped } from './option-groups.js';

export const promptOptions = grouped('Prompts', {
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
  salient: {
    choices: ['best', 'all'] as const,
    describe: 'What stands out: the surest object near the middle of the picture, or all such objects.',
  },
  label: { type: 'string', array: true, nargs: 1, describe: 'Objects of this class of a labelled model. All labels form one prompt.' },
  select: {
    choices: SELECTIONS,
    default: 'best',
    describe: 'Which of the objects at the points; merge is FastSAM’s own: one mask painted and erased by the points.',
  },
});

export interface PromptArguments {
  readonly box?: readonly string[] | undefined;
  readonly 'min-iou': number;
  readonly point?: readonly string[] | undefined;
  readonly text?: readonly string[] | undefined;
  readonly 'text-threshold'?: number | undefined;
  readonly negative?: readonly string[] | undefined;
  readonly 'text-model': string;
  readonly follow?: boolean | undefined;
  readonly salient?: 'best' | 'all' | undefined;
  readonly label?: readonly string[] | undefined;
  readonly select: (typeof SELECTIONS)[number];
}
