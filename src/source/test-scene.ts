import { setTimeout as delay } from 'node:timers/promises';
import type { Frame } from '../domain/frame.js';
import { FastsamError } from '../errors.js';
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
    for (; this.#index < frames; this.#index += 1) {
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
    const { scene, width, height, fps, seed } = this.settings;
    const index = this.#index;
    this.#received = index + 1;
    const captured = captureTime();
    const pixels =
      scene === 'conveyor'
        ? await native().renderConveyor(index, { width, height, fps, seed })
        : await native().renderShapes(index, { width, height, seed });
    return new SourceFrame(pixels, sequence, captured, this.uri, BigInt(Math.round((index * 1e9) / fps)));
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

const TEST_PARAMETERS = ['width', 'height', 'fps', 'frames', 'seed', 'realtime'];

/** `test:shapes` and `test:conveyor`, see openSource. Errors: SOURCE_UNSUPPORTED. */
export function openScene(rest: string, uri: string, options: SourceOptions): Source {
  const [name = '', query = ''] = rest.split('?', 2);
  const scene = name === '' ? 'shapes' : name;
  if (scene !== 'shapes' && scene !== 'conveyor') {
    throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: no such test scene (expected test:shapes or test:conveyor)`);
  }
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (!TEST_PARAMETERS.includes(name)) {
      throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: unknown parameter "${name}" (expected ${TEST_PARAMETERS.join(', ')})`);
    }
  }
  const number = (name: string, fallback: number, min: number, max: number) => {
    const text = parameters.get(name);
    const value = text === null ? fallback : Number(text);
    if (!(value >= min && value <= max))
      throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: ${name} must be a number from ${min} to ${max}`);
    return value;
  };
  if (options.rotate || (options.flip && options.flip !== 'none')) {
    throw new FastsamError('SOURCE_UNSUPPORTED', `${uri}: a test scene can not be turned; leave rotate and flip out`);
  }
  const settings: TestSceneSettings = {
    scene,
    width: Math.round(number('width', options.width ?? 1280, 16, 16384)),
    height: Math.round(number('height', options.height ?? 720, 16, 16384)),
    fps: number('fps', options.fps ?? 30, 0.1, 1000),
    seed: Math.round(number('seed', 1, 0, 2 ** 32 - 1)),
    realtime: parameters.get('realtime') !== 'false',
    ...(parameters.has('frames') ? { frames: Math.round(number('frames', 1, 1, 1e9)) } : {}),
  };
  return new TestSceneSource(uri, settings, options);
}
