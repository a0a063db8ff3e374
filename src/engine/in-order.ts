/** Frames in flight may overtake each other, their results may not. */
export class InOrder {
  #settled: Promise<unknown> = Promise.resolve();

  /** Settles as `run` does, once the runs of all earlier calls have settled. */
  async settle<T>(run: Promise<T>): Promise<T> {
    const before = this.#settled;
    this.#settled = Promise.allSettled([before, run]);
    await before;
    return run;
  }
}
