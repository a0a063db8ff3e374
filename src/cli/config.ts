/** `fastsamd config check | schema | show`. */
import path from 'node:path';
import { stringify } from 'yaml';
import type { Argv, CommandModule } from 'yargs';
import { configJsonSchema } from '../config/json-schema.js';
import { loadConfig } from '../config/load.js';
import { redactConfig } from '../config/redact.js';

interface FileArguments {
  readonly file: string;
}

function fileArgument(yargs: Argv): Argv<FileArguments> {
  return yargs.positional('file', { type: 'string', demandOption: true, describe: 'Configuration file (YAML).' });
}

const check: CommandModule<object, FileArguments> = {
  command: 'check <file>',
  describe: 'Check a configuration file and name every mistake with its line.',
  builder: (yargs) => fileArgument(yargs).example('$0 config check /etc/fastsamd/config.yaml', ''),
  async handler({ file }) {
    const { cameras, model } = await loadConfig(file);
    const count = cameras.length === 1 ? '1 camera' : `${cameras.length} cameras`;
    process.stdout.write(`${file}: ok (${count}, model ${path.basename(model.path)})\n`);
  },
};

const schema: CommandModule = {
  command: 'schema',
  describe: 'Print the JSON Schema of configuration files, for editors and other tools.',
  builder: (yargs) => yargs.example('$0 config schema > config.schema.json', ''),
  handler() {
    process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  },
};

const show: CommandModule<object, FileArguments> = {
  command: 'show <file>',
  describe: 'Print the effective configuration: defaults included, paths absolute, secrets redacted.',
  builder: (yargs) => fileArgument(yargs).example('$0 config show config.yaml', ''),
  async handler({ file }) {
    process.stdout.write(stringify(redactConfig(await loadConfig(file)), { lineWidth: 0 }));
  },
};

export const configCommand: CommandModule = {
  command: 'config',
  describe: 'Check, explain and print configuration files.',
  builder: (yargs) => yargs.command([check, schema, show] as unknown as CommandModule[]).demandCommand(1, 'expected check, schema or show'),
  // A subcommand is demanded, so this is never reached.
  handler() {},
};
