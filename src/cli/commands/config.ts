/** Options of `fastsamd config check | schema | show`. */
import type { Argv, CommandModule } from 'yargs';
import type { FileArguments } from '../config.js';
import { type Command, subcommands } from './command.js';

function fileArgument(yargs: Argv): Argv<FileArguments> {
  return yargs.positional('file', { type: 'string', demandOption: true, describe: 'Configuration file (YAML).' });
}

const check: CommandModule<object, FileArguments> = {
  command: 'check <file>',
  describe: 'Check a configuration file and name every mistake with its line.',
  builder: (yargs) => fileArgument(yargs).example('$0 config check /etc/fastsamd/config.yaml', ''),
  handler: async (args) => (await import('../config.js')).checkConfig(args),
};

const schema: CommandModule = {
  command: 'schema',
  describe: 'Print the JSON Schema of configuration files, for editors and other tools.',
  builder: (yargs) => yargs.example('$0 config schema > config.schema.json', ''),
  handler: async () => (await import('../config.js')).printSchema(),
};

const show: CommandModule<object, FileArguments> = {
  command: 'show <file>',
  describe: 'Print the effective configuration: defaults included, paths absolute, secrets redacted.',
  builder: (yargs) => fileArgument(yargs).example('$0 config show config.yaml', ''),
  handler: async (args) => (await import('../config.js')).showConfig(args),
};

export const configCommand: Command<object> = {
  builder: (yargs) => yargs.command(subcommands(check, schema, show)).demandCommand(1, 'expected check, schema or show'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
