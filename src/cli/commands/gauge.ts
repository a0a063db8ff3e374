/** Options of `fastsamd gauge stability | repeat | rr`. */
import type { CommandModule } from 'yargs';
import type { RepeatArguments, RrArguments, StabilityArguments } from '../gauge.js';
import { type Command, subcommands } from './command.js';

const options = {
  check: {
    type: 'string',
    requiresArg: true,
    describe: 'The check that is studied, of a table with a column "check"; the only one when absent.',
  },
  value: { type: 'string', requiresArg: true, default: 'value', describe: 'The column of the values.' },
  tolerance: { type: 'number', requiresArg: true, describe: 'Width between the limits, in the unit of the values.' },
  json: { type: 'boolean', default: false, describe: 'The result as JSON.' },
} as const;

const stability: CommandModule<object, StabilityArguments> = {
  command: 'stability <source>',
  describe: 'A scene that does not move: noise, flicker and drift, before any limit is set',
  builder: (yargs) =>
    yargs
      .positional('source', { type: 'string', demandOption: true, describe: 'A camera, a video, or a directory of pictures.' })
      .options({
        frames: { type: 'number', default: 100, describe: 'How many frames.' },
        limit: { type: 'number', default: 2, describe: 'Grey levels that noise, flicker and drift have to be below.' },
        json: options.json,
      })
      .example('$0 gauge stability v4l2:/dev/video0', 'a part at rest, under the light of production')
      .epilogue('Exit code 1 when noise, flicker or drift is not below the limit.'),
  handler: async (args) => (await import('../gauge.js')).gaugeStability(args),
};

const repeat: CommandModule<object, RepeatArguments> = {
  command: 'repeat <table>',
  describe: 'One part, measured 25 to 50 times: Cg, Cgk and the uncertainty for the recipe',
  builder: (yargs) =>
    yargs
      .positional('table', { type: 'string', demandOption: true, describe: 'CSV, as of "verdicts export".' })
      .options({ ...options, reference: { type: 'number', requiresArg: true, describe: 'The true value, for Cgk.' } })
      .example('$0 gauge repeat repeats.csv --check length --tolerance 0.4 --reference 120.02', '')
      .epilogue('Exit code 1 when Cg or Cgk is below 1.33.'),
  handler: async (args) => (await import('../gauge.js')).gaugeRepeat(args),
};

const rr: CommandModule<object, RrArguments> = {
  command: 'rr <table>',
  describe: 'Parts × conditions × trials: repeatability, reproducibility, GRR and ndc by analysis of variance (AIAG)',
  builder: (yargs) =>
    yargs
      .positional('table', { type: 'string', demandOption: true, describe: 'CSV, as of "verdicts export".' })
      .options({
        ...options,
        part: { type: 'string', requiresArg: true, default: 'part', describe: 'The column that names the part.' },
        by: {
          type: 'string',
          requiresArg: true,
          default: 'meas',
          describe: 'The column that names the condition: operator, station, shift or place in the picture.',
        },
      })
      .example('$0 verdicts export --config node.yaml --since 2027-01-31 > study.csv', 'the values of a study')
      .example('$0 gauge rr study.csv --check length --tolerance 0.4', 'is the camera good enough for this tolerance?')
      .epilogue('Exit code 1 when GRR is 30 % or more (of the tolerance, or of the total variation without one).'),
  handler: async (args) => (await import('../gauge.js')).gaugeRr(args),
};

export const gaugeCommand: Command<object> = {
  builder: (yargs) => yargs.command(subcommands(stability, repeat, rr)).demandCommand(1, 'expected stability, repeat or rr'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
