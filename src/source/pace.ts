/** Holds frames to a rate. */
export class Pace {
  #dueAt = 0;

  /** Frames a second on average; as many as come when undefined. */
  constructor(private readonly maxFps: number | undefined) {}

  /** Takes the next frame's turn: milliseconds from `now` until that frame is due, 0 when it is due already. */
  next(now: number): number {
    if (this.maxFps === undefined) return 0;
    const early = this.#dueAt - now;
    const period = 1000 / this.maxFps;
    // A frame late by less than a period does not shift the later ones, so that the average is the rate.
    this.#dueAt = early > -period ? this.#dueAt + period : now + period;
    return Math.max(early, 0);
  }
}
