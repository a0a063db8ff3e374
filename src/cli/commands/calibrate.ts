/** Options of `fastsamd calibrate scale | points | dots`. */
import type { CommandModule } from 'yargs';
import type { DotsArguments, PointsArguments, ScaleArguments } from '../calibrate.js';
import { type Command, subcommands } from './command.js';

const source = { type: 'string', demandOption: true, describe: 'A picture, or a camera: its next frame.' } as const;
const options = {
  out: { type: 'string', demandOption: true, requiresArg: true, describe: 'The calibration (.json), for inspection.calibration.' },
  json: { type: 'boolean', default: false, describe: 'The calibration on standard output too, and nothing else.' },
} as const;

const scale: CommandModule<object, ScaleArguments> = {
  command: 'scale <source>',
  describe: 'A camera that looks straight down: one known length',
  builder: (yargs) =>
    yargs.positional('source', source).options({
      ...options,
      pixels: { type: 'number', demandOption: true, requiresArg: true, describe: 'The length in pixels, as of "fastsamd measure".' },
      millimetres: { type: 'number', demandOption: true, requiresArg: true, describe: 'The same length.' },
      uncertainty: { type: 'number', requiresArg: true, describe: 'Standard uncertainty of the millimetres.' },
    }),
  handler: async (args) => (await import('../calibrate.js')).calibrateScale(args),
};

const points: CommandModule<object, PointsArguments> = {
  command: 'points <source>',
  describe: 'A plane seen at a slant: four places or more whose millimetres are known',
  builder: (yargs) =>
    yargs
      .positional('source', source)
      .options({
        ...options,
        pair: {
          type: 'string',
          array: true,
          demandOption: true,
          requiresArg: true,
          describe: 'A place: X,Y in pixels = X,Y in millimetres. Four or more times.',
        },
        uncertainty: { type: 'number', requiresArg: true, describe: 'Standard uncertainty of the millimetres of a place.' },
      })
      .example(
        '$0 calibrate points view.jpg --pair 102,88=0,0 --pair 1810,95=200,0 --pair 1795,990=200,100 --pair 110,1001=0,100 --uncertainty 0.05 --out station-2.json',
        'four marks on the table',
      ),
  handler: async (args) => (await import('../calibrate.js')).calibratePoints(args),
};

const dots: CommandModule<object, DotsArguments> = {
  command: 'dots <source>',
  describe: 'A printed grid of dark dots: plane and lens',
  builder: (yargs) =>
    yargs
      .positional('source', source)
      .options({
        ...options,
        grid: { type: 'string', demandOption: true, requiresArg: true, describe: 'Columns and rows of the grid, as 9x7.' },
        pitch: { type: 'number', demandOption: true, requiresArg: true, describe: 'Millimetres from dot to dot.' },
        picture: { type: 'string', requiresArg: true, describe: 'Picture of the dots that were found, and how far each is off.' },
      })
      .example('$0 calibrate dots v4l2:/dev/video0 --grid 9x7 --pitch 10 --out station-2.json', 'lay the grid where parts lie')
      .epilogue('Refused above 0.3 px rms: the grid is bent, moves, or is out of focus.'),
  handler: async (args) => (await import('../calibrate.js')).calibrateDots(args),
};

export const calibrateCommand: Command<object> = {
  builder: (yargs) => yargs.command(subcommands(scale, points, dots)).demandCommand(1, 'expected scale, points or dots'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
