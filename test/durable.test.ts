import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeDurably } from '../src/durable.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-durable-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a file written durably', () => {
  it('has its content and its mode', async () => {
    const text = join(folder, 'text');
    await writeDurably(text, 'größer', 0o600);
    expect(await readFile(text, 'utf8')).toBe('größer');
    expect((await stat(text)).mode & 0o777).toBe(0o600);
    const bytes = join(folder, 'bytes');
    await writeDurably(bytes, Uint8Array.of(0, 255, 10));
    expect([...(await readFile(bytes))]).toEqual([0, 255, 10]);
    expect((await stat(bytes)).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it('replaces what was there, its mode included', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'something longer', { mode: 0o666 });
    await writeDurably(file, 'new', 0o600);
    expect(await readFile(file, 'utf8')).toBe('new');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('is as it was when the new one does not fit, and nothing else is left', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'old');
    // A limit on the size of files stands for a full disk: some of the content is written, the rest is refused.
    const code = `
      const { writeDurably } = await import(${JSON.stringify(new URL('../dist/durable.js', import.meta.url).href)});
      await writeDurably(${JSON.stringify(file)}, 'x'.repeat(100_000)).catch(({ code }) => console.log(code));
    `;
    const script = 'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"';
    const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, code]);
    expect(stdout).toBe('EFBIG\n');
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('is not there without its folder, or in place of one', async () => {
    await expect(writeDurably(join(folder, 'none', 'file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(join(folder, 'file'), 'old');
    await expect(writeDurably(folder, 'x')).rejects.toMatchObject({ code: expect.stringMatching(/^(EISDIR|ENOTEMPTY|EEXIST)$/) });
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('old');
  });
});
