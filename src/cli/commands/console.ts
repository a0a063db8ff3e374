/** Options of `fastsamd console`. */
import type { Argv } from 'yargs';
import type { AddUserArguments, CertificateArguments, InviteArguments, TokenArguments, UserArguments } from '../console.js';
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

const removeUser: Command<UserArguments> & { command: string; describe: string } = {
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

const token: Command<TokenArguments> & { command: string; describe: string } = {
  command: 'token <name>',
  describe: 'Print a token for a script of a user, in force at once; it is shown once',
  builder: (yargs: Argv) =>
    yargs
      .positional('name', { type: 'string', demandOption: true })
      .options({
        config,
        label: {
          type: 'string',
          requiresArg: true,
          default: 'script',
          describe: 'Name of the token, to revoke it by; 1 to 64 of a-z, 0-9 and "-".',
        },
      })
      .example('$0 console token anna --label backup --config config.yaml', '')
      .epilogue(
        'A script sends it as "Authorization: Bearer TOKEN" and may do what the user may. "console revoke-token" ends one; remove-user, and add-user for the same name, end all of a user.',
      ),
  handler: async (args) => (await import('../console.js')).token(args),
};

const revokeToken: Command<TokenArguments> & { command: string; describe: string } = {
  command: 'revoke-token <name> <label>',
  describe: 'End a token of a user; connections that use it are closed within seconds',
  builder: (yargs: Argv) =>
    yargs
      .positional('name', { type: 'string', demandOption: true })
      .positional('label', { type: 'string', demandOption: true, describe: 'As "console users" lists it.' })
      .options({ config }),
  handler: async (args) => (await import('../console.js')).revokeToken(args),
};

const users: Command<Pick<UserArguments, 'config'>> & { command: string; describe: string } = {
  command: 'users',
  describe: 'List the users with their roles, cameras and tokens',
  builder: (yargs: Argv) => yargs.options({ config }),
  handler: async (args) => (await import('../console.js')).listUsers(args),
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
        port: { type: 'number', default: 9480, requiresArg: true, describe: 'Port of the console, for the link that a phone opens.' },
      })
      .epilogue(
        'Install ca.crt on the devices that open the console: their browsers then trust it. An authority that is there already is kept.',
      ),
  handler: async (args) => (await import('../console.js')).certificate(args),
};

export const consoleCommand: AnyCommand = {
  builder: (yargs) =>
    yargs
      .command(subcommands(addUser, removeUser, users, invite, token, revokeToken, certificate))
      .demandCommand(1, 'expected add-user, remove-user, users, invite, token, revoke-token or certificate'),
  handler: () => undefined,
};
