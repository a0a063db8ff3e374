/** A disk that is full, and has room again: a file system of two megabytes, which a user namespace may mount. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const CHILD = fileURLToPath(new URL('./full-disk-child.mjs', import.meta.url));

function mayMount(): boolean {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

it.skipIf(!mayMount())('a record goes on by itself once the disk has room again, without a gap (needs user namespaces)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fastsamd-full-'));
  try {
    const script = 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" "$3" "$1"';
    const { stdout } = await promisify(execFile)('unshare', ['-rm', 'sh', '-c', script, 'sh', folder, process.execPath, CHILD]);
    const { before, failed, after, numbers, pending, problem, picturesWhileFull, picturesAfter } = JSON.parse(stdout);
    expect({ before, failed, after }).toEqual({ before: 20, failed: 'OUTPUT_UNWRITABLE', after: 20 });
    // What was accepted and could not be decided any more waits for the next start; everything else has its verdict.
    expect(numbers.length).toBeGreaterThanOrEqual(40);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(Math.max(...numbers)).toBe(numbers.length + pending);
    expect(problem).toBeUndefined();
    expect([picturesWhileFull, picturesAfter]).toEqual([0, 1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
