import type { Argv, CommandModule } from 'yargs';

/** The part of a command that is loaded once it is named; its usage and description are in the table of cli.ts. */
export interface Command<Args> {
  readonly builder: (yargs: Argv) => Argv<Args>;
  readonly handler: (args: Args) => void | Promise<void>;
}

/** What the table of cli.ts holds: commands of any arguments. */
export interface AnyCommand {
  readonly builder: (yargs: Argv) => unknown;
  readonly handler: (args: never) => void | Promise<void>;
}

/** Subcommands of any arguments, for `Argv.command`. */
export function subcommands(...modules: readonly unknown[]): CommandModule[] {
  return modules as CommandModule[];
}
