/** A camera under observation: its frames are taken and released as they come, its phases are kept. */
import { Camera, type CameraDeps, type CameraStatus } from '../../src/source/camera.js';

export class WatchedCamera implements AsyncDisposable {
  readonly camera: Camera;
  readonly statuses: CameraStatus[] = [];
  readonly sizes: string[] = [];
  frames = 0;
  /** Of every frame: when it was taken, by performance.now(). */
  lastFrameAt = 0;
  /** Rejects with what ends the iteration. */
  readonly ended: Promise<void>;
  readonly #watchers = new Set<() => void>();

  constructor(uri: string, deps: Partial<CameraDeps> = {}) {
    this.camera = new Camera({
      uri,
      options: {},
      onWedged: 'keep-going',
      ...deps,
      onStatus: (status) => {
        this.statuses.push(status);
        this.#notify();
      },
    });
    this.ended = this.#drain();
    this.ended.catch(() => undefined);
  }

  get phases(): string[] {
    return this.statuses.map(({ phase }) => phase);
  }

  get phase(): string {
    return this.camera.status.phase;
  }

  /** Resolves when `passes`, looked at after every frame and status, is true; the test's own limit ends a vain wait. */
  async until(passes: () => boolean): Promise<void> {
    if (passes()) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!passes()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      this.ended.then(look, reject);
    });
  }

  untilPhase(phase: string): Promise<void> {
    return this.until(() => this.phase === phase);
  }

  /** The next `count` frames from now on. */
  more(count = 1): Promise<void> {
    const goal = this.frames + count;
    return this.until(() => this.frames >= goal);
  }

  async #drain(): Promise<void> {
    for await (const frame of this.camera) {
      this.frames += 1;
      this.lastFrameAt = performance.now();
      const size = `${frame.width}x${frame.height}`;
      if (this.sizes.at(-1) !== size) this.sizes.push(size);
      frame[Symbol.dispose]();
      this.#notify();
    }
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.camera.stop();
    await this.ended.catch(() => undefined);
  }
}
