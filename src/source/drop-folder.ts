import { type FSWatcher, watch } from 'node:fs';
import { access, constants, copyFile, link, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, join, parse, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NativeFrame } from '../addon/frame.js';
import { decodeImage } from '../addon/picture.js';
import { isPictureOfFolder } from '../addon/picture-kinds.js';
import type { Frame } from '../domain/frame.js';
import { makeDirectory } from '../durable.js';
import { FastsamError, messageOf } from '../errors.js';
import { captureTime, fileOf, type Place, type Source, SourceFrame, type SourceOptions } from './source.js';

/** Network file systems do not notify: the folder is also looked at this often. */
const RESCAN_MS = 2000;
/** A file that has not changed for this long is complete. */
const SETTLE_MS = 200;
/** One that cannot be decoded may still be on its way: it is corrupt only when it has been left alone for this long. */
const PATIENCE_MS = 5000;
/** Within `moveTo`: pictures that could not be decoded. */
const BAD = 'bad';
/** Files of one name that `moveTo` keeps apart. */
const MAX_NAMESAKES = 10_000;

interface Candidate {
  readonly path: string;
  /** Changes with the content. */
  readonly version: string;
  readonly changedMs: number;
}

/**
 * A folder that pictures are dropped into: those that are there, then each new or replaced one once it is complete, in
 * natural order of the names that are found together. Nothing is dropped, the folder is the queue. It never ends.
 */
export class DropFolder implements Source {
  readonly live = false;
  readonly uri: string;
  readonly #collator = new Intl.Collator('en', { numeric: true });
  readonly #stopping = new AbortController();
  /** Versions that were handed out or given up, by path; only of files that are still there. */
  #done: Map<string, string>;
  /** Versions that are no pictures, by path. */
  #others = new Map<string, string>();
  #watcher: FSWatcher | undefined;
  #changed = new AbortController();
  #corrupt = 0;
  #received = 0;
  /** Moves under way, and what ended the first one that failed. */
  readonly #moves = new Set<Promise<void>>();
  #moveFailure: FastsamError | undefined;

  constructor(
    private readonly folder: string,
    private readonly options: SourceOptions,
  ) {
    this.uri = folder;
    const { resume } = options;
    this.#done = new Map(resume && 'done' in resume ? resume.done : []);
  }

