/** Options of `fastsamd run`. */
import type { RunArguments } from '../run.js';
import type { Command } from './command.js';

export const runCommand: Command<RunArguments> = {
  builder: (yargs) =>
    yargs
      .option('config', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Configuration file (YAML); config/default.yaml is a commented start.',
      })
      .example('$0 run --config /etc/fastsamd/config.yaml', '')
      .epilogue('SIGTERM or SIGINT: finish the frame in flight and exit 0. SIGHUP: read the configuration again.'),
  handler: async (args) => (await import('../run.js')).run(args),
};
