/** argv → command → exit code. The only place that ends the process. */
import { runCommandLine } from './cli/cli.js';
import { exitCodeOf, isFastsamError, messageOf, systemCodeOf } from './errors.js';

/** How long what a finished command left open may keep the process alive. */
const DRAIN_MS = 2000;
const SIGINT_EXIT_CODE = 130;

const args = process.argv.slice(2);
const debug = args.includes('--debug');

/** One line per problem; a configuration may have several. */
function report(error: unknown): void {
  const text = isFastsamError(error) ? error.message : `internal error: ${messageOf(error)}${debug ? '' : ' (--debug shows where)'}`;
  for (const line of text.split('\n')) process.stderr.write(`fastsamd: ${line}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error) => {
  if (systemCodeOf(error) !== 'EPIPE') report(error);
  process.exit(systemCodeOf(error) === 'EPIPE' ? 0 : 1);
});

// A command with something to finish listens for SIGINT itself; ours then stays out of its way.
process.on('SIGINT', () => {
  if (process.listenerCount('SIGINT') === 1) process.exit(SIGINT_EXIT_CODE);
});

process.on('uncaughtException', (error) => {
  report(error);
  process.exit(exitCodeOf(error));
});

try {
  await runCommandLine(args);
} catch (error) {
  report(error);
  process.exitCode = exitCodeOf(error);
}

setTimeout(() => {
  if (debug) process.stderr.write(`fastsamd: still open at the end: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit();
}, DRAIN_MS).unref();
