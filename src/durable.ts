/** A file that is there whole, or as it was before: over a crash, a full disk and a power cut. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file, or replaces it, and resolves once it is on disk. Until then the content is beside it, as `PATH.PID.part`;
 * when it cannot be written, that is removed and what was under `path` stays. One call at a time for a path. `mode`: of the
 * new file, less the umask. Errors: those of the file system.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    {
      await using file = await open(part, 'w', mode);
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
