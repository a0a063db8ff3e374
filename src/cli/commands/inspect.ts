/** Options of `fastsamd inspect`. */
import type { InspectArguments } from '../inspect.js';
import { modelOptions, segmentationOptions } from '../model-options.js';
import { promptOptions } from '../prompt-options.js';
import type { Command } from './command.js';

export const inspectCommand: Command<InspectArguments> = {
  builder: (yargs) =>
    yargs
      .positional('recipe', { type: 'string', demandOption: true, describe: 'Recipe (YAML): objects, checks, limits.' })
      .positional('pictures', { type: 'string', demandOption: true, describe: 'A picture, a directory of pictures, or a video.' })
      .options({ ...modelOptions, ...segmentationOptions, ...promptOptions })
      .options({
        'snap-to-border': {
          type: 'number',
          describe: 'Input pixels within which a box side moves onto the border of the frame; 0 when absent.',
        },
        scale: { type: 'number', describe: 'Millimetres per pixel, for recipes with "unit: mm".' },
        json: { type: 'boolean', default: false, describe: 'One JSON object per picture.' },
        csv: { type: 'string', requiresArg: true, describe: 'Table of all pictures: the value of every check.' },
        out: { type: 'string', requiresArg: true, describe: 'Directory for the pictures with outlines, values and verdict.' },
      })
      .example('$0 inspect bracket.yaml pictures --scale 0.05 --out judged', 'every picture is one part')
      .example('$0 inspect bracket.yaml part.png --json', 'for a script')
      .epilogue('Exit code 0 when every part is OK, 1 when one is NOK or UNSURE. Recipes: docs/inspection.md.'),
  handler: async (args) => (await import('../inspect.js')).inspect(args),
};
