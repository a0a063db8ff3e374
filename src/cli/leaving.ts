/**
 * How a command ends before its work is done. The first SIGINT, SIGTERM or SIGHUP, or a reader that has closed standard
 * output (`| head`), asks the command to finish: stop its sources and engine, complete its files. The second one, or the
 * first while there is nothing to finish, ends the process at once.
 */
import { once } from 'node:events';
import { native } from '../addon/addon.js';
import { flushStandardError } from '../daemon/standard-error.js';
import { FastsamError, isFastsamError, systemCodeOf } from '../errors.js';
import type { Source, SourceOptions } from '../source/source.js';
import { say, tell } from './terminal.js';

/** Exit codes of processes that a signal ended, as shells count them; a reader that has seen enough is no failure. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143, 'reader gone': 0 } as const;
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
const SHOW_CURSOR = '\x1b[?25h';

type Cause = keyof typeof EXIT_CODES;

const readerGone = new AbortController();
let finishing: AbortController | undefined;
let exitCode: number | undefined;

export interface Finishing extends Disposable {
  /** Aborted when the command is to finish. */
  readonly signal: AbortSignal;
}

/** Handles signals and a closed standard output from now on. Called once, before the command runs. */
export function watchForLeaving(): void {
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A command that listens itself (`run`) deals with the signal.
      if (finishing || process.listenerCount(signal) === 1) leave(signal);
    });
  }
  process.stdout.on('error', (error) => {
    if (systemCodeOf(error) !== 'EPIPE') throw error;
    if (readerGone.signal.aborted) return;
    readerGone.abort();
    leave('reader gone');
  });
  // There is no place left to report that standard error is closed.
  process.stderr.on('error', () => undefined);
}

/**
 * The command has something to finish, from now until the result is disposed. `interruptedIs: success` for commands that
 * run until they are interrupted.
 */
export function finishBeforeLeaving(interruptedIs: 'failure' | 'success' = 'failure'): Finishing {
  const controller = new AbortController();
  finishing = controller;
  controller.signal.addEventListener('abort', () => {
    if (interruptedIs === 'success') exitCode = 0;
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      if (finishing === controller) finishing = undefined;
    },
  };
}

/** Resolves once the command is to leave. */
export function askedToLeave({ signal }: Finishing): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** The exit code of a command that was asked to finish and has finished; undefined when it was not asked. */
export function exitCodeOfLeaving(): number | undefined {
  return exitCode;
}

/** Ends the process without tearing down what still runs. */
export function exitAtOnce(code: number): never {
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  flushStandardError();
  let leaveNow: (code: number) => never;
  try {
    leaveNow = native().exitAtOnce;
  } catch {
    // Without the addon no engine runs either, and nothing can be in the way.
    process.exit(code);
  }
  return leaveNow(code);
}

function leave(cause: Cause): void {
  if (!finishing || finishing.signal.aborted) exitAtOnce(EXIT_CODES[cause]);
  exitCode = EXIT_CODES[cause];
  finishing.abort(cause);
}

/** A line on standard output. Waits while the reader is slow; nothing happens once it has gone. */
export async function writeLine(line: string): Promise<void> {
  const { signal } = readerGone;
  if (signal.aborted || process.stdout.write(`${line}\n`)) return;
  await once(process.stdout, 'drain', { signal }).catch(() => undefined);
}

/** A line about a file that was written: on standard output, or on standard error where that is taken or gone. */
export function sayWritten(path: string, { onlyJson }: { readonly onlyJson: boolean }): void {
  if (readerGone.signal.aborted || (onlyJson && exitCode !== undefined)) tell(`fastsamd: wrote ${path}`);
  else if (!onlyJson) say(`wrote ${path}`);
}

/**
 * Opens a source, hands it to `use` and stops it. When the command is to finish the source is stopped at once: its frames
 * end, and what was read of it is still used. Errors: as openSource and `use`; none of the source's own once the command
 * is to finish.
 */
export async function withSource(
  uri: string,
  options: SourceOptions,
  finishing: Finishing,
  use: (source: Source) => Promise<void>,
): Promise<void> {
  if (finishing.signal.aborted) return;
  const { createInput } = await import('./inputs.js');
  await whileOpen(await createInput(uri, options), finishing, use);
}

/** As withSource, with a source that is not open yet. */
export async function whileOpen(source: Source, { signal }: Finishing, use: (source: Source) => Promise<void>): Promise<void> {
  const stop = () => void source.stop().catch(() => undefined);
  signal.addEventListener('abort', stop);
  try {
    if (!signal.aborted) await source.open();
    if (!signal.aborted) await use(source);
  } catch (error) {
    if (!signal.aborted || !isOfSource(error)) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await source.stop();
  }
}

function isOfSource(error: unknown): boolean {
  return error instanceof FastsamError && (error.code.startsWith('SOURCE_') || isFastsamError(error, 'MISUSE'));
}