  async open(): Promise<void> {
    await this.#list();
    await this.#prepareMoves();
    try {
      this.#watcher = watch(this.folder, () => this.#changed.abort()).on('error', () => this.#watcher?.close());
    } catch {
      // Without inotify (its number of watches is limited) the rescan still finds everything.
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    let sequence = this.options.firstSequence ?? 0;
    while (!this.#stopping.signal.aborted) {
      this.#changed = new AbortController();
      const fresh = await this.#list();
      for (const candidate of fresh) {
        if (this.#stopping.signal.aborted) return;
        if (this.#moveFailure) throw this.#moveFailure;
        const pixels = await this.#read(candidate);
        if (!pixels) continue;
        const file = await fileOf(candidate.path);
        yield new SourceFrame(pixels, sequence++, captureTime(), candidate.path, null, file, () => this.#move(candidate));
      }
      if (fresh.length > 0) await this.#pause(SETTLE_MS);
      else await this.#pause(RESCAN_MS, this.#changed.signal);
    }
  }

  received(): number {
    return this.#received;
  }

  dropped(): Record<string, number> {
    return { corrupt: this.#corrupt };
  }

  place(): Place {
    return { done: this.#done };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#watcher?.close();
    await Promise.all(this.#moves);
  }

  /** The folders that pictures go to. Errors: SOURCE_UNSUPPORTED. */
  async #prepareMoves(): Promise<void> {
    const { moveTo } = this.options;
    if (moveTo === undefined) return;
    if (resolve(moveTo) === resolve(this.folder)) {
      throw new FastsamError('SOURCE_UNSUPPORTED', `moveTo: ${moveTo} is the folder that is watched; expected another one`);
    }
    try {
      await makeDirectory(join(moveTo, BAD));
      for (const folder of [this.folder, moveTo]) await access(folder, constants.W_OK);
    } catch (cause) {
      throw new FastsamError('SOURCE_UNSUPPORTED', `moveTo: pictures cannot be moved to ${moveTo}: ${messageOf(cause)}`, { cause });
    }
  }

  /** Takes a picture that is done out of the folder, unless another one has taken its name meanwhile. */
  #move({ path, version }: Candidate, within = ''): void {
    const { moveTo } = this.options;
    if (moveTo === undefined) return;
    const moving = (async () => {
      if ((await describe(path))?.version === version) await moveInto(path, join(moveTo, within));
    })()
      .catch((cause) => {
        this.#moveFailure ??= new FastsamError('SOURCE_LOST', `${path}: cannot be moved to ${moveTo}: ${messageOf(cause)}`, { cause });
      })
      .finally(() => this.#moves.delete(moving));
    this.#moves.add(moving);
  }

  /** Pictures that were not handed out in their present version. */
  async #list(): Promise<Candidate[]> {
    const names = await readdir(this.folder).catch((cause) => {
      throw new FastsamError('SOURCE_NOT_FOUND', `${this.folder}: the folder cannot be read: ${messageOf(cause)}`, { cause });
    });
    const candidates: Candidate[] = [];
    const done = new Map<string, string>();
    const others = new Map<string, string>();
    for (const name of names.sort(this.#collator.compare)) {
      const candidate = await describe(join(this.folder, name));
      if (!candidate) continue;
      const { path, version } = candidate;
      if (this.#done.get(path) === version) done.set(path, version);
      else if (this.#others.get(path) === version || !(await isPictureOfFolder(path))) others.set(path, version);
      else candidates.push(candidate);
    }
    this.#done = done;
    this.#others = others;
    return candidates;
  }

  /** The picture, or nothing when it is not complete yet or never will be. */
  async #read(found: Candidate): Promise<NativeFrame | undefined> {
    const age = ageMs(found);
    if (age < SETTLE_MS) await this.#pause(SETTLE_MS - age);
    const candidate = await describe(found.path);
    if (candidate?.version !== found.version) return undefined;
    try {
      const pixels = await decodeImage(candidate.path, candidate.path, this.options);
      this.#done.set(candidate.path, candidate.version);
      this.#received += 1;
      return pixels;
    } catch (error) {
      if (ageMs(candidate) < PATIENCE_MS) return undefined;
      this.#done.set(candidate.path, candidate.version);
      this.#received += 1;
      this.#corrupt += 1;
      this.options.onCorrupt?.(error as Error, candidate.path);
      this.#move(candidate, BAD);
      return undefined;
    }
  }

  async #pause(ms: number, wake?: AbortSignal): Promise<void> {
    const signals = [this.#stopping.signal, ...(wake ? [wake] : [])];
    await delay(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => undefined);
  }
}

/** Never in place of a file that is there already: the next free one of `a.jpg`, `a-2.jpg`, `a-3.jpg`. Also onto another file system. */
async function moveInto(path: string, folder: string): Promise<void> {
  const { name, ext } = parse(path);
  for (let k = 1; k <= MAX_NAMESAKES; k += 1) {
    const target = join(folder, k === 1 ? basename(path) : `${name}-${k}${ext}`);
    try {
      // A link fails where a file is, which rename would replace.
      await link(path, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      await copyWhole(path, target);
    }
    await unlink(path);
    return;
  }
  throw new Error(`${folder} holds ${MAX_NAMESAKES} files of the name ${name}${ext}`);
}

/** For file systems without links, and onto another one: no reader sees half a file under the name. */
async function copyWhole(path: string, target: string): Promise<void> {
  const part = `${target}.part`;
  await copyFile(path, part);
  await rename(part, target);
}

/** A file of the future was changed before the clock was set back: it is not waited for until then. */
function ageMs({ changedMs }: Candidate): number {
  return Math.abs(Date.now() - changedMs);
}

async function describe(path: string): Promise<Candidate | undefined> {
  try {
    const stats = await stat(path);
    const { size, mtimeMs, ctimeMs, ino } = stats;
    if (size === 0 || !stats.isFile()) return undefined;
    return { path, version: `${ino}:${size}:${mtimeMs}`, changedMs: ctimeMs };
  } catch {
    return undefined;
  }
}
