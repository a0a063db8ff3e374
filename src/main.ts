/** argv → command → exit code. The only place that ends the process. */
import { exitAtOnce, exitCodeOfLeaving, watchForLeaving } from './cli/leaving.js';
import { preparedHelp } from './cli/prepared-help.js';
import { exitCodeOf, isFastsamError, messageOf } from './errors.js';
import { withoutControls } from './printable.js';

/** How long what a finished command left open may keep the process alive. */
const DRAIN_MS = 2000;

const args = process.argv.slice(2);
const debug = args.includes('--debug');

/** One line per problem; a configuration may have several. */
function report(error: unknown): void {
  const text = isFastsamError(error) ? error.message : `internal error: ${messageOf(error)}${debug ? '' : ' (--debug shows where)'}`;
  for (const line of text.split('\n')) process.stderr.write(`fastsamd: ${withoutControls(line)}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

process.on('uncaughtException', (error) => {
  report(error);
  exitAtOnce(exitCodeOf(error));
});
watchForLeaving();

try {
  const help = preparedHelp(args);
  if (help === undefined) await (await import('./cli/cli.js')).runCommandLine(args);
  else process.stdout.write(help);
  process.exitCode = exitCodeOfLeaving() || process.exitCode;
} catch (error) {
  report(error);
  process.exitCode = exitCodeOf(error);
}

setTimeout(() => {
  if (debug) process.stderr.write(`fastsamd: still open at the end: ${process.getActiveResourcesInfo().join(', ')}\n`);
  exitAtOnce(Number(process.exitCode ?? 0));
}, DRAIN_MS).unref();
