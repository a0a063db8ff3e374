/** Options of the commands that look at pictures of parts by a recipe. */
import type { SegmentationArguments } from './model-options.js';
import type { ModelArguments } from './open-model.js';
import type { PromptArguments } from './prompt-options.js';

export const recipeOptions = {
  recipe: { type: 'string', demandOption: true, requiresArg: true, describe: 'Recipe (YAML): objects, checks, limits.' },
  'snap-to-border': {
    type: 'number',
    group: 'Objects:',
    describe: 'Input pixels within which a box side moves onto the border of the frame; 0 when absent.',
  },
  scale: { type: 'number', describe: 'Millimetres per pixel, for recipes with "unit: mm".' },
  calibration: {
    type: 'string',
    requiresArg: true,
    conflicts: 'scale',
    describe: 'In place of --scale: a file that "fastsamd calibrate" wrote for this camera.',
  },
} as const;

export interface RecipeArguments extends SegmentationArguments, PromptArguments, ModelArguments {
  readonly pictures: string;
  readonly recipe: string;
  readonly scale?: number | undefined;
  readonly calibration?: string | undefined;
}
