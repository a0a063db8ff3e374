import { setTimeout as delay } from 'node:timers/promises';
import { native } from '../addon/addon.js';
import type { TestSceneSettings } from '../config/source-uri.js';
import type { Frame } from '../domain/frame.js';
import { captureTime, type Source, SourceFrame, type SourceOptions } from './source.js';

/** `test:shapes` and `test:conveyor`: a drawn scene that behaves like a camera, for machines without one. */
export class TestSceneSource implements Source {
  readonly live: boolean;
  readonly #stopping = new AbortController();
  #openedAt = 0;
  #busy = 0;
  /** Pictures that have been exposed. */
  #received = 0;
  #index = 0;

  constructor(
    readonly uri: string,
    private readonly settings: TestSceneSettings,
    private readonly options: SourceOptions,
  ) {
    this.live = settings.realtime;
  }

  async open(): Promise<void> {
    native();
    this.#openedAt = performance.now();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame> {
    const { frames = Number.POSITIVE_INFINITY } = this.settings;
    let sequence = this.options.firstSequence ?? 0;
    for (; this.#index < frames; this.#index += this.#step()) {
      if (this.live) await this.#exposure();
      if (this.#stopping.signal.aborted || this.#index >= frames) return;
      yield await this.#draw(sequence++);
    }
  }

  async newest(frame: Frame): Promise<Frame> {
    if (!this.live) return frame;
    const due = this.#due();
    if (due <= this.#index || due >= (this.settings.frames ?? Number.POSITIVE_INFINITY)) return frame;
    frame[Symbol.dispose]();
    this.#busy += due - this.#index;
    this.#index = due;
    return this.#draw(frame.sequence);
  }

  received(): number {
    return this.#received;
  }

  dropped(): Record<string, number> {
    return { busy: this.#busy };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
  }

  async #draw(sequence: number): Promise<Frame> {
    const { scene, width, height, fps, seed, plates, lanes, camera, bar, light, twins, leave, pieces } = this.settings;
    const index = this.#index;
    this.#received = index + 1;
    const captured = captureTime();
    const pixels =
      scene === 'conveyor'
        ? await native().renderConveyor(index, { width, height, fps, seed, plates, ...given({ lanes, camera, bar, light }) })
        : await native().renderShapes(index, { width, height, seed, ...given({ camera, bar, light, twins, leave, pieces }) });
    return new SourceFrame(pixels, sequence, captured, this.uri, BigInt(Math.round((index * 1e9) / fps)));
  }

  /** How far it is from this picture to the next: a number of 1 to `drop` that goes by the seed and the picture. */
  #step(): number {
    const { seed, drop = 1 } = this.settings;
    // The finalizer of MurmurHash3, 32 bit.
    let hash = Math.imul(this.#index + 1, 0x9e3779b1) ^ seed;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return 1 + (((hash ^ (hash >>> 16)) >>> 0) % drop);
  }

  /** The picture that is exposed at this moment. */
  #due(): number {
    return Math.floor(((performance.now() - this.#openedAt) * this.settings.fps) / 1000);
  }

  /** Waits for the exposure of the next picture, or skips to the newest one when that is past. */
  async #exposure(): Promise<void> {
    const early = this.#openedAt + (this.#index * 1000) / this.settings.fps - performance.now();
    if (early > 0) {
      await delay(early, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      return;
    }
    const frames = this.settings.frames ?? Number.POSITIVE_INFINITY;
    const newest = Math.min(Math.max(this.#due(), this.#index), frames);
    this.#busy += newest - this.#index;
    this.#index = newest;
    this.#received = Math.max(this.#received, Math.min(newest, frames));
  }
}

/** Without what is undefined. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } | Record<string, never> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
