/** Frames in flight may overtake each other, their results may not. */
export class InOrder {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as `run` does, once the runs of all earlier calls have settled. */
  async settle<T>(run: Promise<T>): Promise<T> {
    const before = this.#last;
    // Nothing of the runs is kept: a chain of their results would hold every frame's masks.
    this.#last = Promise.allSettled([before, run]).then(() => undefined);
    await before;
    return run;
  }

  /** Resolves when all runs so far have settled. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
