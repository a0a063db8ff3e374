/**
 * A download in progress: `TARGET.part`, and beside it `TARGET.part.validator` with what the server called this version
 * of the file (ETag or Last-Modified), so that another process can go on later. Nothing is called `TARGET` before
 * all of it is there, verified and on the disk.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../durable.js';
import { FastsamError, messageOf, systemCodeOf } from '../errors.js';
import { megabytes } from './bytes.js';
import { sha256OfFile } from './checksum.js';

const MAX_VALIDATOR_LENGTH = 1000;

/** Every method's errors: OUTPUT_UNWRITABLE. */
export class PartFile {
  readonly path: string;
  readonly #validatorPath: string;

  constructor(private readonly target: string) {
    this.path = `${target}.part`;
    this.#validatorPath = `${this.path}.validator`;
  }

  /** Makes the folder, and checks that there is room for `bytes` in all. */
  async prepare(bytes: number): Promise<void> {
    const directory = dirname(this.target);
    await this.#guard(async () => {
      await makeDirectory(directory);
      const { bavail, bsize } = await statfs(directory);
      const missing = bytes - (await this.#length());
      if (bavail * bsize >= missing) return;
      throw new FastsamError(
        'OUTPUT_UNWRITABLE',
        `${directory}: ${megabytes(missing)} needed, ${megabytes(bavail * bsize)} free; make room or choose another folder (--dir)`,
      );
    });
  }

  /** Bytes that are there already; 0 when there is no file. */
  length(): Promise<number> {
    return this.#guard(() => this.#length());
  }

  /** What the server called the version that this is a part of, when it did. */
  async validator(): Promise<string | undefined> {
    const text = await readFile(this.#validatorPath, 'latin1').catch(() => '');
    return text.length > 0 && text.length <= MAX_VALIDATOR_LENGTH ? text : undefined;
  }

  /** Forgets what is there and begins a version that the server calls `validator`. */
  restart(validator: string | undefined): Promise<void> {
    return this.#guard(async () => {
      // Emptied before it is renamed: at no time does the name of one version stand beside bytes of another.
      await rm(this.#validatorPath, { force: true });
      await rm(this.path, { force: true });
      await writeFile(this.path, '', { flag: 'wx' });
      if (validator === undefined || validator.length > MAX_VALIDATOR_LENGTH) return;
      await writeFile(this.#validatorPath, validator, { encoding: 'latin1', flag: 'wx' });
    });
  }

  /** Opens for appending, a link never; the caller disposes of it. */
  async open(): Promise<PartWriter> {
    const handle = await this.#guard(() =>
      open(this.path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW),
    );
    return {
      append: (chunk) => this.#guard(() => handle.appendFile(chunk)),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  }

  discard(): Promise<void> {
    return this.#guard(async () => {
      await rm(this.path, { force: true });
      await rm(this.#validatorPath, { force: true });
    });
  }

  /** Gives the file its name if its content has this hash. Otherwise discards it and returns the hash it has. */
  async complete(sha256: string): Promise<string | undefined> {
    const found = await sha256OfFile(this.path);
    if (found !== sha256) {
      await this.discard();
      return found;
    }
    await this.#guard(async () => {
      await synced(this.path, 'r+');
      await rename(this.path, this.target);
      await synced(dirname(this.target), 'r');
      await rm(this.#validatorPath, { force: true });
    });
    return undefined;
  }

  async #length(): Promise<number> {
    try {
      return (await stat(this.path)).size;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return 0;
      throw error;
    }
  }

  async #guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof FastsamError) throw cause;
      const code = systemCodeOf(cause) ?? '';
      const full = 'the disk is full; make room and run the command again, it goes on where it stopped';
      const why =
        { ENOSPC: full, EDQUOT: full, EACCES: 'permission denied', EROFS: 'the file system is read-only' }[code] ?? messageOf(cause);
      throw new FastsamError('OUTPUT_UNWRITABLE', `${this.path}: cannot be written: ${why}`, { cause });
    }
  }
}

export interface PartWriter extends AsyncDisposable {
  append(chunk: Uint8Array): Promise<void>;
}

async function synced(path: string, flags: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, flags);
    await handle.sync();
  } finally {
    await handle?.close();
  }
}
