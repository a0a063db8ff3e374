/** argv → command → exit code. The only place that ends the process. */
import { fileURLToPath } from 'node:url';
import { exitAtOnce, exitCodeOfLeaving, watchForLeaving } from './cli/leaving.js';
import { preparedHelp } from './cli/prepared-help.js';
import { problemText } from './cli/problem-text.js';
import { nameSourcesInStackTraces } from './cli/stack-traces.js';
import { compiledModule } from './compiled.js';
import { exitCodeOf } from './errors.js';

/** How long what a finished command left open may keep the process alive. */
const DRAIN_MS = 2000;

const args = process.argv.slice(2);
const debug = args.includes('--debug');

function report(error: unknown): void {
  process.stderr.write(problemText(error, debug));
}

async function main(): Promise<void> {
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
}

nameSourcesInStackTraces(fileURLToPath(compiledModule('bundle/', import.meta.url)));
process.on('uncaughtException', (error) => {
  report(error);
  exitAtOnce(exitCodeOf(error));
});
watchForLeaving();
void main();
