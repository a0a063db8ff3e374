import { native } from '../addon/addon.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame } from '../domain/frame.js';
import { captureTime, type Source, SourceFrame } from './source.js';

/** Of the format that takes most. */
const BYTES_PER_PIXEL = 4;

/** Frames that are held in memory and given again, so that a measurement of the pipeline leaves out what it costs to make them. */
export class HeldFrames implements Disposable {
  private constructor(
    private readonly uri: string,
    private readonly frames: readonly Frame[],
  ) {}

  /** The first frames of an open source, at most `most.frames` of them and `most.bytes` of pixels, at least one; the source is not stopped. Errors: the source's. */
  static async of(source: Source, most: { readonly frames: number; readonly bytes: number }): Promise<HeldFrames> {
    const frames: Frame[] = [];
    const held = new HeldFrames(source.uri, frames);
    let bytes = 0;
    try {
      for await (const frame of source) {
        frames.push(frame);
        const size = frame.width * frame.height * BYTES_PER_PIXEL;
        bytes += size;
        if (frames.length >= most.frames || bytes + size > most.bytes) break;
      }
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
    return held;
  }

  /**
   * Gives the frames over and over until it is stopped. Sequence numbers and presentation times run on, so that the first frame
   * follows the last one as each follows the one before.
   */
  source(): Source {
    const { uri } = this;
    const held = this.frames.length;
    let given = 0;
    let isStopped = false;
    const next = () => this.#again(given++);
    return {
      uri,
      live: false,
      open: async () => undefined,
      received: () => given,
      dropped: () => ({}),
      stop: async () => {
        isStopped = true;
      },
      async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
        while (!isStopped && held > 0) yield next();
      },
    };
  }

  [Symbol.dispose](): void {
    for (const frame of this.frames) frame[Symbol.dispose]();
  }

  /** Frame number `given` of a source, over the memory of the one that is held. */
  #again(given: number): Frame {
    const { frames } = this;
    const held = frames[given % frames.length] as Frame;
    const lap = BigInt(Math.floor(given / frames.length));
    const memory = held.retain();
    const { width, height } = held;
    const pixels = native().cropFrame(held.pixels as NativeFrame, { x: 0, y: 0, width, height });
    const ptsNs = held.ptsNs === null ? null : held.ptsNs + lap * this.#lapNs();
    return new SourceFrame(pixels, given, captureTime(), held.origin, ptsNs, undefined, () => memory[Symbol.dispose]());
  }

  #lapNs(): bigint {
    const first = this.frames[0]?.ptsNs ?? 0n;
    const last = this.frames.at(-1)?.ptsNs ?? first;
    const steps = BigInt(Math.max(this.frames.length - 1, 1));
    return last - first + (last - first) / steps;
  }
}
