/** The package in build/standin, whose addon has TensorRT on stand-ins: `make check-tensorrt` builds it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const standin = new URL('../../build/standin/', import.meta.url).pathname;
export const hasStandin = existsSync(join(standin, 'build/Release/fastsamd.node'));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the package at `root`. */
export function fastsamd(args: readonly string[], env: Record<string, string> = {}, root = standin): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, 'bin/fastsamd'), ...args],
      { encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 2 ** 28 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
