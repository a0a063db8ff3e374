/** Options of `fastsamd inspect`. */
import type { InspectArguments } from '../inspect.js';
import { modelOptions, segmentationOptions } from '../model-options.js';
import { promptOptions } from '../prompt-options.js';
import { recipeOptions } from '../recipe-options.js';
import type { Command } from './command.js';

export const inspectCommand: Command<InspectArguments> = {
  builder: (yargs) =>
    yargs
      .positional('pictures', { type: 'string', demandOption: true, describe: 'A picture, a directory of pictures, or a video.' })
      .options({ ...modelOptions, ...segmentationOptions, ...promptOptions, ...recipeOptions })
      .options({
        taught: {
          type: 'string',
          requiresArg: true,
          describe: 'A file that "fastsamd teach" wrote, for checks that compare with good parts.',
        },
        json: { type: 'boolean', default: false, describe: 'One JSON object per picture.' },
        csv: { type: 'string', requiresArg: true, describe: 'Table of all pictures: the value of every check.' },
        out: { type: 'string', requiresArg: true, describe: 'Directory for the pictures with outlines, values and verdict.' },
        sheet: { type: 'string', requiresArg: true, describe: 'One picture of all parts, each with its verdict (.jpg, .png, .webp).' },
      })
      .example('$0 inspect pictures --recipe bracket.yaml --scale 0.05 --sheet parts.jpg', 'every picture is one part')
      .example('$0 inspect part.png --recipe bracket.yaml --json', 'for a script')
      .epilogue('Exit code 0 when every part is OK, 1 when one is NOK or UNSURE. Recipes: docs/inspection.md.'),
  handler: async (args) => (await import('../inspect.js')).inspect(args),
};
