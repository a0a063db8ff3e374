/** What a command must not write to: its own inputs, however their paths are spelt or linked. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FastsamError } from '../errors.js';

export class Inputs {
  /** Device and inode of every input file. */
  readonly #files = new Set<string>();
  /** Of every folder that is read. */
  readonly #folders = new Set<string>();

  /** The files and folders among `sources`; everything else cannot be overwritten. */
  static async of(sources: readonly string[]): Promise<Inputs> {
    const inputs = new Inputs();
    for (const source of sources) {
      const path = source.replace(/^file:(?:\/\/(?:localhost)?(?=\/))?/i, '');
      const found = await identify(path);
      if (found?.folder) {
        inputs.#folders.add(found.id);
        for (const name of await readdir(path).catch(() => [])) {
          const file = await identify(join(path, name));
          if (file && !file.folder) inputs.#files.add(file.id);
        }
      } else if (found) inputs.#files.add(found.id);
    }
    return inputs;
  }

  /** Errors: USAGE when `path`, a file or folder to write to, is one of the inputs. `option` names it for the user. */
  async demandOther(path: string, option: string): Promise<void> {
    const found = await identify(path);
    if (!found) return;
    if (found.folder ? this.#folders.has(found.id) : this.#files.has(found.id))
      throw new FastsamError('USAGE', `${option} ${path}: is an input of this command and would be destroyed; choose another name`);
  }
}

async function identify(path: string): Promise<{ readonly id: string; readonly folder: boolean } | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return { id: `${stats.dev}:${stats.ino}`, folder: stats.isDirectory() };
  } catch {
    return undefined;
  }
}
