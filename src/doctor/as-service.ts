/** The doctor inside the sandbox of a systemd unit: with its user, its groups, and the devices it lets in. */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { FastsamError, messageOf } from '../errors.js';

const run = promisify(execFile);
const COMMAND_MS = 10_000;
/** What a unit says about its daemon's life, which a single run has not. */
const OF_THE_DAEMON = /^(Type|NotifyAccess|Exec\w+|Restart\w*|Watchdog\w+|Timeout\w+|KillMode|WorkingDirectory)$/;

/** The settings of a unit's [Service] section that make its sandbox, as `systemd-run -p` takes them. Pure. */
export function sandboxOf(unit: string): string[] {
  let section = '';
  const settings: string[] = [];
  for (const line of unit.split('\n').map((text) => text.trim())) {
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    const key = /^(\w+)=/.exec(line)?.[1];
    if (section === 'Service' && key !== undefined && !OF_THE_DAEMON.test(key)) settings.push(line);
  }
  return settings;
}

/**
 * Runs `command` in the sandbox of `unit`, with this process's output; its exit code. Errors: USAGE without systemd, without
 * such a unit, or when systemd refuses (it takes root).
 */
export async function runAsService(unit: string, command: readonly string[]): Promise<number> {
  const settings = sandboxOf(await readUnit(unit));
  const properties = settings.flatMap((setting) => ['-p', setting]);
  const child = spawn('systemd-run', ['--quiet', '--pipe', '--wait', '--collect', ...properties, ...command], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new FastsamError('USAGE', `--as-service: systemd-run does not start: ${messageOf(cause)}`, { cause })),
    );
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function readUnit(unit: string): Promise<string> {
  if (process.getuid?.() !== 0)
    throw new FastsamError('USAGE', '--as-service needs root, to enter the sandbox of the service: sudo fastsamd doctor --as-service');
  try {
    const { stdout } = await run('systemctl', ['cat', unit], { timeout: COMMAND_MS });
    return stdout;
  } catch (cause) {
    throw new FastsamError(
      'USAGE',
      `--as-service: systemd has no ${unit} (systemctl cat ${unit}): is fastsamd installed as a service here?`,
      {
        cause,
      },
    );
  }
}
