/** Options of `fastsamd measure`. */
import type { MeasureArguments } from '../measure.js';
import { modelOptions, segmentationOptions } from '../model-options.js';
import { promptOptions } from '../prompt-options.js';
import type { Command } from './command.js';

export const measureCommand: Command<MeasureArguments> = {
  builder: (yargs) =>
    yargs
      .positional('picture', { type: 'string', demandOption: true, describe: 'A picture: a file, a URL, or - for standard input.' })
      .options({ ...modelOptions, ...segmentationOptions, ...promptOptions })
      .options({
        'snap-to-border': {
          type: 'number',
          default: 0,
          describe: segmentationOptions['snap-to-border'].describe.replace(/; default.*/, '; it moves outlines.'),
        },
        scale: { type: 'number', describe: 'Millimetres per pixel: lengths in mm, areas in mm². Pixels when absent.' },
        calibration: {
          type: 'string',
          requiresArg: true,
          conflicts: 'scale',
          describe: 'In place of --scale: a file that "fastsamd calibrate" wrote for this camera. x and y are then those of its plane.',
        },
        edge: {
          choices: ['refined', 'mask'] as const,
          default: 'refined' as const,
          describe: 'Find each outline again in the picture, or measure the mask as the network gives it.',
        },
        colour: { type: 'boolean', default: false, describe: 'Mean CIELAB of each object too.' },
        json: { type: 'boolean', default: false, describe: 'Print JSON: every measure and its uncertainty.' },
        out: { type: 'string', requiresArg: true, describe: 'Picture with the outlines and the numbers (.jpg, .png, .webp).' },
      })
      .example('$0 measure part.png --model FastSAM-s.onnx --scale 0.05 --out measured.png', 'every object, in millimetres')
      .example('$0 measure part.png --point 320,240 --json', 'one object, all measures')
      .epilogue(
        '±: standard uncertainty from the scatter of the edge; with --calibration, that of the calibration too; repeatability is not in it. Definitions: docs/inspection.md.',
      ),
  handler: async (args) => (await import('../measure.js')).measure(args),
};
