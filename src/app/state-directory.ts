/** Where a node keeps what outlives it: prompts in force, events that wait for the broker. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/schema.js';

/**
 * A folder of the node's own, so that several may run on one machine: below `stateDir`, where it is configured, below
 * what systemd names (StateDirectory=), or below the user's. It may not exist yet.
 */
export function stateDirectoryOf({ stateDir, node }: Pick<Config, 'stateDir' | 'node'>): string {
  const user = () => join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'fastsamd');
  return join(stateDir ?? process.env.STATE_DIRECTORY?.split(':')[0] ?? user(), node);
}
