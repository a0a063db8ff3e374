/** A file that is there whole, or as it was before: over a crash, a full disk and a power cut. */
import { closeSync, constants, existsSync, lstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
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
  await syncFolder(dirname(path));
}

/** Errors that say that a folder cannot be synced here at all, rather than that its disk fails. */
const UNSYNCABLE = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'ENOSYS', 'EROFS']);

/**
 * A new name survives a power cut only once its folder is on disk. The file is there either way: a folder that may not be
 * opened, or lies on a file system that does not sync folders, is no error.
 */
async function syncFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path, 'r');
    await folder.sync();
  } catch (error) {
    if (!UNSYNCABLE.has(systemCodeOf(error) ?? '')) throw error;
  }
}

/**
 * Makes a folder and those above it. Not mkdir's `recursive`: below /proc, where no folder can be made, Node 20 tries for
 * ever. `mode`: of new folders, less the umask. Errors: those of the file system.
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' && dirname(path) !== path) {
      await makeDirectory(dirname(path), mode);
      await mkdir(path, mode).catch(async (again: unknown) => {
        if (!(await isDirectory(path))) throw again;
      });
      return;
    }
    if (!(await isDirectory(path))) throw error;
  }
}

/** As makeDirectory, for threads that only do this. */
export function makeDirectorySync(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT' && dirname(path) !== path) {
      makeDirectorySync(dirname(path), mode);
      mkdirSync(path, mode);
      return;
    }
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
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

/** The text of a file that may have become anything. Errors: those of `openBounded`, and of reading. */
export async function readBounded(path: string, maxBytes: number): Promise<string> {
  await using file = await openBounded(path, maxBytes);
  return file.readFile('utf8');
}

/**
 * Opens a file for reading. Errors: those of the file system; EISDIR, EINVAL for what else is no regular file (it is not waited for, as a
 * FIFO would be), EFBIG for more than `maxBytes`.
 */
export async function openBounded(path: string, maxBytes: number): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  const problem = stats.isDirectory()
    ? { code: 'EISDIR', message: 'is a directory' }
    : !stats.isFile()
      ? { code: 'EINVAL', message: 'not a regular file' }
      : stats.size > maxBytes
        ? { code: 'EFBIG', message: `${stats.size} bytes; expected at most ${maxBytes}` }
        : undefined;
  if (!problem) return file;
  await file.close();
  throw Object.assign(new Error(problem.message), { code: problem.code });
}

/** Errors of SQLite that are temporary or the machine's: the file may be whole. */
const NOT_DAMAGED = /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY|BUSY|LOCKED|PERM|NOMEM|AUTH|INTERRUPT)/;

/** Damage of a database that SQLite itself does not report. */
export class DamagedDatabase extends Error {}

/** Whether an error says that the file of a database is damaged, or is no database, or another one. */
export function isDamagedDatabase(error: unknown): boolean {
  const code = systemCodeOf(error) ?? '';
  return error instanceof DamagedDatabase || (code.startsWith('SQLITE_') && !NOT_DAMAGED.test(code));
}

/**
 * The two numbers in the header of `file` that say which SQLite may write and read the file are 1 or 2 in every file; with others
 * SQLite only reads, and says the same as for a disk that cannot be written. Errors: DamagedDatabase.
 */
export function demandWritableFormat(file: string): void {
  // A database in memory.
  if (!existsSync(file)) return;
  const versions = Buffer.alloc(2);
  const descriptor = openSync(file, 'r');
  try {
    if (readSync(descriptor, versions, 0, 2, 18) < 2 || versions.every((version) => version === 1 || version === 2)) return;
  } finally {
    closeSync(descriptor);
  }
  throw new DamagedDatabase('a format that this SQLite only reads');
}

/** Puts aside what is no regular file, or larger than `maxBytes`: a FIFO or a folder where a file should be. */
export function putAsideUnlessUsable(path: string, maxBytes: number): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats && (!stats.isFile() || stats.size > maxBytes)) putAside(path);
}

/** Renames a file to `aside`, in place of what was put there before. */
export function putAside(path: string, aside = `${path}.unreadable`): void {
  rmSync(aside, { force: true, recursive: true });
  renameSync(path, aside);
}
