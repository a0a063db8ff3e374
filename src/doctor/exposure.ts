/** What about the way the daemon was started would help an attacker. */
import { stat } from 'node:fs/promises';
import type { Config } from '../config/schema.js';

const READABLE_BY_OTHERS = 0o004;

/** One line per weakness, each with what to do. Files that cannot be looked at are left to those that need them. */
export async function exposures({ mqtt, cameras, metrics }: Config, uid = process.getuid?.()): Promise<string[]> {
  const lines: string[] = [];
  if (uid === 0) lines.push('runs as root: a fault in a decoder would have the whole machine; use the service, or a separate user');
  const files = [mqtt.passwordFile, mqtt.tls.keyFile, metrics.tokenFile, ...cameras.map(({ passwordFile }) => passwordFile)];
  for (const file of new Set(files.filter((path) => path !== undefined))) {
    const stats = await stat(file).catch(() => undefined);
    if (stats && (stats.mode & READABLE_BY_OTHERS) !== 0) lines.push(`${file}: every user of this machine can read it; chmod 640`);
  }
  return lines;
}
