/**
 * Runs the command line in this process: what a command refuses needs no program of its own. For commands that end by
 * themselves; signals, exit and standard input are tested with command.ts.
 */
import { vi } from 'vitest';
import { runCommandLine } from '../../src/cli/cli.js';
import { problemText } from '../../src/cli/problem-text.js';
import { exitCodeOf } from '../../src/errors.js';
import type { Outcome } from './command.js';

export async function fastsamdHere(...args: string[]): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += text;
      return true;
    }),
  );
  spies.push(vi.spyOn(console, 'log').mockImplementation((text) => void process.stdout.write(`${text}\n`)) as never);
  const before = process.exitCode;
  process.exitCode = 0;
  let code: number;
  try {
    await runCommandLine(args);
    code = Number(process.exitCode);
  } catch (error) {
    code = exitCodeOf(error);
    written.stderr += problemText(error, args.includes('--debug'));
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = before;
  }
  return { code, ...written };
}
