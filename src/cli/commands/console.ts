/** Options of `fastsamd console`. */
import type { Argv } from 'yargs';
import type { AddUserArguments, CertificateArguments, InviteArguments, RemoveUserArguments } from '../console.js';
import { type AnyCommand, type Command, subcommands } from './command.js';

const config = {
  type: 'string',
  demandOption: true,
  requiresArg: true,
  describe: 'Configuration file (YAML) of the node whose console it is.',
} as const;

const addUser: Command<AddUserArguments> & { command: string; describe: string } = {
  command: 'add-user <name>',
  describe: 'Add a user of the console, or change one; the password is asked for, or read from standard input',
  builder: (yargs: Argv) =>
    yargs
      .positional('name', { type: 'string', demandOption: true, describe: '1 to 64 of a-z, 0-9 and "-".' })
      .options({
        config,
        role: {
          choices: ['viewer', 'operator', 'admin'] as const,
          default: 'operator' as const,
          describe: 'viewer: watch; operator: change prompts, open photos; admin: pause and restart cameras, reload the configuration.',
        },
        camera: { type: 'string', array: true, requiresArg: true, describe: 'May see this camera only; may be given several times.' },
      })
      .example('$0 console add-user anna --role operator --camera belt --config config.yaml', ''),
  handler: async (args) => (await import('../console.js')).addUser(args),
};

const removeUser: Command<RemoveUserArguments> & { command: string; describe: string } = {
  command: 'remove-user <name>',
  describe: 'Remove a user; open pages of that user are logged out within seconds',
  builder: (yargs: Argv) => yargs.positional('name', { type: 'string', demandOption: true }).options({ config }),
  handler: async (args) => (await import('../console.js')).removeUser(args),
};

const invite: Command<InviteArguments> & { command: string; describe: string } = {
  command: 'invite <name>',
  describe: 'Print a link that logs a user in once, within five minutes: for a phone',
  builder: (yargs: Argv) =>
    yargs.positional('name', { type: 'string', demandOption: true }).options({
      config,
      url: {
        type: 'string',
        requiresArg: true,
        describe: 'Address under which the phone reaches the console; this machine by its name when absent.',
      },
    }),
  handler: async (args) => (await import('../console.js')).invite(args),
};

const certificate: Command<CertificateArguments> & { command: string; describe: string } = {
  command: 'certificate <folder>',
  describe: 'Write an authority and a certificate of this machine for console.tls (needs openssl)',
  builder: (yargs: Argv) =>
    yargs
      .positional('folder', { type: 'string', demandOption: true, describe: 'Where to write ca.crt, ca.key, console.crt and console.key.' })
      .options({
        name: {
          type: 'string',
          array: true,
          requiresArg: true,
          describe: 'Further names or addresses of this machine; may be given several times.',
        },
      })
      .epilogue(
        'Install ca.crt on the devices that open the console: their browsers then trust it. An authority that is there already is kept.',
      ),
  handler: async (args) => (await import('../console.js')).certificate(args),
};

export const consoleCommand: AnyCommand = {
  builder: (yargs) =>
    yargs
      .command(subcommands(addUser, removeUser, invite, certificate))
      .demandCommand(1, 'expected add-user, remove-user, invite or certificate'),
  handler: () => undefined,
};
