import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from '../domain/frame.js';
import { native } from '../native.js';
import { captureTime, type Source, SourceFrame, type SourceOptions } from './source.js';

/** `shapes`: discs, rectangles and triangles. `conveyor`: a belt with parts, some of them defective. */
export type TestScene = 'shapes' | 'conveyor';

export interface TestSceneSettings {
  readonly scene: TestScene;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly seed: number;
  /** Ends after this many frames of the scene; endless when absent. */
  readonly frames?: number;
  /** False: as fast as frames are taken, none dropped. */
  readonly realtime: boolean;
}

/** `test:shapes` and `test:conveyor`: a drawn scene that behaves like a camera, for machines without one. */
export class TestSceneSource implements Source {
  readonly live: boolean;
  readonly #stopping = new AbortController();
  #openedAt = 0;
  #busy = 0;

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
    const { scene, width, height, fps, seed, frames = Number.POSITIVE_INFINITY } = this.settings;
    let sequence = this.options.firstSequence ?? 0;
    for (let index = 0; index < frames; index += 1) {
      if (this.live) index = await this.#due(index);
      if (this.#stopping.signal.aborted || index >= frames) return;
      const pixels =
        scene === 'conveyor'
          ? await native().renderConveyor(index, { width, height, fps, seed })
          : await native().renderShapes(index, { width, height, seed });
      yield new SourceFrame(pixels, sequence++, captureTime(), this.uri, BigInt(Math.round((index * 1e9) / fps)));
    }
  }

  dropped(): Record<string, number> {
    return { busy: this.#busy };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
  }

  /** Waits for the exposure of picture `index`, or skips to the newest one when it is long past. */
  async #due(index: number): Promise<number> {
    const period = 1000 / this.settings.fps;
    const early = this.#openedAt + index * period - performance.now();
    if (early > 0) {
      await delay(early, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      return index;
    }
    const newest = Math.min(
      Math.max(Math.floor((performance.now() - this.#openedAt) / period), index),
      this.settings.frames ?? Number.POSITIVE_INFINITY,
    );
    this.#busy += newest - index;
    return newest;
  }
}
