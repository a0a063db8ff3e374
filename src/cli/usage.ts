/** What yargs has to say about a command line, as one line that names the mistake and the nearest thing that exists. */
import type { Argv } from 'yargs';
import { nearest } from '../config/nearest.js';
import { FastsamError } from '../errors.js';

/** State of the parser at the moment of the failure: that of the innermost command. Not in its published types. */
interface ParserInternals {
  getOptions(): { readonly key: Record<string, unknown>; readonly hiddenOptions: readonly string[] };
  getInternalMethods(): {
    getContext(): { readonly commands: readonly string[]; readonly fullCommands: readonly string[] };
    getCommandInstance(): { getCommands(): readonly string[] };
  };
}

/** The parser's complaint `message` about `args` as a USAGE error. */
export function usageError(message: string, args: readonly string[], parser: Argv): FastsamError {
  const internals = parser as unknown as ParserInternals;
  const { commands, fullCommands } = internals.getInternalMethods().getContext();
  const options = Object.keys(internals.getOptions().key);
  const subcommands = internals.getInternalMethods().getCommandInstance().getCommands();
  const usage = ['fastsamd', ...fullCommands].join(' ');
  const help = ['fastsamd', ...commands, '--help'].join(' ');
  return new FastsamError('USAGE', `${explain(message, args, { options, subcommands, usage })} (see ${help})`);
}

interface Known {
  readonly options: readonly string[];
  readonly subcommands: readonly string[];
  readonly usage: string;
}

function explain(message: string, args: readonly string[], known: Known): string {
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/s.exec(message)?.[1]?.split(', ') ?? [];
  const word = unknown.find((name) => args.includes(name));
  if (word !== undefined && known.subcommands.length > 0) return unexpectedWord(word, known);
  // Before the rest, because a misspelt option often leaves a required one missing, and that is what is complained about.
  const misspelt = unknownOption(args, known.options);
  if (misspelt !== undefined) return misspelt;
  if (word !== undefined) return unexpectedWord(word, known);
  if (message.startsWith('Not enough non-option arguments')) return `expected ${known.usage}`;
  const valueless = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (valueless !== undefined) return `--${valueless} needs a value`;
  const required = /^Missing required arguments?: (.+)$/.exec(message)?.[1];
  if (required !== undefined) return `missing ${required.replace(/[^, ]+/g, '--$&')}`;
  const choice = /^Invalid values:\s+Argument: (.+), Given: (.+), Choices: (.+)$/s.exec(message);
  if (choice) return `--${choice[1]}: expected one of ${choice[3]}, got ${choice[2]}`;
  return message.replace(/\s*\n\s*/g, ' ');
}

function unknownOption(args: readonly string[], options: readonly string[]): string | undefined {
  const end = args.indexOf('--');
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const name = /^--?(?:no-)?([a-z][^=]*)/i.exec(arg)?.[1];
    if (name === undefined || options.includes(name)) continue;
    const meant = nearest(name, options);
    return `unknown option ${arg.split('=', 1)[0]}${meant === undefined ? '' : `; did you mean --${meant}?`}`;
  }
  return undefined;
}

function unexpectedWord(word: string, known: Known): string {
  if (known.subcommands.length === 0) return `unexpected argument "${word}"; expected ${known.usage}`;
  const meant = nearest(word, known.subcommands);
  return `unknown command "${word}"; ${meant === undefined ? `expected one of ${known.subcommands.join(', ')}` : `did you mean "${meant}"?`}`;
}

/** Rules for every command that the parser does not know: a number is there, is a number, and is given once. */
export function checkValues(
  argv: Record<string, unknown>,
  options: { readonly number: readonly string[]; readonly array: readonly string[] },
  args: readonly string[],
): true {
  for (const [k, arg] of args.entries()) {
    if (arg === '--') break;
    const [, key = '', inline] = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (!options.number.includes(key)) continue;
    const value = inline ?? args[k + 1];
    // The parser takes no value for the default, and an empty one for 0.
    if (value === undefined || value.trim() === '' || /^--[a-z]/.test(value)) throw new FastsamError('USAGE', `--${key} needs a value`);
  }
  for (const [key, value] of Object.entries(argv)) {
    if (key === '_' || !/^[a-z][a-z0-9-]*$/.test(key)) continue;
    const values = Array.isArray(value) ? value : [value];
    if (options.number.includes(key) && values.some(Number.isNaN)) throw new FastsamError('USAGE', `--${key}: expected a number`);
    if (Array.isArray(value) && !options.array.includes(key))
      throw new FastsamError('USAGE', `--${key}: expected once, got ${value.length} times`);
  }
  return true;
}
