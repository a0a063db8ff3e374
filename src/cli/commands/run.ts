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
      .option('log-level', {
        choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const,
        requiresArg: true,
        describe: 'Least severe messages that are logged, in place of log.level of the file.',
      })
      .example('$0 run --config /etc/fastsamd/config.yaml', '')
      .epilogue(
        'SIGTERM or SIGINT: finish the frame in flight and exit 0. SIGHUP: read the configuration again. Logs are JSON lines, or readable text on a terminal.',
      ),
  handler: async (args) => (await import('../run.js')).run(args),
};
