/** A picture that is in memory already: standard input, a download, a buffer of the caller. */

import { decodeImage } from '../addon/picture.js';
import type { Frame } from '../domain/frame.js';
import { captureTime, type Source, SourceFrame, type SourceOptions } from './source.js';

/** One frame from the bytes of a picture file, which `load` brings; `name` stands for it in messages and results. */
export class PictureBytes implements Source {
  readonly live = false;
  readonly uri: string;
  readonly #stopping = new AbortController();
  #bytes: Uint8Array | undefined;
  #received = 0;

  constructor(
    name: string,
    private readonly load: (signal: AbortSignal) => Promise<Uint8Array>,
    private readonly options: SourceOptions = {},
  ) {
    this.uri = name;
  }

  async open(): Promise<void> {
    this.#bytes = await this.load(this.#stopping.signal);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    if (!this.#bytes || this.#stopping.signal.aborted) return;
    const frame = await openPicture(this.#bytes, this.uri, this.options);
    this.#received += 1;
    yield frame;
  }

  received(): number {
    return this.#received;
  }

  dropped(): Record<string, number> {
    return {};
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
  }
}

/**
 * The frame of a picture file that is in memory, upright. `name` stands for it in messages and results. The caller releases
 * the frame. Errors: SOURCE_CORRUPT.
 */
export async function openPicture(
  bytes: Uint8Array,
  name = 'picture',
  options: Pick<SourceOptions, 'rotate' | 'flip'> = {},
): Promise<Frame> {
  return new SourceFrame(await decodeImage(bytes, name, options), 0, captureTime(), name);
}
