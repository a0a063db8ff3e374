import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory, makeDirectorySync, openBounded, readBounded, writeDurably } from '../src/durable.js';
import { Tokenizer } from '../src/engine/clip/tokenizer.js';
import { readSidecar } from '../src/engine/tensorrt/sidecar.js';
import { importCheckpoint } from '../src/model/import.js';
import { readModelMetadata } from '../src/model/onnx.js';

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

  it('is there though its folder cannot be synced', async () => {
    // Nobody but root may open this folder; everybody may write into it.
    await chmod(folder, 0o333);
    const file = join(folder, 'file');
    const code = `
      const { writeDurably } = await import(${JSON.stringify(new URL('../dist/durable.js', import.meta.url).href)});
      if (process.getuid() === 0) process.setuid(65534);
      await writeDurably(${JSON.stringify(file)}, 'new');
    `;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
    await chmod(folder, 0o777);
    expect(await readFile(file, 'utf8')).toBe('new');
  });
});

describe('a file that is read within bounds', () => {
  it('is not waited for when it is a FIFO, and is refused when it is a folder or too large', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'abc');
    expect(await readBounded(file, 3)).toBe('abc');
    await expect(openBounded(file, 2)).rejects.toMatchObject({ code: 'EFBIG', message: '3 bytes; expected at most 2' });
    await expect(openBounded(folder, 2)).rejects.toMatchObject({ code: 'EISDIR' });
    await promisify(execFile)('mkfifo', [join(folder, 'fifo')]);
    await expect(openBounded(join(folder, 'fifo'), 2)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('of models, checkpoints and tokenizers is not waited for either when it is a FIFO', async () => {
    const fifo = join(folder, 'model.onnx');
    await promisify(execFile)('mkfifo', [fifo]);
    await expect(readModelMetadata(fifo)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('no regular file'),
    });
    await expect(importCheckpoint(fifo, join(folder, 'out.onnx'), { imageSize: [64, 64] })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
    await expect(Tokenizer.load(fifo)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(await readSidecar(fifo)).toBeUndefined();
  });
});

describe('makeDirectory', () => {
  const ways: [string, (path: string, mode?: number) => Promise<void>][] = [
    ['makeDirectory', makeDirectory],
    ['makeDirectorySync', async (path, mode) => makeDirectorySync(path, mode)],
  ];

  it.each(ways)('%s makes what is missing and leaves what is there', async (_name, make) => {
    const deep = join(folder, 'a/b/c');
    await make(deep, 0o700);
    await make(deep);
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
    expect((await stat(deep)).isDirectory()).toBe(true);
    await Promise.all(Array.from({ length: 8 }, () => make(join(folder, 'x/y/z'))));
    expect((await stat(join(folder, 'x/y/z'))).isDirectory()).toBe(true);
  });

  it.each(ways)('%s says what is in the way', async (_name, make) => {
    await writeFile(join(folder, 'file'), '');
    await expect(make(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(make(join(folder, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it.each(ways)('%s gives up where no folder can be made', async (_name, make) => {
    await expect(make('/proc/fastsamd/deep/down')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is what the sources use: no recursive mkdir', async () => {
    const root = new URL('../src/', import.meta.url);
    const paths = (await readdir(root, { recursive: true })).filter((path) => path.endsWith('.ts'));
    const texts = await Promise.all(paths.map(async (path) => ({ path, text: await readFile(new URL(path, root), 'utf8') })));
    expect(texts.filter(({ text }) => /\bmkdir(Sync)?\([^;]*recursive: true/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
