/** The limit of open files, before the first module of the program is loaded. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../../bin/fastsamd', import.meta.url));

function runWithin(files: number, ...args: string[]): Promise<{ stdout: string; stderr: string; code?: number }> {
  const command = ['-c', 'ulimit -n "$1" && shift && exec "$@"', 'sh', `${files}`, process.execPath, BIN, ...args];
  return promisify(execFile)('sh', command).catch((error) => error);
}

describe('a limit of open files', { timeout: 30_000 }, () => {
  it.each([24, 64, 255])('of %i is refused in one line that says what to do', async (files) => {
    const { code, stdout, stderr } = await runWithin(files, 'config', 'schema');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `fastsamd: at most ${files} files may be open at a time, expected at least 256; raise the limit (ulimit -n 1024, or LimitNOFILE= of the service)\n`,
    );
  });

  it('of 256 is enough for the command line', async () => {
    const { stdout } = await runWithin(256, 'config', 'schema');
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object' });
  });
});
