/**
 * A fixed number of places, handed out in the order of asking. Bounds how much is in flight; the holder of a place
 * gives it back exactly once.
 */
export class Slots<T> {
  readonly #free: T[];
  readonly #waiting: ((place: T) => void)[] = [];

  constructor(places: readonly T[]) {
    this.#free = [...places];
  }

  /** Resolves with a place as soon as one is free. */
  take(): Promise<T> {
    const place = this.#free.pop();
    if (place !== undefined) return Promise.resolve(place);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(place: T): void {
    const next = this.#waiting.shift();
    if (next) next(place);
    else this.#free.push(place);
  }
}
