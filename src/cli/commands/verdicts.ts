/** Options of `fastsamd verdicts list | show | export | verify`. */
import type { Argv, CommandModule } from 'yargs';
import type { ExportArguments, ListArguments, RecordArguments, ShowArguments } from '../verdicts.js';
import { type Command, subcommands } from './command.js';

const recordOptions = {
  config: { alias: 'c', type: 'string', requiresArg: true, describe: 'Configuration of the node, which names its state directory.' },
  file: { type: 'string', requiresArg: true, describe: 'The record itself (verdicts.db), in place of a configuration.' },
} as const;

const filterOptions = {
  camera: { type: 'string', requiresArg: true, describe: 'Only of this camera.' },
  part: { type: 'string', requiresArg: true, describe: 'Only of this part.' },
  verdict: { choices: ['OK', 'NOK', 'UNSURE'] as const, describe: 'Only these.' },
  since: { type: 'string', requiresArg: true, describe: 'Only since this date, as 2027-01-31 or 2027-01-31T08:00:00Z.' },
} as const;

const list: CommandModule<object, ListArguments> = {
  command: 'list',
  describe: 'The newest verdicts',
  builder: (yargs) =>
    yargs
      .options({ ...recordOptions, ...filterOptions, limit: { type: 'number', default: 50, describe: 'Most verdicts.' } })
      .example('$0 verdicts list --config node.yaml --verdict NOK', 'the newest rejects'),
  handler: async (args) => (await import('../verdicts.js')).listVerdicts(args),
};

const show: CommandModule<object, ShowArguments> = {
  command: 'show <camera> <inspection>',
  describe: 'One verdict with all checks',
  builder: (yargs) =>
    yargs
      .positional('camera', { type: 'string', demandOption: true, describe: 'Id of the camera.' })
      .positional('inspection', { type: 'number', demandOption: true, describe: 'Number of the inspection.' })
      .options({
        ...recordOptions,
        pictures: { type: 'string', requiresArg: true, describe: 'Folder to which the pictures that are kept of it are copied.' },
      })
      .example('$0 verdicts show station-2 48211 --config node.yaml', '')
      .example('$0 verdicts show station-2 48211 --config node.yaml --pictures .', 'and its pictures as JPEG files'),
  handler: async (args) => (await import('../verdicts.js')).showVerdict(args),
};

const exportCommand: CommandModule<object, ExportArguments> = {
  command: 'export',
  describe: 'Verdicts to standard output or a file, the oldest first',
  builder: (yargs) =>
    yargs
      .options({
        ...recordOptions,
        ...filterOptions,
        format: {
          choices: ['csv', 'ndjson', 'parquet'] as const,
          default: 'csv' as const,
          describe: 'csv, parquet: one line per check; ndjson: one verdict per line.',
        },
        out: { type: 'string', requiresArg: true, describe: 'Of parquet: the file.' },
      })
      .example('$0 verdicts export --config node.yaml --since 2027-01-31 > january.csv', 'for a spreadsheet')
      .example('$0 verdicts export --config node.yaml --format parquet --out verdicts.parquet', 'for pandas, DuckDB and their like'),
  handler: async (args) => (await import('../verdicts.js')).exportVerdicts(args),
};

const verify: CommandModule<object, RecordArguments> = {
  command: 'verify',
  describe: 'Check that no verdict and no audit entry was removed or changed, and no picture changed',
  builder: (yargs: Argv) => yargs.options(recordOptions).epilogue('Exit code 0 when the record is whole, 1 when it is not.'),
  handler: async (args) => (await import('../verdicts.js')).verifyRecord(args),
};

export const verdictsCommand: Command<object> = {
  builder: (yargs) =>
    yargs.command(subcommands(list, show, exportCommand, verify)).demandCommand(1, 'expected list, show, export or verify'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
