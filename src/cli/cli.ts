/** The frame of the command line: which commands there are, and what all of them share. */
import { readFileSync } from 'node:fs';
import yargs, { type Argv } from 'yargs';
import { isFastsamError } from '../errors.js';
import { lazily, runFound } from './commands/command.js';
import { commands } from './commands/table.js';
import { DOCUMENTATION, HELP_COLUMNS } from './prepared-help.js';
import { checkValues, usageError } from './usage.js';

/** What a lone "-" on the command line stands for. */
const STDIN = '/dev/stdin';

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

/**
 * Before the parser hands out a command it formats that command's help text, for failures of its handler, 25 ms: but the
 * handlers of `lazily` cannot fail. Not in the parser's published types.
 */
function formatNoHelpInAdvance(parser: Argv): void {
  interface Internals {
    getInternalMethods(): { getUsageInstance(): { cacheHelpMessage: () => void } };
  }
  (parser as unknown as Internals).getInternalMethods().getUsageInstance().cacheHelpMessage = () => undefined;
}

/**
 * Runs the command that `args` (without node and script) names. `documentation`: the folder that help texts name. Errors:
 * USAGE for the command line itself, and the errors of the command.
 */
export async function runCommandLine(args: readonly string[], documentation = DOCUMENTATION): Promise<void> {
  // The parser loses a lone "-" among the positional arguments.
  const parser: Argv = yargs(args.map((word) => (word === '-' ? STDIN : word)));
  formatNoHelpInAdvance(parser);
  await parser
    .scriptName('fastsamd')
    .usage('$0 COMMAND\n\nSegments everything a camera sees with FastSAM, keeps what the prompts ask for, publishes it over MQTT.')
    .command(commands.map(lazily))
    .demandCommand(1, 'expected a command')
    .option('debug', { type: 'boolean', default: false, describe: 'Show stack traces of errors.' })
    .check((argv, options) => checkValues(argv, options as unknown as Parameters<typeof checkValues>[1], args))
    .strict()
    .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false })
    .example('$0 config check config.yaml', 'find the mistakes in a configuration')
    .example('$0 COMMAND --help', 'options and examples of a command')
    .epilogue(`Exit code: 0 success, 2 wrong usage or configuration, 3 unusable input, 1 anything else.\nDocumentation: ${documentation}`)
    .version(version())
    .help()
    .group(['debug', 'version', 'help'], 'Global options:')
    .wrap(Math.min(HELP_COLUMNS, process.stdout.columns ?? HELP_COLUMNS))
    .detectLocale(false)
    .exitProcess(false)
    .fail((message, error) => {
      // The parser's own complaints come with a message, what a command throws comes without.
      throw !message || isFastsamError(error) ? error : usageError(message, args, parser);
    })
    .parseAsync();
  await runFound();
}
