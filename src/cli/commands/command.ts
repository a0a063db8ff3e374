import type { Argv, CommandModule } from 'yargs';

/** The part of a command that is loaded once it is named; its usage and description are in the table of commands. */
export interface Command<Args> {
  readonly builder: (yargs: Argv) => Argv<Args>;
  readonly handler: (args: Args) => void | Promise<void>;
}

/** What the table of commands holds: commands of any arguments. */
export interface AnyCommand {
  readonly builder: (yargs: Argv) => unknown;
  readonly handler: (args: never) => void | Promise<void>;
}

/** A command as a table lists it: of the command line, or of a command that has subcommands. */
export interface CommandEntry {
  readonly command: string;
  readonly describe: string;
  /** Options and subcommands. */
  readonly load: () => Promise<AnyCommand>;
}

/** The command that the parser has found. */
let found: (() => void | Promise<void>) | undefined;

/**
 * Runs the command that the parser has found, if any. The parser itself must not: before it waits for a command it formats
 * the help text of that command, which it would show after a failure.
 */
export async function runFound(): Promise<void> {
  const run = found;
  found = undefined;
  await run?.();
}

/** The parser loads the options of the one command that is named; `runFound` runs it. */
export function lazily({ command, describe, load }: CommandEntry): CommandModule {
  let loaded: AnyCommand | undefined;
  return {
    command,
    describe,
    builder: async (parser: Argv) => {
      loaded = await load();
      return loaded.builder(ownOptionsFirst(parser)) as Argv;
    },
    handler: (args) => {
      found = () => loaded?.handler(args as never);
    },
  };
}

/** Subcommands of any arguments, for `Argv.command`; `runFound` runs them. */
export function subcommands(...modules: readonly unknown[]): CommandModule[] {
  return (modules as (CommandModule & AnyCommand)[]).map((module) => ({
    ...module,
    builder: (parser: Argv) => module.builder(ownOptionsFirst(parser)) as Argv,
    handler: (args) => {
      found = () => module.handler(args);
    },
  }));
}

/** In help texts, a command's arguments and its own options come before the groups of options that it shares with other commands. */
function ownOptionsFirst(parser: Argv): Argv {
  return parser.group([], 'Positionals:').group([], 'Options:');
}
