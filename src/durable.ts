/** A file that is there whole, or as it was before: over a crash, a full disk and a power cut. */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf } from './errors.js';

/**
 * Writes a file, or replaces it, and resolves once it is on disk. Until then the content is beside it, as `PATH.PID.part`;
 * when it cannot be written, that is removed and what was under `path` stays. One call at a time for a path. `mode`: of the
 * new file, less the umask. Errors: those of the file system.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    {
      await using file = await createNew(part, mode);
      await file.writeFile(content);
      await file.sync();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
  // A new name is on disk only once its folder is.
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
}

/** A file of this name that was not there before: a link or a leftover of that name is removed, never written through. */
async function createNew(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'wx', mode);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
    await rm(path);
    return open(path, 'wx', mode);
  }
}

/** Removes what writes of `path` that never finished have left behind. To be called while nothing writes it. Never rejects. */
export async function removeParts(path: string): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  const leftovers = names.filter((name) => name.startsWith(`${basename(path)}.`) && /\.\d+\.part$/.test(name));
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
}

/**
 * The text of a file that may have become anything. Errors: those of the file system; one that says so for what is no
 * regular file (it is not waited for, as a FIFO would be) and for more than `maxBytes`.
 */
export async function readBounded(path: string, maxBytes: number): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error('not a regular file');
  if (stats.size > maxBytes) throw new Error(`${stats.size} bytes; expected at most ${maxBytes}`);
  return file.readFile('utf8');
}
