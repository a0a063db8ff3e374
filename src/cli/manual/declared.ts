/** What commands declare of themselves, as plain data: for the manual page and the completion of shells. */
import type { Argv } from 'yargs';
import type { CommandEntry } from '../commands/command.js';

export interface DeclaredOption {
  /** Without dashes. */
  readonly name: string;
  readonly describe: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly default?: string | undefined;
}

export interface DeclaredCommand {
  /** The words behind `fastsamd`, as in `model pull`. */
  readonly path: string;
  /** Its own word. */
  readonly name: string;
  /** Its arguments, as in `<source..>`. */
  readonly arguments: string;
  readonly describe: string;
  readonly positionals: readonly DeclaredOption[];
  readonly options: readonly DeclaredOption[];
  readonly commands: readonly DeclaredCommand[];
  /** Command lines, with what they do. */
  readonly examples: readonly (readonly [string, string])[];
  readonly epilogue: string;
}

/** What a builder says of an option; the parts that are used here. */
interface Settings {
  readonly type?: string;
  readonly describe?: string;
  readonly choices?: readonly unknown[];
  readonly default?: unknown;
}

interface Subcommand {
  readonly command?: string | readonly string[];
  readonly describe?: string | false;
  readonly builder?: (yargs: Argv) => unknown;
}

/** All commands of `table`, in its order. */
export async function declaredCommands(table: readonly CommandEntry[]): Promise<DeclaredCommand[]> {
  return Promise.all(table.map(async ({ command, describe, load }) => declared('', command, describe, (await load()).builder)));
}

async function declared(parent: string, command: string, describe: string, builder: (yargs: Argv) => unknown): Promise<DeclaredCommand> {
  const [name = '', ...words] = command.split(' ');
  const path = parent === '' ? name : `${parent} ${name}`;
  const recorder = new Recorder();
  await builder(recorder as unknown as Argv);
  return {
    path,
    name,
    arguments: words.join(' '),
    describe,
    positionals: recorder.positionals,
    options: recorder.declared,
    commands: await Promise.all(
      recorder.subcommands.map((each) => {
        if (typeof each.command !== 'string' || typeof each.describe !== 'string' || !each.builder)
          throw new Error(`${path}: an undeclared command`);
        return declared(path, each.command, each.describe, each.builder);
      }),
    ),
    examples: recorder.examples,
    epilogue: recorder.text,
  };
}

/** Has the methods of the parser that builders call, and keeps what they say. */
class Recorder {
  readonly positionals: DeclaredOption[] = [];
  readonly declared: DeclaredOption[] = [];
  readonly subcommands: Subcommand[] = [];
  readonly examples: [string, string][] = [];
  text = '';

  positional(name: string, settings: Settings): this {
    this.positionals.push(optionOf(name, settings));
    return this;
  }

  option(name: string, settings: Settings): this {
    this.declared.push(optionOf(name, settings));
    return this;
  }

  options(all: Readonly<Record<string, Settings>>): this {
    for (const [name, settings] of Object.entries(all)) this.option(name, settings);
    return this;
  }

  command(subcommands: readonly Subcommand[]): this {
    this.subcommands.push(...subcommands);
    return this;
  }

  demandCommand(): this {
    return this;
  }

  group(): this {
    return this;
  }

  example(line: string, what: string): this {
    this.examples.push([line.replaceAll('$0', 'fastsamd'), what]);
    return this;
  }

  epilogue(text: string): this {
    this.text = text;
    return this;
  }
}

function optionOf(name: string, { type, describe = '', choices = [], default: value }: Settings): DeclaredOption {
  const isBoolean = type === 'boolean';
  const hasDefault = value !== undefined && value !== '' && !isBoolean && !(typeof value === 'number' && !Number.isFinite(value));
  return {
    name,
    describe: describe.replace(/\s+/g, ' '),
    takesValue: !isBoolean,
    choices: choices.map(String),
    default: hasDefault ? String(value) : undefined,
  };
}
