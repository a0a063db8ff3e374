/** Runs bin/fastsamd as a user would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Disposing of it kills it and waits for its end. */
export interface RunningCommand extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Resolves with the first line of stderr or stdout that matches; rejects when the command ends without one. */
  line(pattern: RegExp): Promise<string>;
}

/** Starts `fastsamd ...args`. It is killed when this process ends. */
export function start(...args: string[]): RunningCommand {
  return startWith({}, ...args);
}

/** As `start`, with more in its environment. */
export function startWith(environment: Readonly<Record<string, string>>, ...args: string[]): RunningCommand {
  // Also when this process is killed and cannot end anything itself.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, BIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const notify = () => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    notify();
  });
  const outcome = new Promise<Outcome>((resolve) => {
    child.once('close', (code) => {
      process.removeListener('exit', kill);
      resolve({ code, stdout, stderr });
      notify();
    });
  });
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = `${stdout}\n${stderr}`.split('\n').find((text) => pattern.test(text));
        if (found === undefined) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
      void outcome.then(({ code }) => reject(new Error(`ended with ${code} before ${pattern}: ${stderr}`)));
    });
  return {
    process: child,
    outcome,
    line,
    async [Symbol.asyncDispose]() {
      kill();
      await outcome;
    },
  };
}

export function fastsamd(...args: string[]): Promise<Outcome> {
  return start(...args).outcome;
}
