/** The frame of the command line: which commands there are, and what all of them share. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import yargs, { type Argv, type CommandModule } from 'yargs';
import { isFastsamError } from '../errors.js';
import type { AnyCommand } from './commands/command.js';
import { checkValues, usageError } from './usage.js';

interface CommandEntry {
  readonly command: string;
  readonly describe: string;
  /** Options and subcommands. */
  readonly load: () => Promise<AnyCommand>;
}

/** In the order of `--help`, which loads none of them. One file each, and what runs the command in a file of that name above it. */
const commands: readonly CommandEntry[] = [
  {
    command: 'run',
    describe: 'Run the daemon: cameras in, segments and health out over MQTT, until SIGTERM',
    load: async () => (await import('./commands/run.js')).runCommand,
  },
  {
    command: 'request <node> <verb> [json]',
    describe: 'Ask a running node over MQTT: prompts, state, pictures',
    load: async () => (await import('./commands/request.js')).requestCommand,
  },
  {
    command: 'watch <node>',
    describe: "Show a running node's results, events and state as they come",
    load: async () => (await import('./commands/watch.js')).watchCommand,
  },
  {
    command: 'segment <source..>',
    describe: 'Segment pictures, videos or a camera once',
    load: async () => (await import('./commands/segment.js')).segmentCommand,
  },
  {
    command: 'measure <picture>',
    describe: 'Measure the objects of a picture: sizes, shapes, colours, with their uncertainty',
    load: async () => (await import('./commands/measure.js')).measureCommand,
  },
  {
    command: 'inspect <pictures>',
    describe: 'Judge parts by a recipe: OK, NOK or UNSURE, with the values and limits',
    load: async () => (await import('./commands/inspect.js')).inspectCommand,
  },
  {
    command: 'verdicts',
    describe: "Read a node's record of inspections: list, show, export, verify",
    load: async () => (await import('./commands/verdicts.js')).verdictsCommand,
  },
  {
    command: 'bench <source>',
    describe: 'Measure latency per stage, frame rate and overhead over the bare network',
    load: async () => (await import('./commands/bench.js')).benchCommand,
  },
  {
    command: 'eval',
    describe: 'Score a model on a benchmark: COCO, LVIS, edges, saliency, anomalies, buildings',
    load: async () => (await import('./eval/index.js')).evalCommand,
  },
  {
    command: 'camera',
    describe: 'Find cameras and try them',
    load: async () => (await import('./commands/camera.js')).cameraCommand,
  },
  {
    command: 'model',
    describe: 'Get, convert and check models',
    load: async () => (await import('./commands/model.js')).modelCommand,
  },
  {
    command: 'engine',
    describe: 'Build, inspect and verify TensorRT engines',
    load: async () => (await import('./commands/engine.js')).engineCommand,
  },
  {
    command: 'config',
    describe: 'Check, explain and print configuration files.',
    load: async () => (await import('./commands/config.js')).configCommand,
  },
  {
    command: 'console',
    describe: 'Users, invitations and certificates of the web console',
    load: async () => (await import('./commands/console.js')).consoleCommand,
  },
  {
    command: 'doctor',
    describe: 'Check this machine and a configuration, and say what to do',
    load: async () => (await import('./commands/doctor.js')).doctorCommand,
  },
  {
    command: 'demo',
    describe: 'Run the daemon on a drawn conveyor belt, with a model and a broker of its own',
    load: async () => (await import('./commands/demo.js')).demoCommand,
  },
];

/** The parser loads the options of the one command that is named. */
function lazily({ command, describe, load }: CommandEntry): CommandModule {
  let loaded: AnyCommand | undefined;
  return {
    command,
    describe,
    builder: async (parser: Argv) => {
      loaded = await load();
      return loaded.builder(parser) as Argv;
    },
    handler: (args) => loaded?.handler(args as never),
  };
}

/** What a lone "-" on the command line stands for. */
const STDIN = '/dev/stdin';

const packageRoot = new URL('../../', import.meta.url);

function version(): string {
  return (JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }).version;
}

/**
 * Runs the command that `args` (without node and script) names. Errors: USAGE for the command line itself, and
 * whatever the command throws.
 */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  // The parser loses a lone "-" among the positional arguments.
  const parser: Argv = yargs(args.map((word) => (word === '-' ? STDIN : word)));
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
    .epilogue(
      `Exit code: 0 success, 2 wrong usage or configuration, 3 unusable input, 1 anything else.\nDocumentation: ${fileURLToPath(new URL('docs', packageRoot))}`,
    )
    .completion('completion', 'Print a completion script for bash or zsh: fastsamd completion >> ~/.bashrc')
    .version(version())
    .help()
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .detectLocale(false)
    .exitProcess(false)
    .fail((message, error) => {
      // The parser's own complaints come with a message, what a command throws comes without.
      throw !message || isFastsamError(error) ? error : usageError(message, args, parser);
    })
    .parseAsync();
}
