/** Options of `fastsamd doctor`. */
import type { DoctorArguments } from '../doctor.js';
import type { Command } from './command.js';

export const doctorCommand: Command<DoctorArguments> = {
  builder: (yargs) =>
    yargs
      .option('config', { type: 'string', requiresArg: true, describe: 'Configuration file whose model, cameras and broker are tried.' })
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON: [{name, status, detail, remedy}].' })
      .option('as-service', {
        type: 'string',
        describe:
          'Check inside the sandbox of the service: its user, its groups and the devices that it lets in. Takes root; another unit may be named.',
      })
      .example('sudo $0 doctor --as-service --config /etc/fastsamd/config.yaml', 'what the service itself can reach')
      .example('$0 doctor --config /etc/fastsamd/config.yaml', 'as the user of the service, while it is stopped')
      .epilogue('Exit code: 0 without problems (there may be warnings), 1 with.'),
  handler: async (args) => (await import('../doctor.js')).doctor(args),
};
