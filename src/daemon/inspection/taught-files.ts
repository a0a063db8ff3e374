/** What cameras were taught over the wire: files in the state directory, by camera and SHA-256, which revisions of recipes name. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, writeDurably } from '../../durable.js';
import { FastsamError, messageOf } from '../../errors.js';
import { loadTaught, type OpenFeatures, type Taught, type TaughtFile, writtenTaught } from '../../inspect/taught.js';

/** Of each camera: one that a lesson makes is some megabytes, and old revisions are seldom gone back to. */
const MOST_FILES = 20;
const ENDING = '.taught';

export interface TaughtFilesDeps {
  readonly folder: string;
  readonly openFeatures: OpenFeatures;
}

export class TaughtFiles {
  readonly #deps: TaughtFilesDeps;

  constructor(deps: TaughtFilesDeps) {
    this.#deps = deps;
  }

  /** Keeps what was taught, and returns its name. Errors: OUTPUT_UNWRITABLE. */
  async save(camera: string, file: TaughtFile): Promise<string> {
    const { text, sha256 } = writtenTaught(file);
    const path = this.#pathOf(camera, sha256);
    try {
      await makeDirectory(this.#folderOf(camera));
      await writeDurably(path, text);
    } catch (cause) {
      throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: ${messageOf(cause)}`, { cause });
    }
    return sha256;
  }

  /** Errors: REQUEST_INVALID for what is not kept. */
  async demand(camera: string, sha256: string): Promise<void> {
    if (await stat(this.#pathOf(camera, sha256)).catch(() => undefined)) return;
    const message = `what the recipe was taught (${sha256.slice(0, 12)}…) is not kept for camera "${camera}"; teach it again`;
    throw new FastsamError('REQUEST_INVALID', message);
  }

  /** The caller disposes of it. Errors: REQUEST_INVALID for what is not kept; those of loadTaught. */
  async load(camera: string, sha256: string): Promise<Taught> {
    await this.demand(camera, sha256);
    return loadTaught(this.#pathOf(camera, sha256), this.#deps.openFeatures);
  }

  /** Removes one that no revision names, and the oldest beyond the number that is kept, but for these. Never rejects. */
  async tidy(camera: string, { remove, keep }: { remove?: string | undefined; keep: ReadonlySet<string | undefined> }): Promise<void> {
    try {
      const names = (await readdir(this.#folderOf(camera))).filter((name) => name.endsWith(ENDING));
      const files = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(this.#folderOf(camera), name))).mtimeMs })));
      files.sort((a, b) => b.at - a.at);
      for (const [k, { name }] of files.entries()) {
        const sha256 = name.slice(0, -ENDING.length);
        if (sha256 === remove || (k >= MOST_FILES && !keep.has(sha256))) await rm(join(this.#folderOf(camera), name), { force: true });
      }
    } catch {
      // The next one tries again.
    }
  }

  #folderOf(camera: string): string {
    return join(this.#deps.folder, camera);
  }

  #pathOf(camera: string, sha256: string): string {
    return join(this.#folderOf(camera), `${sha256}${ENDING}`);
  }
}
