/** Brings `dist` up to date before the tests: worker threads and spawned commands run from there. */
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const marker = join(root, 'dist/.fastsamd-compiled');

export function setup(): void {
  const compiledMs = statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  if (!sources.some((file) => statSync(join(root, 'src', file)).mtimeMs > compiledMs)) return;
  execFileSync('npm', ['run', '--silent', 'build:ts'], { cwd: root, stdio: 'inherit' });
}
