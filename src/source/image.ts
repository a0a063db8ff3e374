/** Still pictures: one file, or every picture of a directory in natural order. */

import { decodeImage, openPictureParts } from '../addon/picture.js';
import { byName, EXPECTED_PICTURES, picturesOfFolder } from '../addon/picture-kinds.js';
import type { Frame } from '../domain/frame.js';
import { MAX_PICTURE_PIXELS } from '../domain/limits.js';
import { FastsamError } from '../errors.js';
import { readNoData } from '../geo/georeference.js';
import { LargePicture } from './large-picture.js';
import { captureTime, fileOf, type Place, type Source, SourceFrame, type SourceOptions } from './source.js';

/** Pictures from a fixed list of files. */
class ImageSource implements Source {
  readonly live = false;
  #paths: readonly string[] = [];
  #stopped = false;
  #corrupt = 0;
  #received = 0;
  /** The path that was handed out or left out last. */
  #last: string | undefined;
  /** Corrupt pictures that were reported, each once. */
  readonly #reported = new Set<string>();

  constructor(
    readonly uri: string,
    private readonly list: () => Promise<readonly string[]>,
    private readonly options: SourceOptions,
  ) {}

  async open(): Promise<void> {
    this.#paths = await this.list();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    let sequence = this.options.firstSequence ?? 0;
    let paths = this.#remaining();
    let readable = 0;
    do {
      readable = 0;
      for (const path of paths) {
        if (this.#stopped) return;
        const frame = await this.#read(path, sequence);
        this.#received += 1;
        this.#last = path;
        if (!frame) continue;
        readable += 1;
        sequence += 1;
        yield frame;
      }
      // The rest of a list that is resumed may be empty, the whole list is not.
      if (paths.length < this.#paths.length) readable += 1;
      paths = this.#paths;
    } while (this.options.loop && readable > 0);
  }

  place(): Place | undefined {
    return this.#last === undefined ? this.options.resume : { afterPath: this.#last };
  }

  /** The pictures after the place where an earlier source was closed, which may have been deleted meanwhile. */
  #remaining(): readonly string[] {
    const { resume } = this.options;
    if (!resume || !('afterPath' in resume)) return this.#paths;
    return this.#paths.filter((path) => byName(path, resume.afterPath) > 0);
  }

  received(): number {
    return this.#received;
  }

  dropped(): Record<string, number> {
    return { corrupt: this.#corrupt };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
  }

  async #read(path: string, sequence: number): Promise<Frame | undefined> {
    try {
      const file = await fileOf(path);
      const stretch = this.options.stretchDepth ? { noData: await readNoData(path) } : undefined;
      if (this.options.inParts) {
        const parts = await openPictureParts(path, { stretch });
        if (parts.width * parts.height > MAX_PICTURE_PIXELS) return new LargePicture(parts, sequence, captureTime(), path, file);
      }
      return new SourceFrame(await decodeImage(path, path, { ...this.options, stretch }), sequence, captureTime(), path, null, file);
    } catch (error) {
      // What a source of one picture has to say is that it has none.
      if (this.#paths.length === 1) throw error;
      this.#corrupt += 1;
      if (!this.#reported.has(path)) this.options.onCorrupt?.(error as Error, path);
      this.#reported.add(path);
      return undefined;
    }
  }
}

export function imageFile(path: string, options: SourceOptions): Source {
  return new ImageSource(path, async () => [path], options);
}

export function imageDirectory(directory: string, options: SourceOptions): Source {
  const list = async () => {
    const paths = await picturesOfFolder(directory);
    if (paths.length === 0) throw new FastsamError('SOURCE_NOT_FOUND', `${directory}: no pictures in it (expected ${EXPECTED_PICTURES})`);
    return paths;
  };
  return new ImageSource(directory, list, options);
}
