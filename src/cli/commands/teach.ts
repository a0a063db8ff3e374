/** Options of `fastsamd teach`. */
import { modelOptions, segmentationOptions } from '../model-options.js';
import { promptOptions } from '../prompt-options.js';
import { recipeOptions } from '../recipe-options.js';
import type { TeachArguments } from '../teach.js';
import type { Command } from './command.js';

export const teachCommand: Command<TeachArguments> = {
  builder: (yargs) =>
    yargs
      .positional('pictures', { type: 'string', demandOption: true, describe: 'Directory of pictures of good parts, or a video.' })
      .options({ ...modelOptions, ...segmentationOptions, ...promptOptions, ...recipeOptions })
      .options({
        out: {
          type: 'string',
          requiresArg: true,
          describe:
            'File for "inspect --taught" and inspection.taught of a camera: the first part as golden sample, and what good surfaces look like.',
        },
        limits: { type: 'string', requiresArg: true, describe: 'Write the recipe with the taught limits here.' },
        sigma: { type: 'number', default: 4, describe: 'Limits this many standard deviations from the median.' },
        frames: { type: 'number', default: 10_000, requiresArg: true, describe: 'Stop after this many frames, of a camera for example.' },
        json: { type: 'boolean', default: false, describe: 'The limits as JSON.' },
      })
      .example('$0 teach good --recipe bracket.yaml --limits taught.yaml', 'limits from good parts')
      .example('$0 teach good --recipe label.yaml --out label.taught', 'a golden sample, for checks with "measure: difference"')
      .example(
        '$0 teach good --recipe casting.yaml --out casting.taught --limits taught.yaml',
        'good surfaces, for checks with "measure: anomaly"',
      )
      .epilogue(
        'Limits: median ± sigma · robust standard deviation, never narrower than the uncertainty. "outside": good parts beyond the taught limits, "outside now": beyond those of the recipe. 20 parts or more.',
      ),
  handler: async (args) => (await import('../teach.js')).teach(args),
};
